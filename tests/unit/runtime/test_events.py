"""Events: each change once, few per object, and a pass never waits for them."""

import threading
from typing import Any

import pytest
from tests.support import eventually

from glance_operator.runtime.events import Recorder
from glance_operator.runtime.kube import Unreachable
from glance_operator.runtime.store import Body


def body(uid: str = "u1") -> Body:
    meta = {"uid": uid, "name": "a", "namespace": "ns"}
    return {"apiVersion": "glance-operator.io/v1alpha1", "kind": "Image", "metadata": meta}


class Cluster:
    """Takes Events, or does not."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Body]] = []
        self.down = False
        self.go_on = threading.Event()
        self.go_on.set()
        self.dropped: list[str] = []
        self.now = 0.0

    def create(self, namespace: str, event: Body) -> None:
        self.go_on.wait(10)
        if self.down:
            raise Unreachable("down")
        self.events.append((namespace, event))

    def recorder(self) -> Recorder:
        return Recorder(self.create, "pod-1", self.dropped.append, lambda: self.now)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def record(recorder: Recorder, reason: str = "Ready", note: str = "all is well", uid: str = "u1") -> bool:
    return recorder.record(body(uid), "Normal", reason, "Reconcile", note)


def test_an_event_is_what_kubernetes_wants(cluster: Cluster) -> None:
    recorder = cluster.recorder()
    recorder.start()
    assert recorder.record(body(), "Warning", "ImportFailed", "Import", "no space left")
    recorder.stop()
    ((namespace, event),) = cluster.events
    wanted: dict[str, Any] = {
        "type": "Warning",
        "reason": "ImportFailed",
        "action": "Import",
        "note": "no space left",
        "reportingController": "glance-operator.io/glance-operator",
        "reportingInstance": "pod-1",
    }
    assert namespace == "ns"
    assert {name: event[name] for name in wanted} == wanted
    assert event["regarding"]["uid"] == "u1"
    assert event["metadata"]["name"].startswith("a.")


def test_the_same_is_told_once_until_something_else_was_told(cluster: Cluster) -> None:
    recorder = cluster.recorder()
    told = [record(recorder, reason) for reason in ("Ready", "Ready", "Failed", "Ready", "Ready")]
    assert told == [True, False, True, True, False]


def test_another_note_is_another_event(cluster: Cluster) -> None:
    recorder = cluster.recorder()
    assert record(recorder, note="store a")
    assert record(recorder, note="store b")


def test_objects_do_not_share_their_memory(cluster: Cluster) -> None:
    recorder = cluster.recorder()
    assert record(recorder, uid="u1")
    assert record(recorder, uid="u2")
    recorder.forget("u1")
    assert record(recorder, uid="u1")
    assert not record(recorder, uid="u2")


def test_one_object_cannot_flood(cluster: Cluster) -> None:
    recorder = cluster.recorder()
    assert sum(record(recorder, f"R{number}") for number in range(100)) == 10
    assert cluster.dropped == ["rate"] * 90
    assert record(recorder, "Other", uid="u2")
    cluster.now += 60
    assert record(recorder, "Later")
    assert not record(recorder, "TooSoon")


def test_what_was_dropped_is_told_when_there_is_room_again(cluster: Cluster) -> None:
    recorder = cluster.recorder()
    for number in range(20):
        record(recorder, f"R{number}")
    cluster.now += 600
    assert record(recorder, "R19")


@pytest.mark.parametrize(("note", "length"), [("x" * 5000, 1024), ("ü" * 5000, 1024), ("é" + "x" * 1022 + "ü", 1024)])
def test_notes_are_cut_at_a_kibibyte_of_whole_characters(cluster: Cluster, note: str, length: int) -> None:
    recorder = cluster.recorder()
    recorder.start()
    record(recorder, note=note)
    recorder.stop()
    sent = cluster.events[0][1]["note"]
    assert len(sent.encode()) <= length
    assert note.startswith(sent)


def test_secrets_do_not_get_into_notes(cluster: Cluster) -> None:
    recorder = cluster.recorder()
    recorder.start()
    record(recorder, note="GET http://user:hunter2@mirror/u.qcow2: 403")
    recorder.stop()
    assert "hunter2" not in cluster.events[0][1]["note"]


def test_an_api_server_that_hangs_delays_nobody_and_loses_with_a_count(cluster: Cluster) -> None:
    recorder = cluster.recorder()
    cluster.go_on.clear()
    recorder.start()
    for number in range(1100):
        record(recorder, uid=str(number))
    assert 90 < cluster.dropped.count("full") <= 100
    cluster.go_on.set()
    recorder.stop(10)


def test_an_event_that_is_refused_is_counted_and_the_next_is_posted(cluster: Cluster) -> None:
    recorder = cluster.recorder()
    recorder.start()
    cluster.down = True
    record(recorder, "Lost")
    eventually(lambda: cluster.dropped == ["error"], timeout=5, interval=0.01)
    cluster.down = False
    record(recorder, "Kept")
    recorder.stop()
    assert [event["reason"] for _, event in cluster.events] == ["Kept"]
