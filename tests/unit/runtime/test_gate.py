"""The gate in front of a cloud that is down: one asks, the others wait, and who comes back is told once."""

from __future__ import annotations

import gc
import weakref

import pytest

from glance_operator.core.plan import Phase, State
from glance_operator.runtime.errors import Unavailable
from glance_operator.runtime.gate import Gate


def trouble(retry_after: float | None = None, words: str = "down") -> Unavailable:
    return Unavailable(State(Phase.WORKING, "GlanceUnavailable", words), retry_after=retry_after)


class Door:
    """A gate, its clock, and what it told."""

    def __init__(self) -> None:
        self.now, self.told = 100.0, list[bool]()
        self.gate = Gate(self.told.append, lambda: self.now)

    def lets_in(self) -> bool:
        try:
            self.gate.enter()
        except Unavailable:
            return False
        return True

    def fail(self, times: int = 1, retry_after: float | None = None) -> float:
        """So many failures, each when its turn has come; the seconds until the next look."""
        for _ in range(times):
            self.now += self.gate.wait()
            assert self.lets_in()
            self.gate.failed(trouble(retry_after))
        return self.gate.wait()


@pytest.fixture
def door() -> Door:
    return Door()


def test_an_open_gate_lets_all_in_and_says_nothing_before_the_first_answer(door: Door) -> None:
    assert all(door.lets_in() for _ in range(3))
    assert (door.gate.wait(), door.told) == (0.0, [])
    for _ in range(2):
        door.gate.passed()
    assert (door.gate.wait(), door.told) == (0.0, [True])


def test_a_failure_closes_it_with_the_words_of_the_trouble(door: Door) -> None:
    door.gate.failed(trouble(words="Keystone is away"))
    with pytest.raises(Unavailable, match="Keystone is away"):
        door.gate.enter()
    assert 0.8 <= door.gate.wait() <= 1.2


def test_one_goes_ahead_and_the_others_wait_for_it(door: Door) -> None:
    door.now += door.fail()
    assert [door.lets_in() for _ in range(3)] == [True, False, False]
    door.gate.passed()
    assert [door.lets_in() for _ in range(3)] == [True, True, True]


def test_one_who_never_comes_back_is_replaced(door: Door) -> None:
    door.now += door.fail()
    assert door.lets_in()
    door.now += 30.0
    assert [door.lets_in() for _ in range(2)] == [True, False]


def test_each_failure_doubles_the_wait_up_to_a_bound(door: Door) -> None:
    waits = [door.fail() for _ in range(8)]
    for wait, wanted in zip(waits, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert 0.8 * wanted <= wait <= 1.2 * wanted


def test_a_success_forgets_the_failures(door: Door) -> None:
    door.fail(times=6)
    door.gate.passed()
    assert door.fail() <= 1.2


@pytest.mark.parametrize(("said", "least"), [(120.0, 120.0), (0.1, 0.8), (None, 0.8)])
def test_what_the_cloud_asks_for_is_granted(door: Door, said: float | None, least: float) -> None:
    assert door.fail(retry_after=said) >= least


def test_changes_are_told_once_each(door: Door) -> None:
    door.fail(times=3)
    for _ in range(3):
        door.gate.passed()
    door.fail()
    assert door.told == [False, True, False]


def test_it_outlives_any_outage(door: Door) -> None:
    for _ in range(3000):
        door.gate.failed(trouble())
    assert 0 < door.gate.wait() <= 36


def test_each_caller_gets_an_exception_of_its_own(door: Door) -> None:
    """One for all would gather the frames of every caller while the cloud is down."""
    door.gate.failed(trouble(retry_after=7))
    caught = []
    for _ in range(2):
        with pytest.raises(Unavailable) as info:
            door.gate.enter()
        caught.append(info.value)
    one, other = caught
    assert one is not other
    assert (one.state, one.cause, one.retry_after) == (other.state, other.cause, 7)


def test_the_frames_of_the_first_failure_are_not_kept(door: Door) -> None:
    class Body: ...

    def fails() -> weakref.ref[Body]:
        body = Body()
        try:
            raise trouble()
        except Unavailable as error:
            door.gate.failed(error)
        return weakref.ref(body)

    held = fails()
    gc.collect()
    assert held() is None


@pytest.mark.parametrize("said", [301.0, 86400.0])
def test_no_cloud_shuts_itself_away_for_a_day(door: Door, said: float) -> None:
    assert door.fail(retry_after=said) == 300


def test_who_knows_of_a_change_gets_one_try(door: Door) -> None:
    door.fail(times=6)
    door.gate.try_now()
    assert [door.lets_in() for _ in range(2)] == [True, False]
    door.gate.passed()
    door.gate.try_now()
    assert all(door.lets_in() for _ in range(2))
