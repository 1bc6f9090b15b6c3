"""The sweep against a cluster in memory: the missed is fetched, the vanished reaped, nothing else touched."""

import threading
from collections.abc import Callable

import pytest
from tests.support import eventually

from glance_operator.runtime.intake import Intake, Wiring
from glance_operator.runtime.kube import ApiError, Listing, Unreachable
from glance_operator.runtime.queue import Queue
from glance_operator.runtime.store import Body, Key, Store, Version
from glance_operator.runtime.sweep import Scope, Sweep


def key(name: str, namespace: str = "ns") -> Key:
    return Key("Image", namespace, name)


class Cluster:
    """Objects, and a store that a feed may or may not have filled."""

    def __init__(self, namespaces: tuple[str, ...] = (), grace: float = 0.0, interval: float = 3600) -> None:
        self.objects: dict[Key, Body] = {}
        self.version = 100
        self.gets: list[Key] = []
        self.lists = 0
        self.failures: list[Exception] = []
        self.missed: list[str] = []
        self.store, self.queue = Store(), Queue()
        intake = Intake(self.store, self.queue, lambda _: True, Wiring(frozenset({"Image"})), 3600)
        scope = Scope(("Image",), namespaces, interval, grace)
        self.sweep = Sweep(self, self.store, intake, scope, self.missed.append)

    def create(self, one: Key, uid: str) -> Body:
        self.version += 1
        meta: Body = {"uid": uid, "name": one.name, "namespace": one.namespace, "generation": 1}
        meta["resourceVersion"] = str(self.version)
        self.objects[one] = {"apiVersion": "x/v1", "kind": one.kind, "metadata": meta, "spec": {}, "status": {}}
        return self.objects[one]

    def feed(self, one: Key, uid: str) -> None:
        self.store.put(one, self.create(one, uid))

    def list_metadata(self, kind: str, namespace: str | None = None) -> Listing:
        if self.failures:
            raise self.failures.pop()
        found = {one: body for one, body in self.objects.items() if namespace in (None, one.namespace)}
        return Listing(self.version, {one: version(body) for one, body in found.items()})

    def list_bodies(self, kind: str, namespace: str | None, receive: Callable[[Body], None]) -> Listing:
        self.lists += 1
        listing = self.list_metadata(kind, namespace)
        for one in listing.versions:
            receive(self.objects[one])
        return listing

    def get(self, kind: str, namespace: str | None, name: str) -> Body | None:
        self.gets.append(Key(kind, namespace or "", name))
        return self.objects.get(self.gets[-1])


def version(body: Body) -> Version:
    return Version(body["metadata"]["uid"], int(body["metadata"]["resourceVersion"]))


def test_what_the_feed_has_brought_costs_nothing() -> None:
    cluster = Cluster()
    cluster.feed(key("a"), "u1")
    cluster.sweep.sweep()
    assert (cluster.gets, cluster.missed, cluster.sweep.synced()) == ([], [], True)


def test_what_the_feed_missed_is_fetched() -> None:
    cluster = Cluster()
    cluster.feed(key("changed"), "u1")
    cluster.create(key("changed"), "u1")
    cluster.create(key("new"), "u2")
    cluster.feed(key("known"), "u3")
    cluster.sweep.sweep()
    assert sorted(one.name for one in cluster.gets) == ["changed", "new"]
    assert cluster.store.versions("Image") == {one: version(body) for one, body in cluster.objects.items()}
    assert cluster.missed == ["change", "change"]


def test_what_vanished_is_reaped_and_its_controller_told() -> None:
    cluster = Cluster()
    cluster.feed(key("gone"), "u1")
    cluster.feed(key("here"), "u2")
    del cluster.objects[key("gone")]
    cluster.version += 1
    cluster.sweep.sweep()
    assert cluster.store.keys("Image") == [key("here")]
    assert cluster.queue.poll() == key("gone")
    assert cluster.missed == ["deletion"]


def test_an_object_that_was_replaced_is_reaped_and_fetched() -> None:
    cluster = Cluster()
    cluster.feed(key("a"), "u1")
    cluster.create(key("a"), "u2")
    cluster.sweep.sweep()
    assert cluster.store.version(key("a")) == version(cluster.objects[key("a")])
    assert cluster.missed == ["deletion", "change"]


