"""Why: more imports at once than a cloud can carry slow down all of them; who waits must neither poll nor be forgotten.

A freed slot is handed to the longest waiting key *before* that key is woken. Waking first and letting it ask would lose
wake-ups: another key takes the slot in between, and nobody is left to wake the first again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from glance_operator.runtime.store import Key


class Slots:
    """At most `bound` keys hold a slot; the others wait in line. Thread-safe.

    wake: called, outside the lock, with each key that was given a slot while it waited.
    """

    def __init__(self, bound: int, wake: Callable[[Key], None]) -> None:
        self._bound = bound
        self._wake = wake
        self._lock = threading.Lock()
        self._holders: dict[Key, None] = {}
        self._waiting: dict[Key, None] = {}

    def try_acquire(self, key: Key) -> bool:
        """True if the key holds a slot (now or already); False if it was put in line, or waits there already."""
        with self._lock:
            if key not in self._holders and len(self._holders) >= self._bound:
                self._waiting[key] = None
                return False
            self._waiting.pop(key, None)
            self._holders[key] = None
            return True

    def hold(self, key: Key) -> None:
        """Count a key whose work is under way already (found so after a restart), whatever the bound says."""
        with self._lock:
            self._waiting.pop(key, None)
            self._holders[key] = None

    def release(self, key: Key) -> None:
        """Give the slot back; the first in line gets it. Nothing happens if the key holds none."""
        with self._lock:
            self._holders.pop(key, None)
            granted = self._grant()
        self._wake_all(granted)

    def forget(self, key: Key) -> None:
        """The object is gone: neither hold nor wait."""
        with self._lock:
            self._waiting.pop(key, None)
        self.release(key)

    def resize(self, bound: int) -> None:
        """Another bound; when it shrinks, holders keep what they have until they release it."""
        with self._lock:
            self._bound = bound
            granted = self._grant()
        self._wake_all(granted)

    def holders(self) -> list[Key]:
        """Keys with a slot, in the order they got it."""
        with self._lock:
            return list(self._holders)

    def waiting(self) -> list[Key]:
        """Keys in line, first come first."""
        with self._lock:
            return list(self._waiting)

    def _grant(self) -> list[Key]:
        room = max(0, self._bound - len(self._holders))
        granted = list(self._waiting)[:room]
        for key in granted:
            del self._waiting[key]
            self._holders[key] = None
        return granted

    def _wake_all(self, keys: list[Key]) -> None:
        for key in keys:
            self._wake(key)
