"""What is done about a GlanceStore, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.core.config.services import CEPH, PASSWORD, SWIFT, store

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.core.conditions import find
from glance_operator.core.config import Store
from glance_operator.core.glancestore import decide
from glance_operator.core.glancestore.observed import Api, Residents, View
from glance_operator.core.glancestore.status import recall, status
from glance_operator.core.plan import AddFinalizer, LetGo, Phase, Plan
from glance_operator.core.workload import Apply, Job, Object, Pod, Remove

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
API_SPEC = {
    "database": {"sqlite": {}},
    "auth": {"keystone": {"authURL": "https://k", "credentialsSecretRef": {"name": "k"}}},
}
API = Api("glance", "0a1b", GlanceAPISpec.model_validate(API_SPEC), "glance:33")
CENTRAL = store("central", "file", {"pvc": {"claimName": "a"}})


def view(of: Store = CENTRAL, **parts: Any) -> View:
    given: dict[str, Any] = {
        "namespace": "images",
        "name": of.id,
        "uid": "6f0c",
        "generation": 1,
        "now": NOW,
        "api": API,
        "finalized": True,
        "found": {("Secret", "k"): PASSWORD, ("Secret", "ceph"): {"keyring": "[client.glance]\n\tkey = AQ==\n"}},
        "in_place": lambda _: True,
    }
    return View(spec=of.spec, **{**given, **parts})


def plan(of: View) -> Plan:
    return decide(of)[1]


def name_of(of: View) -> str:
    drawn, _ = decide(of)
    assert drawn.proof
    return drawn.proof.of.config


def probed(of: View, words: str = "{}", **job: Any) -> View:
    name = name_of(of)
    return replace(of, jobs={name: Job(name, "probe", **job)}, pods=(Pod(f"{name}-x", "probe", job=name, words=words),))


@pytest.mark.parametrize(
    ("parts", "reason", "words"),
    [
        ({"api": None}, "APINotFound", "GlanceAPI glance (spec.glanceAPIRef) does not exist"),
        ({"api": replace(API, image="")}, "APINotReady", "container image"),
        ({"of": CEPH, "found": {}}, "InputMissing", "Secret ceph (spec.rbd.keyringSecretRef) does not exist"),
        ({"of": SWIFT, "found": {}}, "InputMissing", "Secret k (spec.auth.keystone.credentialsSecretRef)"),
        ({"of": SWIFT, "found": {("Secret", "k"): {}}}, "InputInvalid", "username, password, project_name missing"),
    ],
)
def test_what_is_missing_is_named(parts: dict[str, Any], reason: str, words: str) -> None:
    told = plan(view(**parts)).state
    assert told.reason == reason
    assert words in told.message


def test_a_service_that_was_there_is_gone() -> None:
    """Unlike one that nobody has made yet: who deletes a GlanceAPI and keeps its stores is told so."""
    proven = recall({"status": said(probed(view(), done=True))})
    told = plan(view(api=None, memory=proven)).state
    assert told.reason == "APIGone"
    assert "GlanceAPI glance (spec.glanceAPIRef) is gone: create it again" in told.message


def test_the_younger_of_two_stores_with_one_id_is_refused_and_may_go() -> None:
    """Although images live under its id: they are the elder's."""
    in_service = replace(API, stores=("central",))
    of = view(elder="first", api=in_service, images=Residents(1, ("a",)))
    assert (plan(of).state.phase, plan(of).state.reason) == (Phase.STALLED, "DuplicateStoreID")
    assert "GlanceStore first, which is older" in plan(of).state.message
    assert find(said(of)["conditions"], "Configured")["status"] == "False"
    assert isinstance(plan(replace(of, deleted=True)).step, LetGo)


def test_it_is_held_then_proven_then_awaits_its_service_and_is_ready() -> None:
    assert isinstance(plan(view(finalized=False)).step, AddFinalizer)
    of = view(in_place=lambda _: False)
    assert [one["kind"] for one in objects(plan(of))] == ["Secret"]
    of = view()
    assert [one["kind"] for one in objects(plan(of))] == ["Job"]
    assert plan(probed(of)).state.reason == "Probing"
    assert plan(probed(of, done=True)).state.reason == "NotConfigured"
    assert plan(probed(replace(of, api=replace(API, stores=("central",))), done=True)).state.phase is Phase.READY


def objects(told: Plan) -> tuple[Object, ...]:
    assert isinstance(told.step, Apply)
    return told.step.objects


def said(of: View, before: dict[str, Any] | None = None) -> dict[str, Any]:
    drawn, told = decide(of)
    return status(drawn, told, {"metadata": {"generation": 1}, "status": before or {}})


def test_what_the_probe_found_is_kept_when_its_job_is_gone() -> None:
    of = probed(view(), '{"total": 100, "available": 40}', done=True, ended=NOW)
    told = said(of)
    assert told["capacity"] == {"total": "100", "available": "40"}
    assert told["probe"]["time"] == "2026-01-01T12:00:00Z"
    assert find(told["conditions"], "Usable")["status"] == "True"
    of = replace(of, memory=recall({"status": told}))
    assert isinstance(plan(of).step, Remove)
    of = replace(of, jobs={}, pods=())
    assert said(of, told) == told
    assert plan(of).state.reason == "NotConfigured", "it is not proven once more"


def test_other_credentials_are_proven_before_they_are_believed() -> None:
    told = said(probed(view(CEPH), done=True))
    of = view(CEPH, memory=recall({"status": told}), found={("Secret", "ceph"): {"keyring": "another"}})
    assert [one["kind"] for one in objects(plan(of))] == ["Job"]
    assert find(said(of, told)["conditions"], "Usable")["status"] == "False"


def test_what_the_driver_says_is_told_and_it_is_tried_again() -> None:
    of = probed(view(), "PermissionError: /stores/central", failed=True, ended=NOW)
    assert "PermissionError: /stores/central" in plan(of).state.message
    assert find(said(of)["conditions"], "Usable")["reason"] == "ProbeFailed"
    assert isinstance(plan(replace(of, now=NOW + timedelta(minutes=1))).step, Remove)


def test_it_is_not_let_go_while_images_live_there_or_may_live_there() -> None:
    in_service = replace(API, stores=("central",))
    twelve = Residents(12, ("a", "b", "c"))
    told = plan(view(deleted=True, api=in_service, images=twelve)).state
    assert told.message == "12 images still live here: a, b, c, …"
    assert plan(view(deleted=True, api=in_service)).state.reason == "InUse"
    assert plan(view(deleted=True, api=in_service, images=Residents())).state.reason == "Detaching"
    assert isinstance(plan(view(deleted=True)).step, LetGo)
    assert isinstance(plan(view(deleted=True, api=None)).step, LetGo)


def test_deleted_together_with_its_service_it_goes_first_once_it_is_empty() -> None:
    """The service waits for it, and rolls out nothing more."""
    ending = replace(API, stores=("central",), ending=True)
    assert plan(view(deleted=True, api=ending, images=Residents(1, ("a",)))).state.reason == "InUse"
    assert isinstance(plan(view(deleted=True, api=ending, images=Residents())).step, LetGo)