def test_what_is_newer_than_the_list_is_left_alone() -> None:
    cluster = Cluster()
    cluster.feed(key("a"), "u1")
    body = cluster.objects.pop(key("a"))
    body["metadata"]["resourceVersion"] = str(cluster.version + 5)
    cluster.store.put(key("a"), body)
    cluster.sweep.sweep()
    assert cluster.store.keys("Image") == [key("a")]


def test_only_the_namespaces_that_are_served_are_compared() -> None:
    cluster = Cluster(namespaces=("one", "two"))
    cluster.create(key("a", "one"), "u1")
    cluster.create(key("b", "three"), "u2")
    cluster.feed(key("c", "three"), "u3")
    del cluster.objects[key("c", "three")]
    cluster.sweep.sweep()
    assert sorted(cluster.store.keys("Image")) == [key("a", "one"), key("c", "three")]


def begin_watch(cluster: Cluster) -> None:
    cluster.sweep.soon()
    cluster.sweep.sweep()


def test_the_first_watch_is_given_all_bodies_in_one_list() -> None:
    cluster = Cluster()
    for number in range(3):
        cluster.create(key(str(number)), f"u{number}")
    begin_watch(cluster)
    assert cluster.store.versions("Image") == {one: version(body) for one, body in cluster.objects.items()}
    assert (cluster.lists, cluster.gets, cluster.missed) == (1, [], [])
    assert cluster.sweep.synced()


def test_a_later_watch_fetches_only_what_has_changed_meanwhile() -> None:
    cluster = Cluster(grace=3600)
    cluster.feed(key("changed"), "u1")
    cluster.create(key("changed"), "u1")
    cluster.feed(key("known"), "u2")
    cluster.feed(key("gone"), "u3")
    del cluster.objects[key("gone")]
    begin_watch(cluster)
    assert (cluster.lists, cluster.gets, cluster.missed) == (0, [key("changed")], ["deletion"])
    assert cluster.store.versions("Image") == {one: version(body) for one, body in cluster.objects.items()}


def test_after_a_long_absence_all_bodies_are_listed_again() -> None:
    cluster = Cluster()
    cluster.feed(key("known"), "u")
    for number in range(100):
        cluster.create(key(str(number)), f"u{number}")
    begin_watch(cluster)
    assert (cluster.lists, cluster.gets) == (1, [])
    assert len(cluster.store.keys("Image")) == 101


def test_a_watch_whose_list_failed_is_still_owed_one() -> None:
    cluster = Cluster()
    cluster.failures = [Unreachable("down")]
    cluster.create(key("a"), "u1")
    with pytest.raises(Unreachable):
        begin_watch(cluster)
    cluster.sweep.sweep()
    assert cluster.store.get(key("a"))
    assert cluster.missed == []


def test_a_feed_that_is_at_it_is_given_time() -> None:
    """In a routine sweep nothing is fetched as long as the feed brings something within the grace."""
    cluster = Cluster(grace=5)
    for number in range(3):
        cluster.create(key(str(number)), f"u{number}")
    sweeping = threading.Thread(target=cluster.sweep.sweep)
    sweeping.start()
    for one, body in list(cluster.objects.items()):
        assert not cluster.sweep.synced()
        cluster.store.put(one, body)
    sweeping.join(5)
    assert cluster.sweep.synced()
    assert cluster.gets == []


@pytest.mark.parametrize("failure", [Unreachable("down"), ApiError(500, "x", "y"), KeyError("a defect")])
def test_a_failed_sweep_is_not_the_last(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glance_operator.runtime.sweep._RETRY", 0.01)
    cluster = Cluster()
    cluster.failures = [failure]
    cluster.create(key("a"), "u1")
    cluster.sweep.start()
    assert not cluster.sweep.synced()
    cluster.sweep.soon()
    try:
        eventually(cluster.sweep.synced, timeout=5, interval=0.01)
        assert cluster.sweep.alive()
    finally:
        cluster.sweep.stop()
    assert not cluster.sweep.alive()


def test_sweeps_come_again_by_themselves() -> None:
    cluster = Cluster(interval=0.05)
    cluster.sweep.start()
    cluster.sweep.soon()
    try:
        eventually(cluster.sweep.synced, timeout=5, interval=0.01)
        cluster.create(key("missed"), "u1")
        eventually(lambda: cluster.store.get(key("missed")), timeout=5, interval=0.01)
    finally:
        cluster.sweep.stop()
