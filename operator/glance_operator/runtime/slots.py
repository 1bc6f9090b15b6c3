"""Why: more imports at once than a cloud can carry slow down all of them; who waits must neither poll nor be forgotten.

A freed slot is handed to the longest waiting key *before* that key is woken. Waking first and letting it ask would lose
wake-ups: another key takes the slot in between, and nobody is left to wake the first again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import islice

from glance_operator.runtime.store import Key


class Slots:
    """At most `bound` keys hold a slot; the others wait in line. Thread-safe.

    The first `ahead` of them may prepare, so that a freed slot is used at once.
    wake: called, outside the lock, with each key that was given a slot, or may prepare now, while it waited.
    """

    def __init__(self, bound: int, wake: Callable[[Key], None], ahead: int = 0) -> None:
        self._bound, self._ahead = bound, ahead
        self._wake = wake
        self._lock = threading.Lock()
        self._holders: dict[Key, None] = {}
        self._waiting: dict[Key, None] = {}
        self._next: frozenset[Key] = frozenset()  # those who know that they may prepare

    def try_acquire(self, key: Key) -> bool:
        """True if the key holds a slot (now or already); False if it was put in line, or waits there already."""
        with self._lock:
            if key not in self._holders and len(self._holders) >= self._bound:
                self._waiting[key] = None
                return False
            self._waiting.pop(key, None)
            self._holders[key] = None
            return True

    def may_prepare(self, key: Key) -> bool:
        """Whether the key is among the first in line."""
        with self._lock:
            return key in self._front()

    def within_reach(self, key: Key) -> bool:
        """Whether the key has a slot, or would get one now, or may prepare."""
        with self._lock:
            return key in self._holders or len(self._holders) < self._bound or key in self._front()

    def hold(self, key: Key) -> None:
        """Count a key whose work is under way already (found so after a restart), whatever the bound says."""
        with self._lock:
            self._waiting.pop(key, None)
            self._holders[key] = None

    def release(self, key: Key) -> None:
        """Give the slot back; the first in line gets it. Nothing happens if the key holds none."""
        with self._lock:
            self._holders.pop(key, None)
            called = self._move_up()
        for one in called:
            self._wake(one)

    def forget(self, key: Key) -> None:
        """The object is gone: neither hold nor wait."""
        with self._lock:
            self._waiting.pop(key, None)
        self.release(key)

    def holders(self) -> list[Key]:
        """Keys with a slot, in the order they got it."""
        with self._lock:
            return list(self._holders)

    def waiting(self) -> list[Key]:
        """Keys in line, first come first."""
        with self._lock:
            return list(self._waiting)

    def _move_up(self) -> list[Key]:
        """Give out what is free; those who have something new to do."""
        room = max(0, self._bound - len(self._holders))
        granted = list(islice(self._waiting, room))
        for key in granted:
            del self._waiting[key]
            self._holders[key] = None
        front = self._front()
        new, self._next = [key for key in front if key not in self._next], frozenset(front)
        return granted + new

    def _front(self) -> list[Key]:
        return list(islice(self._waiting, self._ahead))
