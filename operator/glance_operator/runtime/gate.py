"""While a cloud is down nobody but one asks it, and its thousands of images do not all come back at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from glance_operator.runtime.crowd import Crowd
from glance_operator.runtime.errors import Unavailable

_FIRST, _LAST = 1.0, 30.0  # seconds between two looks at a cloud that is down
_LONGEST = 300.0  # seconds that a cloud may ask for: whoever repairs it sees the effect


class Gate:
    """Closed after a failure, for a time that doubles; then one caller goes ahead, and its success opens it.

    Thread-safe. ``changed(up)`` is called, outside the lock, after the first request and when the cloud goes down or
    comes back. ``crowd``: at most ``at_once`` threads, those who wait for an answer of the cloud; or another gate's.
    """

    def __init__(
        self,
        changed: Callable[[bool], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        at_once: int = 8,
        crowd: Crowd | None = None,
    ) -> None:
        self.crowd = crowd or Crowd(at_once)
        self._changed, self._clock = changed, clock
        self._lock = threading.Lock()
        self._trouble: Unavailable | None = None
        self._told: bool | None = None  # nothing is known before the first answer
        self._failures = 0
        self._opens = 0.0

    def enter(self) -> None:
        """Raises the Unavailable that closed the gate, unless it is open or this caller is the one to try."""
        with self._lock:
            if self._trouble is None:
                return
            if self._clock() < self._opens:
                raise self._trouble.again()
            self._opens = self._clock() + _LAST  # the others wait for what this one finds

    def failed(self, trouble: Unavailable) -> None:
        with self._lock:
            wait = min(_LAST, _FIRST * 2.0 ** min(self._failures, 30)) * random.uniform(0.8, 1.2)  # noqa: S311
            self._opens = self._clock() + max(wait, min(_LONGEST, trouble.retry_after or 0))
            self._failures += 1
            self._trouble = trouble.again()
        self._tell(False)

    def passed(self) -> None:
        with self._lock:
            self._trouble, self._failures = None, 0
        self._tell(True)

    def _tell(self, up: bool) -> None:
        with self._lock:
            is_news, self._told = self._told is not up, up
        if is_news:
            self._changed(up)

    def up(self) -> bool | None:
        """What was told last; None before the first answer."""
        with self._lock:
            return self._told

    def try_now(self) -> None:
        """Somebody says that it works again: the next caller goes ahead, the others still wait for it."""
        with self._lock:
            self._opens = self._clock()

    def troubled(self) -> bool:
        """Whether the last answer, or the lack of one, was a failure."""
        with self._lock:
            return self._trouble is not None

    def wait(self) -> float:
        """Seconds until it is worth asking again; 0 when open."""
        with self._lock:
            return max(0.0, self._opens - self._clock()) if self._trouble else 0.0
