"""Which addresses a cluster has: several can be on one machine, each in a slot of its own.

All are of 198.18.0.0/15, which is for measuring networks and so on no network that one would want to reach.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network

PODS, SERVICES = IPv4Network("198.18.0.0/16"), IPv4Network("198.19.0.0/16")
SLOTS = range(16)


@dataclass(frozen=True)
class Addresses:
    """The networks of one slot: pods, Services, and the wire between this machine and its node."""

    slot: int

    @property
    def pods(self) -> IPv4Network:
        """All pods, on whatever node."""
        return list(PODS.subnets(new_prefix=20))[self.slot]

    @property
    def services(self) -> IPv4Network:
        return list(SERVICES.subnets(new_prefix=20))[self.slot]

    def node_pods(self, number: int = 0) -> IPv4Network:
        """The pods of one node."""
        return list(self.pods.subnets(new_prefix=24))[number]

    @property
    def wire(self) -> IPv4Network:
        """The last four addresses of those that no node gives to its pods."""
        return list(self.pods.subnets(new_prefix=30))[-1]

    @property
    def host(self) -> str:
        """This machine, as node and pods see it."""
        return str(self.wire[1])

    @property
    def node(self) -> str:
        """The node; also its DNS."""
        return str(self.wire[2])

    @property
    def link(self) -> str:
        """The name of this machine's end of the wire."""
        return f"sandbox{self.slot}"
