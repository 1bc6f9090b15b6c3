"""Why: a cloud that takes long to answer must not keep every worker waiting: others are served meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PATIENCE = 1.0  # seconds after which whoever is at the cloud counts as held up


class Crowded(Exception):  # noqa: N818  (a state of the world, and callers read it as one)
    """A cloud holds up as many passes as it may: this one is repeated later, and nothing is said of its object."""


class Crowd:
    """At most ``most`` threads are at the cloud. Thread-safe.

    Of a cloud that answers soon nobody notices: its places are free again within milliseconds.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._freed = threading.Condition()
        self._inside: dict[int, float] = {}  # thread -> since when

    @contextmanager
    def inside(self) -> Iterator[None]:
        """A place at the cloud; who has one already needs no second. Raises Crowded."""
        me = threading.get_ident()
        if me in self._inside:
            yield
            return
        self._enter(me)
        try:
            yield
        finally:
            with self._freed:
                del self._inside[me]
                self._freed.notify()

    @contextmanager
    def turn(self, lock: threading.Lock) -> Iterator[None]:
        """The same with the lock, for what may well take long: who would wait is Crowded before he keeps others out."""
        with self.inside():
            if not lock.acquire(timeout=_PATIENCE):
                raise _crowded()
            try:
                yield
            finally:
                lock.release()

    def _enter(self, me: int) -> None:
        with self._freed:
            if not self._freed.wait_for(lambda: len(self._inside) < self._most, self._patience()):
                raise _crowded()
            self._inside[me] = self._clock()

    def _patience(self) -> float:
        """Seconds for which a place may be waited for: nothing is expected of those who have been there for long."""
        newest = max(self._inside.values(), default=0.0)
        return max(0.0, newest + _PATIENCE - self._clock())


def _crowded() -> Crowded:
    return Crowded("the cloud takes long to answer, and enough others wait for it")
