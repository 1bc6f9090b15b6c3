"""What is done about a GlanceStore, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.config.services import CEPH, SWIFT
from tests.unit.core.glancestore.views import API, NOW, plan, probed, said, view

from glance_operator.core.conditions import find
from glance_operator.core.glancestore import decide
from glance_operator.core.glancestore.observed import Residents
from glance_operator.core.glancestore.status import recall
from glance_operator.core.plan import AddFinalizer, LetGo, Phase, Plan
from glance_operator.core.workload import Apply, Object, Remove


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


def test_it_is_held_then_proven_then_awaits_its_service_and_is_ready() -> None:
    assert isinstance(plan(view(finalized=False)).step, AddFinalizer)
    of = view(in_place=lambda _: False)
    assert [one["kind"] for one in objects(plan(of))] == ["Secret"]
    of = view()
    assert [one["kind"] for one in objects(plan(of))] == ["Job"]
    assert plan(probed(of)).state.reason == "Probing"
    assert plan(probed(of, done=True)).state.reason == "NotConfigured"
    of = replace(of, api=replace(API, stores={"central": "0a1b"}))
    assert plan(probed(of, done=True)).state.reason == "RollingOut", "with what was proven before"
    drawn = decide(of)[0].proof
    assert drawn
    of = replace(of, api=replace(API, stores={"central": drawn.hash}))
    assert plan(probed(of, done=True)).state.phase is Phase.READY


def objects(told: Plan) -> tuple[Object, ...]:
    assert isinstance(told.step, Apply)
    return told.step.objects


def test_what_the_probe_found_is_kept_when_its_job_is_gone() -> None:
    of = probed(view(), '{"total": 100, "available": 40}', done=True, ended=NOW)
    told = said(of)
    assert told["capacity"] == {"total": "100", "available": "40"}
    assert told["probe"]["time"] == "2026-01-01T12:00:00Z"
    assert find(told["conditions"], "Usable")["status"] == "True"
    of = replace(of, memory=recall({"status": told}))
    for later in (of, replace(of, pods=()), replace(of, jobs={}, pods=())):
        assert said(later, told) == told
        assert plan(later).state.reason == "NotConfigured", "it is not proven once more"
        assert plan(later).step is None


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
    in_service = replace(API, stores={"central": "0a1b"})
    twelve = Residents(12, ("a", "b", "c"))
    told = plan(view(deleted=True, api=in_service, images=twelve)).state
    assert told.message == "12 images still live here: a, b, c, …"
    assert plan(view(deleted=True, api=in_service)).state.reason == "InUse"
    assert plan(view(deleted=True, api=in_service, images=Residents())).state.reason == "Detaching"
    assert isinstance(plan(view(deleted=True)).step, LetGo)
    assert isinstance(plan(view(deleted=True, api=None)).step, LetGo)


def test_of_two_with_one_id_the_later_one_is_refused_and_may_go_at_once() -> None:
    in_service = replace(API, stores={"central": "0a1b"})
    later = view(api=in_service, rival="first", images=Residents(12))
    told = plan(later).state
    assert (told.phase, told.reason) == (Phase.STALLED, "DuplicateStoreID")
    assert "GlanceStore first has the store id central already" in told.message
    assert find(said(later)["conditions"], "Configured")["status"] == "False", "the other one is"
    assert isinstance(plan(replace(later, deleted=True)).step, LetGo)


DRAINING = {"api": replace(API, stores={"central": "0a1b"}), "deleted": True}


@pytest.mark.parametrize(
    ("parts", "status", "reason"),
    [
        ({}, "False", "NotDeleted"),
        (DRAINING | {"images": Residents(2, ("a", "b"))}, "True", "Draining"),
        (DRAINING | {"images": Residents(1, ("a",), ("a (deactivated)",))}, "True", "WaitingForPeople"),
        (DRAINING, "Unknown", "NotKnown"),
        (DRAINING | {"images": Residents()}, "False", "Drained"),
        ({"deleted": True}, "False", "Drained"),
    ],
)
def test_how_far_it_is_drained(parts: dict[str, Any], status: str, reason: str) -> None:
    of = view(**parts)
    assert find(said(of)["conditions"], "Draining") == {}
    of = replace(of, spec=of.spec.model_copy(update={"deletion_policy": "Drain"}))
    told = find(said(of)["conditions"], "Draining")
    assert (told["status"], told["reason"]) == (status, reason)
    if of.images and of.images.held:
        assert plan(of).state.message == told["message"] == "1 image still lives here: a. Not moved: a (deactivated)"


def test_deleted_together_with_its_service_it_goes_first_once_it_is_empty() -> None:
    """The service waits for it, and rolls out nothing more."""
    ending = replace(API, stores={"central": "0a1b"}, ending=True)
    assert plan(view(deleted=True, api=ending, images=Residents(1, ("a",)))).state.reason == "InUse"
    assert isinstance(plan(view(deleted=True, api=ending, images=Residents())).step, LetGo)
