"""Why: no key is worked on twice at once, nothing added is lost, and a change to one does not wait behind a thousand.

Fairness. Of four lanes the first that is not empty is served: what was begun, changes, new objects, resyncs. A lane
that was passed over PATIENCE times in a row while it had something is served next: the n-th key of any lane starts
after at most n * (PATIENCE + 3) others.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple, Protocol

from glance_operator.runtime.store import Key

PATIENCE = 8


class Lane(IntEnum):
    """What is served first: begun work is finished, then people's changes, then new objects, then routine."""

    BEGUN = 0
    CHANGED = 1
    NEW = 2
    RESYNC = 3


class Next(NamedTuple):
    """What a pass wants: look again after so many seconds (None = only when something changes), or back off.

    With backoff the key waits longer from failure to failure: 1 s at first, `at_most` in the end, and never less than
    `after`.
    """

    after: float | None = None
    lane: Lane = Lane.CHANGED
    backoff: bool = False
    at_most: float = 300.0


class Stats(NamedTuple):
    """A snapshot: keys ready per lane, keys delayed, and for how many seconds each running key has been running."""

    ready: dict[Lane, int]
    delayed: int
    running: dict[Key, float]


class Observer(Protocol):
    """What metrics want to know; each is called with the queue's lock held and must be quick."""

    def added(self) -> None: ...
    def waited(self, seconds: float) -> None: ...
    def worked(self, seconds: float) -> None: ...
    def retried(self) -> None: ...


class _Nobody:
    def added(self) -> None: ...
    def waited(self, seconds: float) -> None: ...
    def worked(self, seconds: float) -> None: ...
    def retried(self) -> None: ...


class _Delay(NamedTuple):
    due: float
    order: int
    key: Key
    lane: Lane


