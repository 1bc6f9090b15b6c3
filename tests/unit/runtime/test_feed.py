"""The supervision of the feed, with a watch that ends in every way kopf's does."""

import asyncio
import threading
import time

import pytest
from tests.support import eventually

from glance_operator.runtime import feed as module
from glance_operator.runtime.feed import Feed
from glance_operator.runtime.handlers import Hooks, _Manners, _Pause
from glance_operator.runtime.kube import Connection, Unreachable

CONNECTION = Connection("http://127.0.0.1:1", None, None, None, None, False)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "_LAST_PAUSE", 0.02)


class Watched:
    """Ends the first watches as told, then watches for ever."""

    def __init__(self, *ends: BaseException | None) -> None:
        self.ends = list(ends)
        self.starts = 0
        self.served: list[bool | Exception] = []
        self.watching = threading.Event()
        self.cancelled = False
        self.feed = Feed(self.watch, self.is_served, self.count)

    def is_served(self) -> bool:
        answer = self.served.pop(0) if self.served else True
        if isinstance(answer, Exception):
            raise answer
        return answer

    def count(self) -> None:
        self.starts += 1

    async def watch(self) -> None:
        await asyncio.sleep(0)
        if self.ends:
            end = self.ends.pop(0)
            if end is not None:
                raise end
            return
        self.watching.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True


@pytest.mark.parametrize(
    "end", [RuntimeError("kopf gave up"), asyncio.CancelledError(), ExceptionGroup("g", [OSError()]), None]
)
def test_a_watch_that_ends_is_started_again(end: BaseException | None) -> None:
    watched = Watched(end, end)
    watched.feed.start()
    try:
        assert watched.watching.wait(5)
        assert watched.starts == 3
        assert watched.feed.alive()
    finally:
        watched.feed.stop()
    assert watched.cancelled
    assert not watched.feed.alive()


def test_a_deaf_watch_is_replaced() -> None:
    watched = Watched()
    watched.feed.start()
    try:
        assert watched.watching.wait(5)
        watched.watching.clear()
        watched.feed.restart()
        assert watched.watching.wait(5)
        assert watched.starts == 2
    finally:
        watched.feed.stop()


def test_tasks_that_swallow_their_end_hold_up_nothing() -> None:
    """kopf's watchers do so when they are cancelled at a bad moment."""
    starts = 0
    again = threading.Event()

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    async def watch() -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            task = asyncio.create_task(stubborn())
            await asyncio.sleep(0)
            task.cancel()
            raise RuntimeError("kopf gave up")
        again.set()
        await asyncio.Event().wait()

    feed = Feed(watch, lambda: True, lambda: None)
    feed.start()
    try:
        assert again.wait(10)
    finally:
        feed.stop()
    assert not feed.alive()


def test_nothing_is_watched_before_the_kinds_are_served() -> None:
    watched = Watched()
    watched.served = [Unreachable("down"), False, True]
    watched.feed.start()
    try:
        assert watched.watching.wait(5)
        assert watched.starts == 1
        assert watched.served == []
    finally:
        watched.feed.stop()


def test_a_feed_can_be_stopped_before_it_watches() -> None:
    watched = Watched()
    watched.served = [False] * 10_000
    watched.feed.start()
    watched.feed.stop()
    assert not watched.feed.alive()
    assert watched.starts == 0


def test_a_loop_that_does_not_turn_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PULSE", 0.02)
    monkeypatch.setattr(module, "_SILENCE", 0.2)
    go_on = threading.Event()
    blocked = threading.Event()

    async def watch() -> None:
        await asyncio.sleep(0.1)
        blocked.set()
        go_on.wait(10)
        await asyncio.Event().wait()

    feed = Feed(watch, lambda: True, lambda: None)
    feed.start()
    try:
        assert blocked.wait(5)
        eventually(lambda: not feed.alive(), timeout=5, interval=0.01)
        go_on.set()
        eventually(feed.alive, timeout=5, interval=0.01)
    finally:
        go_on.set()
        feed.stop()


def test_refused_logins_come_ever_more_slowly_and_not_too_slowly() -> None:
    pause = _Pause()
    assert [pause.next() for _ in range(7)] == [0, 1, 2, 4, 5, 5, 5]


def test_watches_that_end_at_once_come_ever_more_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    now = time.monotonic()
    monkeypatch.setattr("glance_operator.runtime.handlers.time.monotonic", lambda: now)

    async def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    monkeypatch.setattr("glance_operator.runtime.handlers.asyncio.sleep", sleep)
    manners = _Manners(Hooks(lambda *_: None, lambda: None, lambda _: CONNECTION))

    async def watches(count: int, lasting: float) -> None:
        nonlocal now
        for _ in range(count):
            await manners._pace("/apis/images")
            now += lasting

    asyncio.run(watches(10, lasting=0.01))
    assert slept == [0, 0.5, 1, 2, 4, 5, 5, 5, 5, 5]
    slept.clear()
    asyncio.run(watches(3, lasting=5))
    assert slept[1:] == [0, 0]
    asyncio.run(manners._pace("/apis/glanceapis"))
    assert slept[-1] == 0
