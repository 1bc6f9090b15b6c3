"""What the feed brings: which key has to run, and how soon."""

from typing import Any

import pytest

from glance_operator.runtime.intake import Intake, Wiring
from glance_operator.runtime.queue import Lane, Queue
from glance_operator.runtime.store import Body, Key, Store

RESYNC = 1000.0
WIRING = Wiring(
    controllers=frozenset({"Image"}),
    indexes={"Image": {"glanceAPI": lambda body: body["spec"].get("api"), "shelf": lambda b: b["spec"].get("shelf")}},
    references={"GlanceAPI": [("Image", "glanceAPI")]},
    siblings={"Image": "shelf"},
    cousins={"GlanceStore": ("Image", "glanceAPI", lambda body: body["spec"].get("api"))},
)


class Feed:
    """An intake with a queue whose clock stands still, and a store."""

    def __init__(self) -> None:
        self.now = 0.0
        self.queue = Queue(lambda: self.now)
        self.store = Store(WIRING.indexes)
        self.intake = Intake(self.store, self.queue, self.settled, WIRING, RESYNC)
        self.version = 0

    def settled(self, body: Body) -> bool:
        if "broken" in body["spec"]:
            raise KeyError("broken")
        return bool(body["spec"].get("settled", False))

    def bring(self, kind: str = "Image", uid: str = "u1", name: str = "a", **changes: Any) -> None:
        """One event; `generation`, `seen`, `deleted`, `annotation`, `handled`, `ready` say what is in the body."""
        self.version += 1
        self.intake.changed(body_of(kind, uid, name, self.version, changes))

    def taken(self) -> tuple[str, Lane] | None:
        """The next key and its lane, and done with it."""
        ready = self.queue.stats().ready
        lane = next((lane for lane, count in ready.items() if count), Lane.BEGUN)
        key = self.queue.poll()
        if key is None:
            return None
        self.queue.done(key)
        return key.name, lane


def body_of(kind: str, uid: str, name: str, version: int, changes: dict[str, Any]) -> Body:
    meta: Body = {"uid": uid, "name": name, "namespace": "default", "resourceVersion": str(version)}
    meta["generation"] = changes.get("generation", 1)
    if changes.get("deleted"):
        meta["deletionTimestamp"] = "2030-01-01T00:00:00Z"
    if "annotation" in changes:
        meta["annotations"] = {"glance-operator.io/retry": changes["annotation"]}
    status: Body = {"observedGeneration": changes.get("seen", 1)}
    if "handled" in changes:
        status["lastHandledRetry"] = changes["handled"]
    status |= changes.get("status", {})
    if "ready" in changes:
        status["conditions"] = [{"type": "Stalled", "status": "False"}, {"type": "Ready", "status": changes["ready"]}]
    return {"apiVersion": "x/v1", "kind": kind, "metadata": meta, "spec": changes.get("spec", {}), "status": status}


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.mark.parametrize(
    ("changes", "lane"),
    [
        ({"seen": -1}, Lane.NEW),
        ({"generation": 2, "seen": 1}, Lane.BEGUN),
        ({"generation": 1, "seen": 1}, Lane.BEGUN),
        ({"deleted": True, "spec": {"settled": True}}, Lane.CHANGED),
        ({"annotation": "now", "spec": {"settled": True}}, Lane.BEGUN),
        ({"spec": {"broken": True}}, Lane.BEGUN),
    ],
)
def test_first_sight_of_what_is_not_at_rest(feed: Feed, changes: dict[str, Any], lane: Lane) -> None:
    feed.bring(**changes)
    assert feed.taken() == ("a", lane)


def test_first_sight_of_what_is_at_rest_is_spread_over_the_resync_time(feed: Feed) -> None:
    for number in range(200):
        feed.bring(uid=f"u{number}", name=f"n{number}", spec={"settled": True})
    assert feed.taken() is None
    feed.now += RESYNC / 2
    half = 0
    while feed.taken():
        half += 1
    assert 60 < half < 140
    feed.now += RESYNC / 2
    while feed.taken():
        half += 1
    assert half == 200


@pytest.mark.parametrize(
    ("before", "after", "runs"),
    [
        pytest.param({}, {"generation": 2}, True, id="spec"),
        pytest.param({}, {"deleted": True}, True, id="deletion"),
        pytest.param({}, {"annotation": "1"}, True, id="retry"),
        pytest.param({"annotation": "1", "handled": "1"}, {"annotation": "2", "handled": "1"}, True, id="retry-again"),
        pytest.param({}, {"annotation": "1", "handled": "1"}, False, id="retry-handled"),
        pytest.param({}, {"ready": "True"}, False, id="echo-of-our-status"),
        pytest.param({"generation": 2, "seen": 1}, {"generation": 2, "seen": 2}, False, id="echo-of-observing"),
    ],
)
def test_a_known_object_changes(feed: Feed, before: dict[str, Any], after: dict[str, Any], runs: bool) -> None:
    feed.bring(**before)
    feed.taken()
    feed.bring(**after)
    assert feed.taken() == (("a", Lane.CHANGED) if runs else None)


def test_what_was_brought_before_is_nothing_new(feed: Feed) -> None:
    feed.bring(generation=2)
    feed.taken()
    feed.version -= 1
    feed.bring(generation=2)
    assert feed.taken() is None