class Queue:
    """Keys waiting for a pass: unique, with lanes, delays and back-off. Thread-safe.

    clock: seconds, monotonic. spread: the jitter, a factor per back-off.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        spread: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311
        observer: Observer | None = None,
    ) -> None:
        self._clock, self._spread, self._observer = clock, spread, observer or _Nobody()
        self._turn = threading.Condition()
        self._lanes: dict[Lane, dict[Key, float]] = {lane: {} for lane in Lane}  # key -> when it was added
        self._passed_over = dict.fromkeys(Lane, 0)
        self._running: dict[Key, float] = {}
        self._again: dict[Key, Lane] = {}  # added while running
        self._heap: list[_Delay] = []
        self._delays: dict[Key, _Delay] = {}  # the one entry of the heap that counts for a key
        self._order = itertools.count()
        self._failures: dict[Key, int] = {}
        self._paused = self._closed = False

    def add(self, key: Key, lane: Lane = Lane.CHANGED) -> None:
        """Run the key soon; in the better lane if it waits already, once more if it is running."""
        with self._turn:
            self._add(key, lane)

    def add_after(self, key: Key, seconds: float, lane: Lane = Lane.CHANGED) -> None:
        """Run the key in `seconds`; of several delays of one key the earliest counts."""
        with self._turn:
            self._delay(key, seconds, lane)

    def get(self) -> Key | None:
        """The next key (call `done` after it); blocks until there is one; None when the queue is closed."""
        with self._turn:
            while not self._closed:
                key = self._take()
                if key is not None:
                    self._turn.notify()  # somebody else has to watch the clock for the delayed ones now
                    return key
                self._turn.wait(self._until_next())
            return None

    def poll(self) -> Key | None:
        """Like `get`, but None at once when nothing is ready."""
        with self._turn:
            return None if self._closed else self._take()

    def done(self, key: Key, after: Next = Next()) -> None:  # noqa: B008  (an immutable value)
        """The pass over the key has ended, and says when to look next. What was added meanwhile runs again at once."""
        with self._turn:
            began = self._running.pop(key, None)
            if began is not None:
                self._observer.worked(self._clock() - began)
            failures = self._failures.pop(key, 0)
            if after.backoff:
                self._failures[key] = failures + 1
            self._schedule(key, after)

    def failures(self, key: Key) -> int:
        """Passes in a row that asked for back-off."""
        return self._failures.get(key, 0)

    def forget(self, key: Key) -> None:
        """The object is gone: nothing waits for it any more."""
        with self._turn:
            for lane in self._lanes.values():
                lane.pop(key, None)
            self._delays.pop(key, None)
            self._again.pop(key, None)
            self._failures.pop(key, None)

    def pause(self) -> None:
        """Hand out nothing more; keys are still collected (a standby does that)."""
        with self._turn:
            self._paused = True

    def resume(self) -> None:
        """Hand out keys again."""
        with self._turn:
            self._paused = False
            self._turn.notify_all()

    def close(self) -> None:
        """For ever: every `get` answers None."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()

    def depth(self) -> int:
        """Keys that are ready to run."""
        with self._turn:
            return sum(map(len, self._lanes.values()))

    def stats(self) -> Stats:
        """See Stats."""
        with self._turn:
            now = self._clock()
            return Stats(
                {lane: len(keys) for lane, keys in self._lanes.items()},
                len(self._delays),
                {key: now - began for key, began in self._running.items()},
            )

    def _schedule(self, key: Key, after: Next) -> None:
        if key in self._again:
            self._add(key, self._again.pop(key))
        elif after.backoff:
            self._observer.retried()
            seconds = min(after.at_most, 2.0 ** min(self._failures[key] - 1, 16)) * self._spread()
            self._delay(key, max(seconds, after.after or 0.0), after.lane)
        elif after.after is not None:
            self._delay(key, after.after, after.lane)

    def _add(self, key: Key, lane: Lane) -> None:
        if key in self._running:
            self._again[key] = min(lane, self._again.get(key, lane))
            return
        for other, keys in self._lanes.items():
            if key in keys:
                if lane < other:
                    self._lanes[lane][key] = keys.pop(key)
                return
        self._lanes[lane][key] = self._clock()
        self._observer.added()
        self._turn.notify()

    def _delay(self, key: Key, seconds: float, lane: Lane) -> None:
        entry = _Delay(self._clock() + seconds, next(self._order), key, lane)
        known = self._delays.get(key)
        if known is None or entry.due < known.due:
            self._delays[key] = entry
            heapq.heappush(self._heap, entry)
            self._compact()
            self._turn.notify()  # whoever waits may have to wake earlier now

    def _take(self) -> Key | None:
        if self._paused:
            return None
        now = self._clock()
        self._promote(now)
        lane = self._choose()
        if lane is None:
            return None
        key, added = next(iter(self._lanes[lane].items()))
        del self._lanes[lane][key]
        self._delays.pop(key, None)  # this pass is the look that was asked for
        self._running[key] = now
        self._observer.waited(now - added)
        return key

    def _promote(self, now: float) -> None:
        while self._heap and self._heap[0].due <= now:
            entry = heapq.heappop(self._heap)
            if self._delays.get(entry.key) is entry:
                del self._delays[entry.key]
                self._add(entry.key, entry.lane)

    def _compact(self) -> None:
        """Entries that no longer count stay in the heap until they are due; do not let them pile up."""
        if len(self._heap) > 2 * len(self._delays) + 64:
            self._heap = list(self._delays.values())
            heapq.heapify(self._heap)

    def _choose(self) -> Lane | None:
        waiting = [lane for lane in Lane if self._lanes[lane]]
        if not waiting:
            return None
        starved = max(waiting, key=lambda lane: self._passed_over[lane])
        chosen = starved if self._passed_over[starved] >= PATIENCE else waiting[0]
        for lane in Lane:
            passed_over = lane in waiting and lane != chosen
            self._passed_over[lane] = self._passed_over[lane] + 1 if passed_over else 0
        return chosen

    def _until_next(self) -> float | None:
        """Seconds until the earliest delay is due, None when there is none or nothing may be handed out."""
        if self._paused or not self._heap:
            return None
        return max(0.0, self._heap[0].due - self._clock())
