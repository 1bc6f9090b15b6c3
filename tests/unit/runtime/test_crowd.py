"""The crowd at a cloud: bounded, unnoticed while answers come soon, and nobody waits behind those who hang."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import pytest
from tests.support import eventually

from glance_operator.runtime.crowd import Crowd, Crowded


class Cloud:
    """A crowd of two, its clock, and a cloud whose answers come when they are let."""

    def __init__(self) -> None:
        self.now = 100.0
        self.crowd = Crowd(2, lambda: self.now)
        self.answers = threading.Event()
        self.inside = self.most = 0

    def ask(self) -> str:
        with self.crowd.inside(), self.crowd.inside():  # one place serves for whatever is done there
            self.inside += 1
            self.most = max(self.most, self.inside)
            if not self.answers.wait(10):
                raise AssertionError("held up for ever")
            self.inside -= 1
            return "answered"


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def fill(cloud: Cloud, threads: ThreadPoolExecutor) -> list[Future[str]]:
    futures = [threads.submit(cloud.ask) for _ in range(2)]
    eventually(lambda: cloud.inside == 2, timeout=5, interval=0.002)
    return futures


def test_who_finds_no_place_waits_for_one_and_gets_it(cloud: Cloud, threads: ThreadPoolExecutor) -> None:
    futures = fill(cloud, threads) + [threads.submit(cloud.ask) for _ in range(10)]
    cloud.answers.set()
    assert [one.result(5) for one in futures] == ["answered"] * 12
    assert cloud.most == 2


def test_nobody_waits_behind_those_who_hang(cloud: Cloud, threads: ThreadPoolExecutor) -> None:
    hanging = fill(cloud, threads)
    cloud.now += 1.1
    for _ in range(30):
        with pytest.raises(Crowded):
            cloud.ask()
    cloud.answers.set()
    assert [one.result(5) for one in hanging] == ["answered"] * 2
    assert cloud.ask() == "answered"


def test_a_place_is_given_back_after_a_failure(cloud: Cloud) -> None:
    for _ in range(3):
        with suppress(ConnectionError), cloud.crowd.inside():
            raise ConnectionError
    cloud.answers.set()
    assert cloud.ask() == "answered"


def test_a_turn_is_not_awaited_for_long(
    cloud: Cloud, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glance_operator.runtime.crowd._PATIENCE", 0.05)
    lock = threading.Lock()
    with lock, pytest.raises(Crowded), cloud.crowd.turn(lock):
        raise AssertionError("two at once")
    with cloud.crowd.turn(lock):
        assert lock.locked()
    assert not lock.locked()
