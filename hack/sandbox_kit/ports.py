"""TCP ports for servers that must be told one before they start, which takes them seconds to use.

A port that is only free when it is chosen may be chosen again meanwhile, by us, or be given to any connection by the
kernel. So a chosen port stays bound, but not listening, for as long as its chooser lives: Linux lets a server with
SO_REUSEADDR (all have it) listen beside us, and nobody else choose the same. Where a stranger insists on the very
port, the server finds another one (`process.Server.relocate`).
"""

import random
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

OURS = range(10000, 32000)
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


class NoPortError(RuntimeError):
    """Every port that we may choose is taken."""


def free_port(choice: Sequence[int] = ()) -> int:
    """Return a TCP port on 127.0.0.1 (one of `choice`) that nobody has, and nobody else is given while we live."""
    ports = choice or quiet_ports()
    for port in random.sample(ports, len(ports)):
        with suppress(OSError):
            _claim(port)
            return port
    raise NoPortError(f"none of {len(ports)} ports on 127.0.0.1 is free")


def quiet_ports() -> Sequence[int]:
    """Ours but for those that the kernel gives to outgoing connections; all of ours where it gives any."""
    if not EPHEMERAL.exists():
        return OURS
    first, last = map(int, EPHEMERAL.read_text().split())
    return [port for port in OURS if not first <= port <= last] or OURS


def _claim(port: int) -> None:
    with socket.socket() as claim:
        claim.bind(("127.0.0.1", port))
        if sys.platform == "linux":  # elsewhere our own server could not have it beside us
            claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            claim.detach()  # left to the kernel, which closes it when we end, however we end; no child inherits it
