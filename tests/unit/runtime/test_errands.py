"""A pod that was asked for something is given time for it, and is asked again, ever later."""

from __future__ import annotations

import pytest
from tests.unit.core.caches import node

from glance_operator.core.image.caching import CacheImage, UncacheImage
from glance_operator.runtime.image.errands import Errands

GIB = 2**30


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def errands(clock: Clock) -> Errands:
    return Errands(clock)


def rest(errands: Errands, clock: Clock, size: int = 0) -> int:
    """Seconds until it may be asked again."""
    begun = clock.now
    while errands.rests(CacheImage, node(), size):
        clock.now += 1
    return int(clock.now - begun)


def test_each_time_it_is_given_twice_as_long(errands: Errands, clock: Clock) -> None:
    found = []
    for _ in range(8):
        errands.asked(CacheImage, node())
        found.append(rest(errands, clock))
    assert found == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_a_large_image_takes_its_time(errands: Errands, clock: Clock) -> None:
    errands.asked(CacheImage, node())
    assert rest(errands, clock, 100 * GIB) == 60 + 10240
    errands.asked(CacheImage, node())
    assert rest(errands, clock, 100 * GIB) == 60 + 10240


def test_another_container_has_not_been_asked(errands: Errands) -> None:
    errands.asked(CacheImage, node())
    assert errands.rests(CacheImage, node(), 0)
    assert not errands.rests(CacheImage, node(container_id="new"), 0)
    assert not errands.rests(UncacheImage, node(), 0)


def test_what_an_earlier_process_has_asked_for_counts_from_when_it_is_found(errands: Errands, clock: Clock) -> None:
    assert errands.idle() == float("inf")
    errands.found(CacheImage, node())
    clock.now += 59
    errands.found(CacheImage, node())
    assert errands.idle() == 59
    assert rest(errands, clock) == 1


def test_the_longer_nothing_was_asked_the_older_a_list_will_do(errands: Errands, clock: Clock) -> None:
    assert errands.freshness() == 10
    errands.asked(CacheImage, node())
    assert errands.freshness() == 0.4
    clock.now += 50
    assert errands.freshness() == 5


def test_why_it_does_not_come_about(errands: Errands) -> None:
    assert errands.words(CacheImage, node()) == ""
    errands.asked(CacheImage, node(), "HTTP 403: no")
    assert errands.words(CacheImage, node()) == "HTTP 403: no"
    errands.asked(CacheImage, node())
    assert "deleting the pod" in errands.words(CacheImage, node())
    errands.forget()
    assert errands.words(CacheImage, node()) == ""
