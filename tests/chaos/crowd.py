"""Many objects, what people do to them while the weather is bad, and how it is seen that nothing of it was lost."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from tests.integration.engine.cluster import Cluster, recorded
from tests.integration.engine.operators import Operator
from tests.support import eventually

FINALIZER = "glance-operator.io/image"
IN_TIME = 30.0
DOOMED, VANISHING = 3, 2  # deleted in each fault: objects that the operator holds, and objects that it does not


class Crowd:
    """`size` objects that stay, and some that come and go with each fault; an operator has to handle all of them."""

    def __init__(self, cluster: Cluster, hands: ThreadPoolExecutor, size: int) -> None:
        self.cluster, self.size, self._hands = cluster, size, hands
        self._next = 0

    def fill(self) -> None:
        """Create those that stay."""
        list(self._hands.map(self.cluster.create, (f"image-{n}" for n in range(self.size))))

    def before(self, tag: str) -> None:
        """Create those that the next fault will see deleted."""
        cluster, doomed = self.cluster, _named("doomed", tag, DOOMED)
        list(self._hands.map(cluster.create, doomed + self.vanishing(tag)))
        list(self._hands.map(lambda name: cluster.patch(name, {"metadata": {"finalizers": [FINALIZER]}}), doomed))

    def during(self, tag: str, changes: int) -> None:
        """Change the next so many, create one, delete the doomed and those that vanish without a trace."""
        self.change(tag, changes)
        list(self._hands.map(self.cluster.delete, _named("doomed", tag, DOOMED) + self.vanishing(tag)))
        self.cluster.create(f"new-{tag}")

    def change(self, tag: str, count: int) -> None:
        """Change the next so many of those that stay."""
        changing = [f"image-{n % self.size}" for n in range(self._next, self._next + count)]
        self._next += count
        list(self._hands.map(lambda name: self.cluster.patch(name, {"spec": {"tags": [tag]}}), changing))

    def vanishing(self, tag: str) -> list[str]:
        """Those that are deleted at once, because nobody holds them."""
        return _named("vanishing", tag, VANISHING)

    def finish(self, operator: Operator) -> float:
        """Wait until the present generation of everything was handled, and what is deleted is gone; seconds it took."""
        began = time.monotonic()

        def finished() -> bool:
            left = self._unfinished()
            assert not left, f"{len(left)} are lost, {left[:5]} among them; log:\n{operator.text()[-3000:]}"
            return True

        eventually(finished, timeout=IN_TIME, interval=0.5)
        return time.monotonic() - began

    def _unfinished(self) -> list[str]:
        bodies = self.cluster.all()
        return [b["metadata"]["name"] for b in bodies if not recorded(b) or "deletionTimestamp" in b["metadata"]]


def forgot(crowd: Crowd, operator: Operator, tag: str) -> bool:
    """Whether the operator has said of everything that vanished that it forgot it."""
    text = operator.text()
    return all(f"forgot Image/{crowd.cluster.namespace}/{name}" in text for name in crowd.vanishing(tag))


def _named(what: str, tag: str, count: int) -> list[str]:
    return [f"{what}-{tag}-{number}" for number in range(count)]
