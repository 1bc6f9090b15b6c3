"""Why: what the pods' caches list is looked at together: once for all images of a service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from glance_operator.core.image.caches import CacheList
from glance_operator.core.image.observed import Node
from glance_operator.runtime.crowd import Crowd

PREFETCHED = "prefetched"  # index of Images that want to be in the caches, by the service's name


class Pod(Protocol):
    """The part of a pod's client that is needed for a list. crowd: who waits for an answer is in there."""

    @property
    def crowd(self) -> Crowd: ...
    def cache(self) -> CacheList: ...


class Lists:
    """What caches list, and when they told. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turns: dict[str, threading.Lock] = {}  # one look at a time at each pod
        self._known: dict[str, tuple[float, str, CacheList]] = {}  # when it was asked, which container

    def get(self, pod: Pod, node: Node, max_age: float) -> CacheList:
        """Not older than so many seconds, and told by the container that the node has now."""
        since = self._clock() - max_age
        with pod.crowd.turn(self._turns.setdefault(node.url, threading.Lock())):
            known = self._known.get(node.url)
            if known and known[0] >= since and known[1] == node.container_id:
                return known[2]
            at, found = self._clock(), pod.cache()
            self._known[node.url] = (at, node.container_id, found)
            return found

    def expire(self, url: str) -> None:
        """What this pod told holds no longer."""
        self._known.pop(url, None)
