"""One pass of the engine: what is written and when, what is done and in which order, and when to look again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.unit.runtime.engine_cluster import KEY, Cluster

from glance_operator.core.conditions import find
from glance_operator.core.plan import AddFinalizer, LetGo, Phase, Plan, State, Step, doing, stalled, waiting
from glance_operator.runtime.engine import finalizer
from glance_operator.runtime.errors import Refused, Unavailable
from glance_operator.runtime.queue import Lane, Next
from glance_operator.runtime.store import Body, Key

OURS = finalizer("Image")
READY = Plan(State(Phase.READY, "Available", "Served"))
COPYING = waiting("Importing", "1 of 2", after=0.5, passing=True)
STEP = doing(Step(), "Updating", "Updating name")
DOWN = State(Phase.WORKING, "GlanceUnavailable", "down")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    here = Cluster()
    monkeypatch.setattr("glance_operator.runtime.engine.time", SimpleNamespace(monotonic=lambda: here.now))
    here.create(OURS)
    return here


class TestPassingStates:
    def test_are_written_only_when_they_last(self, cluster: Cluster) -> None:
        assert cluster.run(COPYING) == Next(0.5, Lane.BEGUN)
        assert cluster.run(COPYING, after=1.9).after == pytest.approx(0.1)
        assert cluster.told() == []
        assert cluster.run(COPYING, after=0.1) == Next(0.5, Lane.BEGUN)
        assert cluster.told() == ["write Importing"]

    def test_are_never_written_if_they_are_over_soon(self, cluster: Cluster) -> None:
        cluster.run(COPYING)
        cluster.run(COPYING, after=1)
        cluster.run(READY, after=0.5)
        assert cluster.told() == ["write Available", "Normal Available: Served"]

    def test_are_looked_at_when_they_have_lasted(self, cluster: Cluster) -> None:
        long = waiting("Importing", "1 of 2", after=30, passing=True)
        assert cluster.run(long).after == pytest.approx(2)

    def test_tell_their_progress_ever_more_seldom(self, cluster: Cluster) -> None:
        began, told = cluster.now, []
        for n in range(400):
            cluster.run(waiting("Importing", f"{n} of 400", passing=True), after=0.1)
            told += [round(cluster.now - began) for _ in cluster.told()]
        assert told == [2, 6, 14, 24, 34]

    def test_that_follow_a_written_one_must_last_longer(self, cluster: Cluster) -> None:
        for reason in ("Queued", "Downloading"):
            cluster.run(waiting(reason, "", passing=True))
            cluster.run(waiting(reason, "", passing=True), after=3.9)
        assert cluster.told() == ["write Queued"]

    def test_each_counts_for_itself(self, cluster: Cluster) -> None:
        cluster.run(waiting("Downloading", "", passing=True))
        cluster.run(COPYING, after=1.5)
        cluster.run(COPYING, after=1.5)
        assert cluster.told() == []

    def test_that_end_as_they_began_leave_no_trace(self, cluster: Cluster) -> None:
        cluster.run(READY)
        cluster.told()
        cluster.run(COPYING, after=10)
        cluster.run(READY, after=1)
        cluster.run(COPYING, after=3600)
        assert cluster.told() == []

    def test_are_no_events(self, cluster: Cluster) -> None:
        cluster.run(COPYING)
        cluster.run(COPYING, after=2)
        assert cluster.told() == ["write Importing"]


class TestSteps:
    def test_are_taken_and_looked_at_again_at_once(self, cluster: Cluster) -> None:
        cluster.run(STEP, STEP, READY)
        assert cluster.told() == ["act", "act", "write Available", "Normal Available: Served"]

    def test_give_others_their_turn_after_some(self, cluster: Cluster) -> None:
        assert cluster.run(STEP) == Next(0, Lane.BEGUN)
        assert cluster.told() == ["act"] * 8

    def test_stop_when_the_process_ends(self, cluster: Cluster) -> None:
        cluster.ending = True
        assert cluster.run(STEP) == Next(0, Lane.BEGUN)
        assert cluster.told() == ["act"]

    def test_may_say_when_to_look(self, cluster: Cluster) -> None:
        assert cluster.run(doing(Step(), "Copying", "", after=0.15)) == Next(0.15, Lane.BEGUN)
        assert cluster.told() == ["act"]

    def test_that_destroy_what_they_were_learnt_from_are_recorded_first(self, cluster: Cluster) -> None:
        recorded = Plan(State(Phase.WORKING, "Recreating", "again"), step=Step(), after=1, record=True, passing=True)
        cluster.run(recorded)
        assert cluster.told() == ["write Recreating", "Warning Recreating: again", "act"]
        cluster.run(recorded, after=1)
        assert cluster.told() == ["act"]

    def test_are_not_taken_if_the_record_fails(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object) -> None:
            raise ConnectionError("the API server is away")

        monkeypatch.setattr(cluster, "patch_status", broken)
        with pytest.raises(ConnectionError):
            cluster.run(Plan(State(Phase.WORKING, "Recreating", ""), step=Step(), record=True))
        assert cluster.told() == []

    @pytest.mark.parametrize(
        ("error", "told", "wait"),
        [
            (Refused(400, "bad"), ["act", "write Refused", "Warning Refused: HTTP 400: bad"], 60),
            (Unavailable(DOWN), ["act", "write GlanceUnavailable", "Warning GlanceUnavailable: down"], 7),
        ],
    )
    def test_that_are_refused_are_explained(
        self, cluster: Cluster, error: Exception, told: list[str], wait: float
    ) -> None:
        cluster.error = error
        assert cluster.run(STEP) == Next(wait, Lane.CHANGED)
        assert cluster.told() == told

    def test_are_not_taken_without_admission(self, cluster: Cluster) -> None:
        cluster.parked = waiting("Queued", "in line", after=2.5, passing=True)
        assert cluster.run(STEP) == Next(2.5, Lane.RESYNC)
        assert cluster.told() == []
        assert cluster.run(STEP, after=2.5) == Next(None, Lane.RESYNC)
        assert cluster.told() == ["write Queued"]


class TestHoldingAndLettingGo:
    def test_held_before_anything_is_made(self, cluster: Cluster) -> None:
        cluster.run(doing(AddFinalizer(), "Preparing", ""), STEP, READY)
        assert cluster.told()[:2] == ["hold", "act"]

    def test_let_go_and_forgotten(self, cluster: Cluster) -> None:
        cluster.create(OURS, resourceVersion="9", deletionTimestamp="2026-01-01T00:00:00Z")
        assert cluster.run(doing(LetGo(), "Deleted", "gone")) == Next()
        assert cluster.told() == ["let go", "forget"]
        assert cluster.store.get(KEY) is None
        assert left(cluster) == 0

    def test_what_is_left_behind_is_counted_and_told(self, cluster: Cluster) -> None:
        cluster.create(OURS, resourceVersion="9", deletionTimestamp="2026-01-01T00:00:00Z")
        cluster.run(doing(LetGo("no Secret"), "LeftInGlance", "no Secret"))
        assert cluster.told() == ["Warning LeftInGlance: no Secret", "let go", "forget"]
        assert left(cluster) == 1

    def test_others_may_hold_it_longer(self, cluster: Cluster) -> None:
        cluster.version = 20
        cluster.create(OURS, "other/one", resourceVersion="9", deletionTimestamp="2026-01-01T00:00:00Z")
        cluster.run(doing(LetGo(), "Deleted", "gone"))
        assert cluster.told() == ["let go", "forget"]
        body = cluster.store.get(KEY)
        assert body is not None
        assert body["metadata"]["finalizers"] == ["other/one"]

    @pytest.mark.parametrize("finalizers", [(), ("other/one",)])
    def test_deleted_and_not_held_by_us_is_none_of_our_business(
        self, cluster: Cluster, finalizers: tuple[str, ...]
    ) -> None:
        cluster.create(*finalizers, resourceVersion="9", deletionTimestamp="2026-01-01T00:00:00Z")
        assert cluster.run(STEP) == Next()
        assert cluster.told() == ["forget"]


def left(cluster: Cluster) -> float:
    return cluster.metrics.registry.get_sample_value("glance_operator_left_in_glance_total") or 0


class TestStatus:
    def test_that_says_the_same_is_not_written(self, cluster: Cluster) -> None:
        for _ in range(3):
            cluster.run(READY)
        assert cluster.told() == ["write Available", "Normal Available: Served"]

    def test_news_without_another_reason_is_no_event(self, cluster: Cluster) -> None:
        cluster.run(stalled("Refused", "one"))
        cluster.run(stalled("Refused", "two"))
        assert cluster.told() == ["write Refused", "Warning Refused: one", "write Refused"]

    def test_of_an_object_that_is_gone(self, cluster: Cluster) -> None:
        cluster.gone = True
        cluster.run(READY)
        assert cluster.store.get(KEY) is None
        cluster.told()
        assert cluster.run(READY) == Next()
        assert cluster.told() == ["forget"]

    def test_that_a_controller_leaves_untouched(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cluster, "status", lambda *_: None)
        cluster.run(READY)
        assert cluster.told() == []

    def test_own_writes_are_known_at_once(self, cluster: Cluster) -> None:
        cluster.run(READY)
        body = cluster.store.get(KEY)
        assert body is not None
        assert find(body["status"]["conditions"], "Ready")["status"] == "True"

    def test_of_what_cannot_be_understood(self, cluster: Cluster) -> None:
        cluster.create(OURS, resourceVersion="10", status={"id": "i1"})
        cluster.version = 20
        cluster.invalid = State(Phase.STALLED, "InvalidSpec", "spec.diskFormat: no such format")
        assert cluster.run(READY) == Next()
        assert cluster.run(READY) == Next()
        assert cluster.told() == ["forget", "write InvalidSpec", "forget"]
        body = cluster.store.get(KEY)
        assert body is not None
        assert body["status"]["id"] == "i1"
        assert body["status"]["observedGeneration"] == 1
        assert find(body["status"]["conditions"], "Stalled")["message"] == "spec.diskFormat: no such format"


WAITING = waiting("GlanceUnavailable", "down")


@pytest.mark.parametrize(
    ("words", "plan", "low", "high", "lane"),
    [
        ("at rest: spread around the pace", READY, 90, 110, Lane.RESYNC),
        ("stalled: as at rest", stalled("Refused", "x"), 90, 110, Lane.RESYNC),
        ("paused: as at rest", Plan(State(Phase.PAUSED, "Suspended")), 90, 110, Lane.RESYNC),
        ("at rest, but something is due", Plan(READY.state, after=3), 3, 3, Lane.CHANGED),
        ("waiting: the pace", WAITING, 100, 100, Lane.CHANGED),
        ("waiting, and it says how long", waiting("ImportFailed", "x", after=4), 4, 4, Lane.CHANGED),
    ],
)
def test_when_to_look_again(cluster: Cluster, words: str, plan: Plan, low: float, high: float, lane: Lane) -> None:
    found = cluster.run(plan)
    assert found.after is not None
    assert low <= found.after <= high
    assert (found.lane, found.backoff) == (lane, False)


def test_what_is_left_to_the_queue(cluster: Cluster) -> None:
    assert cluster.run(Plan(State(Phase.WORKING, "GlanceError", "500"), backoff=True)) == Next(backoff=True)


def test_objects_without_a_controller_and_objects_that_are_gone(cluster: Cluster) -> None:
    assert cluster.engine.reconcile(Key("GlanceAPI", "ns", "a")) == Next()
    assert cluster.told() == []
    assert cluster.engine.reconcile(Key("Image", "ns", "nobody")) == Next()
    assert cluster.told() == ["forget"]
    bodies: list[Body] = [{"kind": "Image", "status": {}}, {"kind": "Image", "status": {"a": 1}}, {"kind": "X"}]
    assert [cluster.engine.settled(body) for body in bodies] == [False, True, True]
