"""The network between this machine and its node: a wire into namespaces that end with their keeper."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox_kit.node import config
from sandbox_kit.node.addresses import SLOTS, Addresses, Seat
from sandbox_kit.process import NotReadyError, Server

UPLINK = "uplink"
KEEPER = Path(__file__).with_name("keeper.py")


class Namespaces(Server):
    """Namespaces of network and mounts where a node can be: `.seat`, `.prefix`, `.group`."""

    timeout = 60.0
    grace = 10.0  # for its cgroups to become empty
    seat: Seat

    def __init__(self, name: str, directory: Path) -> None:
        super().__init__(name, directory)
        self._resolver = directory / "resolv.conf"

    @property
    def group(self) -> str:
        """The cgroup of all that runs in the node."""
        return f"glance-sandbox-{self.pid}"

    @property
    def prefix(self) -> list[str]:
        """What to put before a command that is to run where the node is: it reaches pods and Services by name."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", f"--mount=/proc/{self.pid}/ns/mnt", "--"]

    def command(self) -> Sequence[str | Path]:
        return ["unshare", "--net", "--mount", "--", sys.executable, "-I", "-S", KEEPER, self._resolver]

    def launch(self) -> None:
        """Its log says when it is ready: a new one each time."""
        self.log.unlink(missing_ok=True)
        self._resolver.touch()
        super().launch()

    def ready(self) -> bool:
        return self.log.exists() and self.log.read_text() == "kept\n"

    def wait_ready(self) -> None:
        super().wait_ready()
        self.connect()
        self._resolver.write_text(config.resolver(self.seat))
        _ip(
            self.prefix,
            f"address add {self.seat.address}/30 dev {UPLINK}",
            f"link set {UPLINK} up",
            f"route add default via {self.seat.gateway}",
        )

    def connect(self) -> None:
        """Lay a wire whose far end is here, under the name UPLINK."""
        raise NotImplementedError


class Wire(Namespaces):
    """Those of the first node, and a slot of `.addresses`; its wire ends at this machine."""

    def __init__(self, directory: Path) -> None:
        super().__init__("wire", directory)
        self.addresses = Addresses(0)

    def connect(self) -> None:
        self.addresses = self._claimed()
        self.seat = Seat(self.addresses)
        here, there, link = self.seat.gateway, self.seat.address, self.addresses.link
        _ip(
            [],
            f"address add {here}/30 dev {link}",
            f"link set {link} up",
            f"route add {self.addresses.pods} via {there} dev {link}",
            f"route add {self.addresses.services} via {there} dev {link}",
        )

    def _claimed(self) -> Addresses:
        """The first slot that is free: the kernel gives a link's name to one of those who ask."""
        for addresses in map(Addresses, SLOTS):
            done = _link([], addresses.link, self.pid)
            if not done.returncode:
                return addresses
            if "exists" not in done.stderr:
                raise NotReadyError(f"no wire to the node: {done.stderr.strip()}")
        raise NotReadyError(f"no wire to the node: {len(SLOTS)} clusters run on this machine")


class Branch(Namespaces):
    """Those of another node; its wire ends in the first node's namespaces, which stay when that node is cut off."""

    def __init__(self, directory: Path, trunk: Wire, number: int) -> None:
        super().__init__("branch", directory)
        self.seat = Seat(trunk.addresses, number)
        self._trunk = trunk

    def connect(self) -> None:
        link, there = self.seat.name, self._trunk.prefix
        if (done := _link(there, link, self.pid)).returncode:
            raise NotReadyError(f"no wire to {link}: {done.stderr.strip()}")
        _ip(
            there,
            f"address add {self.seat.gateway}/30 dev {link}",
            f"link set {link} up",
            f"route add {self.seat.pods} via {self.seat.address} dev {link}",
        )


def _link(prefix: Sequence[str], name: str, pid: int) -> subprocess.CompletedProcess[str]:
    """A wire from where `prefix` leads to the namespace of `pid`."""
    words = ("link", "add", "name", name, "type", "veth", "peer", "name", UPLINK, "netns", str(pid))
    return subprocess.run([*prefix, "ip", *words], capture_output=True, text=True, check=False)


def _ip(prefix: Sequence[str], *orders: str) -> None:
    done = subprocess.run(
        [*prefix, "ip", "-batch", "-"], input="\n".join(orders), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotReadyError(f"no wire to the node: {done.stderr.strip()}")