def test_another_object_of_the_same_name_is_new(feed: Feed) -> None:
    feed.bring(spec={"settled": True})
    feed.bring(uid="u2", seen=-1)
    assert feed.taken() == ("a", Lane.NEW)


def test_a_deleted_object_runs_once_more_to_be_forgotten(feed: Feed) -> None:
    feed.bring(spec={"settled": True})
    feed.intake.deleted(Key("Image", "default", "a"), "u1")
    assert feed.store.get(Key("Image", "default", "a")) is None
    assert feed.taken() == ("a", Lane.CHANGED)
    feed.intake.deleted(Key("Image", "default", "a"), "u1")
    assert feed.taken() is None


def test_objects_without_a_controller_are_only_kept(feed: Feed) -> None:
    feed.bring(kind="GlanceAPI", seen=-1)
    assert feed.store.get(Key("GlanceAPI", "default", "a")) is not None
    assert feed.taken() is None


class TestReferrers:
    """Image `waiting` refers to GlanceAPI `api`, not at rest; `resting` does so at rest; `stranger` to another."""

    @pytest.fixture
    def feed(self) -> Feed:
        feed = Feed()
        for name, spec in {
            "waiting": {"api": "api"},
            "resting": {"api": "api", "settled": True},
            "stranger": {"api": "other"},
        }.items():
            feed.bring(uid=name, name=name, spec=spec)
        while feed.taken():
            pass
        return feed

    def test_arrival_wakes_them(self, feed: Feed) -> None:
        feed.bring("GlanceAPI", "g", "api", seen=-1)
        assert feed.taken() == ("waiting", Lane.NEW)
        assert feed.taken() is None

    @pytest.mark.parametrize(
        ("after", "wakes"),
        [
            ({"ready": "True"}, True),
            ({"generation": 2}, True),
            ({"deleted": True}, True),
            ({"ready": "False", "status": {"nodes": [{"name": "api-0"}]}}, True),
            ({"ready": "False", "status": {"id": "i2"}}, True),
            ({"ready": "False"}, False),
        ],
    )
    def test_changes(self, feed: Feed, after: dict[str, Any], wakes: bool) -> None:
        feed.bring("GlanceAPI", "g", "api", ready="False")
        feed.taken()
        feed.bring("GlanceAPI", "g", "api", **after)
        assert feed.taken() == (("waiting", Lane.NEW) if wakes else None)

    def test_the_end_wakes_those_at_rest_too(self, feed: Feed) -> None:
        feed.bring("GlanceAPI", "g", "api")
        feed.taken()
        feed.intake.deleted(Key("GlanceAPI", "default", "api"), "g")
        woken = {feed.taken(), feed.taken()}
        assert woken == {("waiting", Lane.NEW), ("resting", Lane.NEW)}
        assert feed.taken() is None


class TestSiblings:
    """Images `first` and `second` share a shelf, `resting` does at rest, `stranger` has another."""

    @pytest.fixture
    def feed(self) -> Feed:
        feed = Feed()
        self.bring(feed, "second", shelf="a")
        self.bring(feed, "resting", shelf="a", settled=True)
        self.bring(feed, "stranger", shelf="b")
        self.bring(feed, "first", shelf="a")
        self.rest(feed)
        return feed

    @staticmethod
    def bring(feed: Feed, name: str, status: dict[str, Any] | None = None, **spec: Any) -> None:
        feed.bring(uid=name, name=name, spec=spec, status=status or {})

    @staticmethod
    def rest(feed: Feed) -> list[str]:
        woken = []
        while taken := feed.taken():
            woken.append(taken[0])
        return woken

    def test_what_one_needs_concerns_those_who_share_it(self, feed: Feed) -> None:
        self.bring(feed, "first", {"sizeBytes": 9}, shelf="a")
        assert self.rest(feed) == ["second"]
        self.bring(feed, "first", {"sizeBytes": 9, "progress": "9%"}, shelf="a")
        assert self.rest(feed) == []

    def test_who_comes_goes_or_moves(self, feed: Feed) -> None:
        self.bring(feed, "third", shelf="a")
        assert sorted(self.rest(feed)) == ["first", "second", "third"]
        feed.intake.deleted(Key("Image", "default", "third"), "third")
        assert sorted(self.rest(feed)) == ["first", "second", "third"]
        feed.bring(uid="first", name="first", spec={"shelf": "b"}, generation=2)
        assert sorted(self.rest(feed)) == ["first", "second", "stranger"]


@pytest.mark.parametrize(("settled", "woken"), [(False, ("mine", Lane.NEW)), (True, None)])
def test_what_befalls_a_store_concerns_the_images_of_its_service(
    feed: Feed, settled: bool, woken: tuple[str, Lane] | None
) -> None:
    for name, api in (("mine", "glance"), ("others", "another")):
        feed.bring(uid=name, name=name, spec={"api": api, "settled": settled})
    while feed.taken():
        pass
    feed.bring(kind="GlanceStore", uid="s", name="edge", spec={"api": "glance"})
    while feed.taken():
        pass
    feed.bring(kind="GlanceStore", uid="s", name="edge", spec={"api": "glance"}, deleted=True)
    assert feed.taken() == woken
    assert feed.taken() is None
    feed.intake.deleted(Key("GlanceStore", "default", "edge"), "s")
    assert feed.taken() == woken
