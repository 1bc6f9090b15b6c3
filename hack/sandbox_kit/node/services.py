"""The programs of a node, each a server: the machine itself, containerd, the kubelet, kube-proxy, CoreDNS."""

import json
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox_kit.control_plane import GoServer
from sandbox_kit.loopback import answers
from sandbox_kit.node import config
from sandbox_kit.node.init import DISK
from sandbox_kit.node.wire import Namespaces
from sandbox_kit.process import Server

INIT = Path(__file__).with_name("init.py")


class Machine(Server):
    """Namespaces of processes and mounts: whatever runs there ends with it, at once. `disk` survives."""

    timeout = 60.0
    grace = 0.0

    def __init__(self, directory: Path, place: Namespaces, volumes: Path) -> None:
        """volumes: a directory that all machines see."""
        super().__init__("machine", directory)
        self.disk = directory / "disk"
        self._place, self._volumes = place, volumes
        (self.disk / "etc" / "cni").mkdir(parents=True)
        for folder in (self.disk / "kubelet", self.disk / "volumes", volumes):
            folder.mkdir(exist_ok=True)

    @property
    def prefix(self) -> list[str]:
        """What to put before a command that is to run in the node."""
        place = f"/proc/{self.pid}/ns"
        spaces = (f"--net={place}/net", f"--mount={place}/mnt", f"--pid={place}/pid_for_children")
        return ["nsenter", *spaces, "--"]

    def inside(self, path: str) -> Path:
        """A path of the node, as we reach it."""
        return Path(f"/proc/{self.pid}/root{path}")

    def write(self, name: str, content: str | Mapping[str, Any]) -> str:
        """Write a file of configuration (a mapping as JSON, which is YAML); return its path in the node."""
        path = self.disk / "etc" / name
        path.touch(mode=0o600)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
        return f"{DISK}/etc/{name}"

    def command(self) -> Sequence[str | Path]:
        spaces = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        init = (sys.executable, "-I", "-S", INIT, self.disk, self._place.group, self._volumes)
        return [*self._place.prefix, "unshare", *spaces, "--", *init]

    def launch(self) -> None:
        self.log.unlink(missing_ok=True)
        super().launch()

    def ready(self) -> bool:
        return self.log.exists() and self.log.read_text() == "up\n"


class Service(GoServer):
    """A program that runs in the machine, and is well when an address says so."""

    def __init__(self, machine: Machine, program: Path, arguments: Sequence[str], health: str = "") -> None:
        super().__init__(program.name, machine.directory)
        self._machine, self._program, self._arguments, self._health = machine, program, arguments, health

    def command(self) -> Sequence[str | Path]:
        return [*self._machine.prefix, self._program, *self._arguments]

    def environment(self) -> Mapping[str, str]:
        """Its shim is found beside containerd; no program of ours is to be told the proxies of this machine."""
        path = f"{self._program.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {**super().environment(), "PATH": path, "NO_PROXY": "*", "no_proxy": "*"}

    def ready(self) -> bool:
        return answers(self._health)


class Containerd(Service):
    """Runs containers; reached by its socket."""

    def ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self._machine.inside(config.SOCKET))) == 0
