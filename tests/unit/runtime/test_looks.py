"""Looks: many who wait share one request, what we changed ourselves is not unseen again, and who must know is woken."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from tests.support import eventually
from tests.unit.runtime.looks_lab import Cloud

from glance_operator.core.image.observed import GlanceImage


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def test_what_is_fresh_enough_is_not_asked_for(cloud: Cloud) -> None:
    cloud.add("a")
    assert cloud.looks.get("a", 2) == GlanceImage("a")
    cloud.now += 2
    cloud.looks.get("a", 2)
    assert cloud.told() == [("image", "a")]
    cloud.now += 0.1
    cloud.looks.get("a", 2)
    assert cloud.told() == [("image", "a")]


def test_an_image_that_is_not_there_is_remembered_too(cloud: Cloud) -> None:
    assert cloud.looks.get("a", 2) is None
    assert cloud.looks.get("a", 2) is None
    assert len(cloud.told()) == 1


def test_who_waits_is_served_by_one_request(cloud: Cloud, threads: ThreadPoolExecutor) -> None:
    names = [f"i{n:02}" for n in range(30)]
    cloud.add("first", *names)
    cloud.free.clear()
    first = threads.submit(cloud.looks.get, "first", 2)
    eventually(lambda: cloud.requests, timeout=5, interval=0.005)
    others: list[Future[GlanceImage | None]] = [threads.submit(cloud.looks.get, name, 2) for name in names]
    eventually(lambda: len(cloud.looks._wanted) == 30, timeout=5, interval=0.005)
    cloud.free.set()
    assert first.result(5) == GlanceImage("first")
    assert [one.result(5) for one in others] == [GlanceImage(name) for name in names]
    assert cloud.told() == [("image", "first"), ("list", *names)]


def test_addresses_stay_short(cloud: Cloud) -> None:
    names = [f"i{n:03}" for n in range(120)]
    cloud.add(*names)
    for name in names:
        cloud.looks.watch(name, False, lambda: None)
    cloud.looks.get("i000", 0)
    assert sorted(len(request) - 1 for request in cloud.told()) == [20, 50, 50]


def test_watched_images_are_in_every_look(cloud: Cloud) -> None:
    cloud.add("a", "b")
    cloud.looks.watch("b", False, lambda: None)
    cloud.looks.get("a", 0)
    assert cloud.told() == [("list", "a", "b")]
    cloud.looks.get("b", 1)
    assert cloud.told() == []
    cloud.looks.unwatch("b")
    cloud.now += 1
    cloud.looks.get("a", 0)
    assert cloud.told() == [("image", "a")]


def test_who_watches_is_woken_by_a_change_and_only_then(cloud: Cloud) -> None:
    woken: list[str] = []
    cloud.add("a", "b")
    cloud.looks.watch("b", False, lambda: woken.append("b"))
    for status, wanted in [("queued", []), ("queued", []), ("importing", ["b"]), ("active", ["b", "b"])]:
        cloud.add("b", status=status)
        cloud.now += 1
        cloud.looks.get("a", 0)
        assert woken == wanted
    del cloud.there["b"]
    cloud.now += 1
    cloud.looks.get("a", 0)
    assert woken == ["b", "b", "b"]


def test_who_looks_himself_is_awake(cloud: Cloud) -> None:
    woken: list[str] = []
    cloud.add("a")
    cloud.looks.watch("a", False, lambda: woken.append("a"))
    for status in ("queued", "importing", "active"):
        cloud.add("a", status=status)
        cloud.now += 1
        found = cloud.looks.get("a", 0)
        assert found is not None
        assert found.status == status
    assert woken == []


def test_hidden_images_are_found_in_their_own_list(cloud: Cloud) -> None:
    cloud.add("a")
    cloud.add("h", hidden=True)
    cloud.looks.watch("h", True, lambda: None)
    cloud.looks.get("a", 0)
    assert cloud.told() == [("list", "a"), ("hidden", "h")]


def test_one_hidden_by_somebody_is_found_by_its_id(cloud: Cloud) -> None:
    cloud.add("a")
    cloud.add("h", hidden=True)
    cloud.looks.watch("h", False, lambda: None)
    cloud.looks.get("a", 0)
    assert cloud.told() == [("list", "a", "h"), ("image", "h")]
    found = cloud.looks.get("h", 1)
    assert found is not None
    assert found.hidden


def test_what_an_answer_has_shown_is_known(cloud: Cloud) -> None:
    cloud.looks.put("a", GlanceImage("a", name="new"))
    assert cloud.looks.get("a", 1) == GlanceImage("a", name="new")
    cloud.looks.put("a", None)
    assert cloud.looks.get("a", 1) is None
    assert cloud.told() == []
    cloud.looks.expire("a")
    cloud.looks.get("a", 1)
    assert cloud.told() == [("image", "a")]


def test_images_at_rest_come_from_one_list(cloud: Cloud) -> None:
    names = [f"i{n}" for n in range(20)]
    cloud.add(*names)
    cloud.add("h", hidden=True)
    assert [cloud.looks.at_rest(name, 60) for name in names] == [GlanceImage(name) for name in names]
    assert cloud.looks.at_rest("h", 60) == GlanceImage("h", hidden=True)
    assert cloud.told() == [("list of ours",), ("hidden of ours",)]
    cloud.now += 61
    cloud.looks.at_rest("i0", 60)
    assert cloud.told() == [("list of ours",), ("hidden of ours",)]


def test_one_that_is_not_in_the_list_is_looked_for(cloud: Cloud) -> None:
    cloud.add("a")
    assert cloud.looks.at_rest("gone", 60) is None
    assert cloud.told()[-1] == ("image", "gone")


def test_a_thousand_at_rest_make_one_list(cloud: Cloud, threads: ThreadPoolExecutor) -> None:
    names = [f"i{n}" for n in range(40)]
    cloud.add(*names)
    assert [i.id for i in threads.map(lambda name: cloud.looks.at_rest(name, 60), names) if i] == names
    assert cloud.told() == [("list of ours",), ("hidden of ours",)]


def test_a_failed_look_is_told_and_the_next_one_asks_again(cloud: Cloud) -> None:
    cloud.add("a")
    cloud.error = ConnectionError("down")
    with pytest.raises(ConnectionError):
        cloud.looks.get("a", 2)
    cloud.error = None
    assert cloud.looks.get("a", 2) == GlanceImage("a")


def test_a_failed_look_leaves_nobody_waiting(cloud: Cloud, threads: ThreadPoolExecutor) -> None:
    cloud.add("a", "b")
    cloud.error = ConnectionError("down")
    cloud.free.clear()
    futures = [threads.submit(cloud.looks.get, "a", 2)]
    eventually(lambda: cloud.requests, timeout=5, interval=0.005)
    futures.append(threads.submit(cloud.looks.get, "b", 2))
    eventually(lambda: "b" in cloud.looks._wanted, timeout=5, interval=0.005)
    cloud.free.set()
    for one in futures:
        with pytest.raises(ConnectionError):
            one.result(5)
