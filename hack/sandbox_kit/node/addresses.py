"""Which addresses a cluster has: several can be on one machine, each in a slot of its own.

All are of 198.18.0.0/15, which is for measuring networks and so on no network that one would want to reach.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network

PODS, SERVICES = IPv4Network("198.18.0.0/16"), IPv4Network("198.19.0.0/16")
SLOTS = range(16)


@dataclass(frozen=True)
class Addresses:
    """The networks of one slot: pods and Services; and who this machine and the first node are in it."""

    slot: int

    @property
    def pods(self) -> IPv4Network:
        """All pods, on whatever node; and the nodes themselves."""
        return list(PODS.subnets(new_prefix=20))[self.slot]

    @property
    def services(self) -> IPv4Network:
        return list(SERVICES.subnets(new_prefix=20))[self.slot]

    @property
    def host(self) -> str:
        """This machine, as nodes and pods see it."""
        return Seat(self).gateway

    @property
    def node(self) -> str:
        """The first node."""
        return Seat(self).address

    @property
    def link(self) -> str:
        """The name of this machine's end of the wire."""
        return f"sandbox{self.slot}"


@dataclass(frozen=True)
class Seat:
    """A node's place: a name, a wire with an address at each end, and the addresses of its pods."""

    network: Addresses
    number: int = 0

    @property
    def name(self) -> str:
        return f"node{self.number + 1}"

    @property
    def pods(self) -> IPv4Network:
        """Those of this node."""
        return list(self.network.pods.subnets(new_prefix=24))[self.number]

    @property
    def gateway(self) -> str:
        """Who is at the other end of its wire."""
        return str(self._wire[1])

    @property
    def address(self) -> str:
        """The node's own; also its DNS."""
        return str(self._wire[2])

    @property
    def _wire(self) -> IPv4Network:
        """Four addresses, from the end, where no node gives any to pods."""
        return list(self.network.pods.subnets(new_prefix=30))[-1 - self.number]
