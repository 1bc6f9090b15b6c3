"""The network between this machine and its node: a wire into namespaces that end with their keeper."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox_kit.node import config
from sandbox_kit.node.addresses import SLOTS, Addresses
from sandbox_kit.process import NotReadyError, Server

UPLINK = "uplink"
KEEPER = Path(__file__).with_name("keeper.py")


class Wire(Server):
    """Namespaces of network and mounts, and a slot of addresses: `.addresses`, `.prefix`, `.group`."""

    timeout = 20.0
    grace = 10.0  # for its cgroups to become empty

    def __init__(self, directory: Path) -> None:
        super().__init__("wire", directory)
        self.addresses = Addresses(0)
        self._resolver = directory / "resolv.conf"

    @property
    def group(self) -> str:
        """The cgroup of all pods."""
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
        self.addresses = self._claimed()
        self._resolver.write_text(config.resolver(self.addresses))
        self._connect()

    def _claimed(self) -> Addresses:
        """The first slot that is free: the kernel gives a link's name to one of those who ask."""
        for addresses in map(Addresses, SLOTS):
            link = (
                "link",
                "add",
                "name",
                addresses.link,
                "type",
                "veth",
                "peer",
                "name",
                UPLINK,
                "netns",
                str(self.pid),
            )
            done = subprocess.run(["ip", *link], capture_output=True, text=True, check=False)
            if not done.returncode:
                return addresses
            if "exists" not in done.stderr:
                raise NotReadyError(f"no wire to the node: {done.stderr.strip()}")
        raise NotReadyError(f"no wire to the node: {len(SLOTS)} clusters run on this machine")

    def _connect(self) -> None:
        here, there, link = self.addresses.host, self.addresses.node, self.addresses.link
        _ip(
            [],
            f"address add {here}/30 dev {link}",
            f"link set {link} up",
            f"route add {self.addresses.pods} via {there} dev {link}",
            f"route add {self.addresses.services} via {there} dev {link}",
        )
        _ip(
            self.prefix,
            f"address add {there}/30 dev {UPLINK}",
            f"link set {UPLINK} up",
            f"route add default via {here}",
        )


def _ip(prefix: Sequence[str], *orders: str) -> None:
    done = subprocess.run(
        [*prefix, "ip", "-batch", "-"], input="\n".join(orders), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotReadyError(f"no wire to the node: {done.stderr.strip()}")
