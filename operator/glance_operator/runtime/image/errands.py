"""Why: a pod that was asked to fetch an image is given time for it: asked again, it would fetch it once more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from glance_operator.core.image.caching import CacheImage, UncacheImage
from glance_operator.core.image.observed import Node

Errand = type[CacheImage] | type[UncacheImage]
_PATIENCE, _LONGEST = 60.0, 3600.0  # seconds before a pod is asked again: twice as long each time
_SLOWEST = 10 * 2**20  # bytes per second that are expected of a store
_FRESH, _STALE = 0.4, 10.0  # seconds
_VAIN = "asked again, it did not come: see the pod's log; deleting the pod helps if its cache worker has died"


@dataclass(frozen=True, slots=True)
class _Asked:
    """When last, how often, and how it was refused."""

    when: float
    times: int
    words: str


class Errands:
    """When which container was asked for what, of one image. Lost at a restart without harm."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: dict[tuple[Errand, str, str], _Asked] = {}

    def asked(self, errand: Errand, node: Node, words: str = "") -> None:
        """words: why it was refused."""
        before = self._asked.get(_key(errand, node))
        times = before.times + 1 if before else 1
        self._asked[_key(errand, node)] = _Asked(self._clock(), times, words or (_VAIN if times > 1 else ""))

    def found(self, errand: Errand, node: Node) -> None:
        """Somebody has asked for it, an earlier process perhaps."""
        if _key(errand, node) not in self._asked:
            self.asked(errand, node)

    def words(self, errand: Errand, node: Node) -> str:
        """Why it does not come about, if that is known."""
        asked = self._asked.get(_key(errand, node))
        return asked.words if asked else ""

    def rests(self, errand: Errand, node: Node, size: int) -> bool:
        """Whether it may still be at work on an image of that size."""
        asked = self._asked.get(_key(errand, node))
        if asked is None:
            return False
        patience = _PATIENCE + (size / _SLOWEST if errand is CacheImage else 0)
        longest = max(_LONGEST, patience)
        return self._clock() - asked.when < min(longest, patience * 2.0 ** (min(asked.times, 20) - 1))

    def idle(self) -> float:
        """Seconds since anything was asked last."""
        return self._clock() - max((asked.when for asked in self._asked.values()), default=float("-inf"))

    def freshness(self) -> float:
        """Seconds for which a list will do that others have asked for."""
        return max(_FRESH, min(_STALE, 0.1 * self.idle()))

    def forget(self) -> None:
        """It is done, or all may be asked again at once."""
        self._asked.clear()


def _key(errand: Errand, node: Node) -> tuple[Errand, str, str]:
    return errand, node.name, node.container_id
