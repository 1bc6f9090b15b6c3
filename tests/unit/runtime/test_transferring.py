"""What is seen of transfer Jobs and of what they need, by an API server that answers from a table."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.core.builders import EXPECTED_ID, UID, URL, spec
from tests.unit.core.scenarios.transferring import AUTH, MISSED, PVC, STAGED, carried, job, told

from glance_operator.core.image.carried import Given
from glance_operator.core.image.observed import View
from glance_operator.core.image.transfer import RemoveTransfers, StartTransfer
from glance_operator.core.manifests.transfer import IMAGE_ID, Access
from glance_operator.runtime.image.transferring import Transferring
from glance_operator.runtime.rest import ApiError
from glance_operator.settings import Settings

NAME = "jammy-transfer-1"
LABELS = {"app.kubernetes.io/instance": UID, IMAGE_ID: EXPECTED_ID}
RUNNING = {"containerID": "c://1", "state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}}}


def a_job(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": NAME, "namespace": "default", "uid": "uid-1", "labels": LABELS}, "status": status}


def a_pod(container: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    owner = {"batch.kubernetes.io/job-name": NAME, "batch.kubernetes.io/controller-uid": "uid-1"}
    return {
        "metadata": {"name": f"{NAME}-x", "namespace": "default", "labels": LABELS | owner},
        "spec": {"containers": [{"name": "transfer", "image": "i"}]},
        "status": {"containerStatuses": [{"name": "transfer", **container}] if container else [], **status},
    }


def ended(said: str, code: int = 0) -> dict[str, Any]:
    return {"state": {"terminated": {"exitCode": code, "reason": "Completed", "message": said}}}


class Office:
    """In place of the objects of a cluster, and of a cloud."""

    def __init__(self, **found: list[dict[str, Any]]) -> None:
        self.found, self.written = found, ""
        self.given: dict[tuple[str, str], dict[str, Any]] = {}
        self.done: list[tuple[str, str]] = []
        self.applied: list[dict[str, Any]] = []

    def find(self, kind: str, namespace: str, **query: str) -> list[dict[str, Any]]:
        if kind == "PersistentVolumeClaim":
            return [self.given[kind, name] for name in (query["fieldSelector"].partition("=")[2],)]
        return self.found.get(kind, [])

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        return self.given.get((kind, name))

    def log(self, *_: object) -> str:
        if not self.written:
            raise ApiError(400, "BadRequest", "container is waiting to start")
        return self.written

    def delete(self, kind: str, namespace: str, name: str) -> None:
        self.done.append((kind, name))

    def apply(self, wanted: dict[str, Any]) -> None:
        self.applied.append(wanted)

    def access(self) -> Access:
        return Access("http://glance/v2", (("X-Auth-Token", "t"),))


class Track:
    """Of it only what is asked here."""

    def __init__(self, office: Office, image: Any = None) -> None:
        looks = SimpleNamespace(get=lambda *_, **__: image)
        self.cloud, self.image_id = SimpleNamespace(glance=office, looks=looks), EXPECTED_ID
        self.silence = 3.0

    def silent_for(self, _: object) -> float:
        return self.silence

    def begin(self, node: str) -> None:
        self.begun = node


def seen(office: Office, view: View | None = None) -> View:
    return transferring(office).seen(view or carried(memory=told()), cast("Any", Track(office)))


def transferring(office: Office, image: str = "operator:1") -> Transferring:
    world = SimpleNamespace(objects=office, settings=Settings(transfer_image=image))
    return Transferring(cast("Any", world))


def test_who_needs_no_job_is_not_looked_for() -> None:
    class Silent(Office):
        def find(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("nobody is to be asked")

    assert seen(Silent(), carried(spec=spec())).transfers == ()
    assert not transferring(Silent(), "").seen(carried(spec=spec()), cast("Any", Track(Silent()))).carrier


def test_progress_is_the_last_whole_line_of_the_log() -> None:
    office = Office(Job=[a_job(active=1)], Pod=[a_pod(RUNNING, phase="Running")])
    office.written = '{"bytes": 1, "total": null}\n{"bytes": 5, "total": 9, "phase": "downloading"}\n{"byt'
    (one,) = seen(office).transfers
    assert (one.moved, one.total, one.over, one.silent_for) == (5, 9, False, 3.0)


def test_a_log_that_cannot_be_read_stops_nothing() -> None:
    (one,) = seen(Office(Job=[a_job(active=1)], Pod=[a_pod(RUNNING, phase="Running")])).transfers
    assert (one.moved, one.over) == (None, False)


def test_an_outcome_counts_although_a_sidecar_goes_on() -> None:
    said = STAGED.model_dump_json(by_alias=True)
    (one,) = seen(Office(Job=[a_job(active=1)], Pod=[a_pod(ended(said), phase="Running")])).transfers
    assert (one.over, one.outcome, one.words) == (True, STAGED, "")


def test_a_failure_is_what_the_program_said() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "has reached the limit"}
    said = MISSED.model_dump_json(by_alias=True)
    (one,) = seen(Office(Job=[a_job(conditions=[failed])], Pod=[a_pod(ended(said, 1))])).transfers
    assert one.outcome == MISSED


@pytest.mark.parametrize(
    ("pods", "words"),
    [
        ([a_pod({"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}})], "OOMKilled"),
        ([], "DeadlineExceeded: Job was active longer than specified deadline"),
    ],
    ids=["killed", "no pod left"],
)
def test_one_that_left_no_word_is_told_of_in_those_of_kubernetes(pods: list[dict[str, Any]], words: str) -> None:
    failed = {
        "type": "Failed",
        "status": "True",
        "reason": "DeadlineExceeded",
        "message": "Job was active longer than specified deadline",
    }
    (one,) = seen(Office(Job=[a_job(conditions=[failed])], Pod=pods)).transfers
    assert one.over
    assert one.outcome is None
    assert words in one.words


def test_a_refused_pod_is_told_of() -> None:
    event = {
        "metadata": {"creationTimestamp": "2026-03-01T11:00:00Z"},
        "type": "Warning",
        "reason": "FailedCreate",
        "note": f'Error creating: pods "{NAME}-abcde" is forbidden: exceeded quota: none',
    }
    (one,) = seen(Office(Job=[a_job()], Event=[event])).transfers
    assert one.words == f'FailedCreate: Error creating: pods "{NAME}-…" is forbidden: exceeded quota: none'


def test_what_a_source_names_is_told_without_its_content() -> None:
    office = Office()
    data = {"username": "dXNlcg==", "password": "cGFzcw=="}
    office.given["Secret", "reader"] = {"metadata": {}, "type": "kubernetes.io/basic-auth", "data": data}
    view = transferring(office).looked(carried(spec=spec(source=AUTH)), cast("Any", Track(office)))
    assert view.given["Secret", "reader"] == Given("kubernetes.io/basic-auth", frozenset(data))
    office.given["PersistentVolumeClaim", "golden"] = {
        "metadata": {"labels": {"glance-operator.io/image-source": "true"}}
    }
    view = transferring(office).looked(carried(spec=spec(source=PVC)), cast("Any", Track(office)))
    assert view.given["PersistentVolumeClaim", "golden"] == Given(offered=True)


def test_an_image_that_was_seen_before_its_job_was_over_is_looked_at_again() -> None:
    view = carried(transfers=(job(STAGED),), memory=told())
    image = replace(view.image, status="uploading") if view.image else None
    looked = transferring(Office()).looked(view, cast("Any", Track(Office(), image)))
    assert looked.image == image


def test_the_secret_is_made_first_and_removed_first() -> None:
    office = Office()
    view = carried(spec=spec(source={"http": {"url": URL, "method": "glance-direct"}}))
    transferring(office).start(view, StartTransfer(NAME, EXPECTED_ID), cast("Any", Track(office)))
    assert [one["kind"] for one in office.applied] == ["Secret", "Job"]
    assert "X-Auth-Token" not in json.dumps(office.applied[1])
    transferring(office).remove(view, RemoveTransfers((NAME,)))
    assert office.done == [("Secret", NAME), ("Job", NAME)]
