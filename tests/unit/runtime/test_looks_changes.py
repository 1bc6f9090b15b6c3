"""Looks and our own changes: what a look brings that began before a change is not believed after it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support import eventually
from tests.unit.runtime.looks_lab import Cloud

from glance_operator.core.image.observed import GlanceImage


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def test_a_look_begun_before_our_change_does_not_undo_it(cloud: Cloud) -> None:
    """The answer shows the image as it was; we have changed it since, and know better."""
    cloud.add("a", "b")
    new = GlanceImage("b", name="new")

    def change() -> None:
        cloud.now += 1
        cloud.looks.put("b", new)

    cloud.looks.watch("b", False, lambda: None)
    cloud.meanwhile = change
    cloud.looks.get("a", 0)
    assert cloud.looks.get("b", 2) == new


def test_who_asked_for_what_changed_meanwhile_gets_a_new_look(cloud: Cloud) -> None:
    cloud.add("a")

    def change() -> None:
        cloud.now += 1
        cloud.add("a", status="active")
        cloud.looks.expire("a")
        cloud.meanwhile = lambda: None

    cloud.meanwhile = change
    assert cloud.looks.get("a", 5) == GlanceImage("a", status="active")
    assert len(cloud.told()) == 2


def test_what_we_changed_since_the_list_is_looked_for(cloud: Cloud) -> None:
    cloud.add("a")
    cloud.looks.at_rest("a", 60)
    cloud.looks.expire("a")
    cloud.add("a", status="active")
    assert cloud.looks.at_rest("a", 60) == GlanceImage("a", status="active")


def test_what_we_changed_while_the_list_was_read_is_not_undone(cloud: Cloud) -> None:
    cloud.add("a", "b")
    new = GlanceImage("b", name="new")

    def change() -> None:
        cloud.now += 1
        cloud.looks.put("b", new)
        cloud.meanwhile = lambda: None

    cloud.meanwhile = change
    cloud.looks.at_rest("a", 60)
    cloud.there["b"] = new
    assert cloud.looks.at_rest("b", 60) == new


@pytest.mark.parametrize("others", [0, 1])
def test_a_look_begun_before_our_change_is_not_believed_after_it_was_put_to_rest(cloud: Cloud, others: int) -> None:
    """Asked alone or together with others, watched or not: what it brings is from before."""
    cloud.add("a", "b", *(f"o{n}" for n in range(others)))
    for n in range(others):
        cloud.looks.watch(f"o{n}", False, lambda: None)

    def change_and_rest() -> None:
        cloud.meanwhile = lambda: None
        cloud.now += 1
        cloud.looks.put("a", GlanceImage("a", name="new"))
        cloud.looks.unwatch("a")
        cloud.there["a"] = GlanceImage("a", name="new")

    cloud.meanwhile = change_and_rest
    found = cloud.looks.get("a", 5)
    assert found == GlanceImage("a", name="new")


def test_a_list_that_ends_does_not_make_an_older_look_believed(cloud: Cloud, threads: ThreadPoolExecutor) -> None:
    cloud.add("a")
    cloud.free.clear()
    look = threads.submit(cloud.looks.get, "a", 5)
    eventually(lambda: cloud.requests, timeout=5, interval=0.005)
    cloud.now += 1
    cloud.looks.expire("a")
    cloud.add("a", status="active")
    with cloud.looks._looking():  # another one, begun later and over sooner
        cloud.now += 1
    cloud.free.set()
    assert look.result(5) == GlanceImage("a", status="active")


def test_who_is_put_to_rest_during_a_look_is_not_kept(cloud: Cloud) -> None:
    cloud.add("a", "b")
    cloud.looks.watch("b", False, lambda: None)
    cloud.meanwhile = lambda: cloud.looks.unwatch("b")
    cloud.looks.get("a", 0)
    assert list(cloud.looks._seen) == ["a"]


def test_what_is_over_is_not_kept(cloud: Cloud) -> None:
    for n in range(50):
        cloud.add(f"i{n}")
        cloud.looks.get(f"i{n}", 1)
        cloud.looks.expire(f"i{n}")
        cloud.looks.unwatch(f"i{n}")
    assert (len(cloud.looks._seen), len(cloud.looks._outdated), len(cloud.looks._watched)) == (0, 0, 0)
