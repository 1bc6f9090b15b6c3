"""What is done about a GlanceAPI, from the first look to the service that serves, and where it stops on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.glanceapi.views import FOUND, NOW, but, done, everything, member, plan, running, view

from glance_operator.core.glanceapi.drawing import draw
from glance_operator.core.glanceapi.observed import Member
from glance_operator.core.manifests import Record, preflight_job
from glance_operator.core.manifests.plan import ATTEMPT, WISH
from glance_operator.core.past import Past
from glance_operator.core.plan import AddFinalizer, LetGo, Phase
from glance_operator.core.workload import Apply, Job, Pod, Remove, Touch


def kinds(step: object) -> list[str]:
    assert isinstance(step, Apply)
    return [one["kind"] for one in step.objects]


def test_it_is_held_before_anything_is_made_for_it() -> None:
    assert isinstance(plan(view(finalized=False)).step, AddFinalizer)


@pytest.mark.parametrize(
    ("parts", "reason", "words"),
    [
        ({"image": ""}, "ImageMissing", "spec.image"),
        ({"found": {}}, "InputMissing", "Secret db (spec.database.connectionSecretRef) does not exist"),
        ({"found": {("Secret", "db"): {"x": "1"}}}, "InputMissing", "has no key connection (it has: x)"),
        ({"members": ()}, "NoStore", "spec.glanceAPIRef.name: glance"),
        ({"members": (member("a", usable=False),)}, "StoresUnusable", "see their conditions"),
        ({"members": (member("a"), member("b"))}, "DefaultStoreAmbiguous", "a, b"),
        ({"members": (member("a"), member("b", id="a"))}, "DuplicateStoreID", "a (a and b)"),
        ({"members": (member("a", proven=None),)}, "ProofMissing", "a; they are proven again"),
    ],
)
def test_what_is_missing_is_named(parts: dict[str, Any], reason: str, words: str) -> None:
    told = plan(view(**parts)).state
    assert told.reason == reason
    assert words in told.message


@pytest.mark.parametrize(
    ("name", "reason"), [("nowhere", "DefaultStoreMissing"), ("slow", "DefaultStoreUnusable"), ("fast", "Configured")]
)
def test_the_default_store_is_awaited(name: str, reason: str) -> None:
    stores = (member("fast"), member("slow", usable=False))
    assert plan(view({"defaultStoreRef": {"name": name}}, members=stores)).state.reason == reason


def test_a_store_that_is_not_proven_stays_out_and_one_that_was_in_stays_in() -> None:
    stores = (member("a"), member("new", usable=False), member("old", usable=False))
    of = view({"defaultStoreRef": {"name": "a"}}, members=stores)
    assert [m.id for m in draw(of).members] == ["a"]
    of = replace(of, memory=replace(of.memory, stores=("a", "old")))
    assert [m.id for m in draw(of).members] == ["a", "old"]


def test_a_store_that_is_being_deleted_stays_while_anything_may_live_there() -> None:
    gone = member("old", deleted=True)
    of = view({"defaultStoreRef": {"name": "a"}}, members=(member("a"), gone))
    assert [m.id for m in draw(of).members] == ["a"], "it never was in"
    of = replace(of, memory=replace(of.memory, stores=("a", "old")))
    assert [m.id for m in draw(of).members] == ["a", "old"]
    of = replace(of, members=(member("a"), replace(gone, empty=True)))
    assert [m.id for m in draw(of).members] == ["a"]


def test_the_order_of_things() -> None:
    """Configuration, then what jobs need, a proof, the database, everything else; then nothing more."""
    of = view()
    assert kinds(plan(of).step) == ["Secret", "Secret"]
    of = replace(of, in_place=lambda one: one["kind"] == "Secret")
    assert kinds(plan(of).step) == ["ServiceAccount"]
    of = replace(of, in_place=but("StatefulSet"))
    assert plan(of).state.reason == "Proving"
    assert plan(done(of, "prepare", "contract")).state.reason == "Migrating"
    of = done(of, "contract")
    assert kinds(plan(of).step) == ["StatefulSet"]
    of = replace(of, in_place=everything)
    assert plan(running(of, ready=1)).state.reason == "Deploying"
    assert plan(running(of)).state.reason == "Migrating", "what only the old code needed goes last"
    assert plan(running(done(of))).state.phase is Phase.READY


def test_nothing_is_migrated_where_another_does_it() -> None:
    of = view(
        {"database": {**view().spec.database.model_dump(by_alias=True, exclude_none=True), "manageSchema": False}}
    )
    of = replace(of, in_place=everything)
    assert plan(running(done(of, "prepare", "contract"))).state.phase is Phase.READY


def test_a_configuration_that_glance_refuses_reaches_no_pod() -> None:
    of = replace(view(), in_place=but("StatefulSet"))
    name = preflight_job(draw(of).of)["metadata"]["name"]
    words = "Glance does not know these options: [wsgi] foo"
    pods = (Pod(f"{name}-x", "preflight", job=name, words=words),)
    told = plan(replace(of, pods=pods, jobs={name: Job(name, "preflight", failed=True, refused=True, ended=NOW)}))
    assert (told.state.phase, told.state.reason) == (Phase.STALLED, "ConfigRefused")
    assert words in told.state.message


def test_what_may_come_up_later_is_tried_again() -> None:
    of = replace(view(), in_place=but("StatefulSet"))
    name = preflight_job(draw(of).of)["metadata"]["name"]
    job = Job(name, "preflight", failed=True, ended=NOW)
    assert plan(replace(of, jobs={name: job})).state.reason == "ConfigRefused"
    assert plan(replace(of, jobs={name: job})).step is None
    step = plan(replace(of, jobs={name: job}, now=NOW + timedelta(minutes=1))).step
    assert isinstance(step, Remove)
    assert (step.objects, step.then[0]["metadata"]["name"]) == ((("Job", name),), name)


def test_a_proof_on_a_lost_node_says_so() -> None:
    of = replace(view(), in_place=but("StatefulSet"))
    name = preflight_job(draw(of).of)["metadata"]["name"]
    pods = (Pod(f"{name}-x", "preflight", job=name, node="node2", silent=True),)
    told = plan(replace(of, pods=pods, jobs={name: Job(name, "preflight")})).state
    assert "NodeLost: nothing is heard of it: node node2" in told.message


def test_troubles_of_pods_are_told() -> None:
    of = running(done(replace(view(), in_place=everything)), ready=1)
    pods = (of.pods[0], replace(of.pods[1], trouble="ImagePullBackOff: not found"))
    assert "glance-1: ImagePullBackOff: not found" in plan(replace(of, pods=pods)).state.message


def test_old_jobs_and_configurations_go_when_all_is_done() -> None:
    of = running(done(replace(view(), in_place=everything)))
    old = Job("glance-preflight-0000000000", "preflight", done=True)
    theirs = Job("glance-purge-28000000", "housekeeping", done=True)
    record = Record(configs=("c1", "c2", "c3", "c4"))
    of = replace(of, jobs={**of.jobs, old.name: old, theirs.name: theirs}, record=record)
    step = plan(of).step
    assert isinstance(step, Remove)
    assert step.objects == (("Job", old.name), ("Secret", "c3"), ("Secret", "c4"))
    assert Record.read(step.then[0]).configs == (draw(of).of.config, "c1", "c2")


def test_what_is_not_wanted_any_more_is_taken_away_when_the_pods_have_followed() -> None:
    """With Keystone nobody is kept out; before the pods ask it, everybody still has to be."""
    of = replace(view({"replicas": 1}), record=Record(extras=("Ingress/glance", "NetworkPolicy/glance")))
    assert draw(of).record.extras == ("CronJob/glance-purge", "Ingress/glance", "NetworkPolicy/glance")
    of = replace(of, in_place=everything)
    assert plan(running(done(of), ready=0)).step is None
    step = plan(running(done(of), ready=1, current=1)).step
    assert isinstance(step, Remove)
    assert step.objects == (("Ingress", "glance"),)
    assert Record.read(step.then[0]).extras == ("CronJob/glance-purge", "NetworkPolicy/glance")


def test_a_policy_is_handed_out_to_pods_that_run_with_another() -> None:
    of = running(done(replace(view(), in_place=everything)))
    of = replace(of, spec=view({"policy": {"get_image": "@"}}).spec)
    step = plan(of).step
    assert isinstance(step, Touch)
    assert step.pods == ("glance-0", "glance-1")
    assert draw(of).of.epoch == "", "and nothing starts anew"


def test_pods_start_anew_to_forget_a_rule_that_was_taken_away_once() -> None:
    of = replace(view(), record=Record(rules=("get_image",)))
    drawn = draw(of)
    assert drawn.of.epoch
    assert drawn.record.rules == ("get_image",), "until the pods have been told"
    of = running(done(replace(of, in_place=everything)))
    assert of.workload
    of = replace(of, workload=replace(of.workload, epoch=drawn.of.epoch))
    assert draw(of).record.rules == ()
    of = replace(of, record=Record())
    assert draw(of).of.epoch == drawn.of.epoch, "that was it"


def test_another_password_is_no_other_database() -> None:
    def jobs(connection: str) -> set[str]:
        of = done(view(found={**FOUND, ("Secret", "db"): {"connection": connection}}), "preflight")
        return set(of.jobs)

    assert jobs("mysql+pymysql://glance:one@db/glance") == jobs("mysql+pymysql://glance:two@db/glance")
    assert jobs("mysql+pymysql://glance:one@db/glance") != jobs("mysql+pymysql://glance:one@other/glance")


def test_deleted_it_waits_for_those_that_need_it() -> None:
    served = running(view()).workload
    assert plan(view(deleted=True, dependents=("Image a",), workload=served)).state.reason == "DependentsExist"
    assert isinstance(plan(view(deleted=True, dependents=("Image a",))).step, LetGo), "its pods are gone already"
    assert isinstance(plan(view(deleted=True)).step, LetGo)
    assert isinstance(plan(view({"suspend": True}, deleted=True, dependents=("Image a",), workload=served)).step, LetGo)


def test_suspended_nothing_is_touched() -> None:
    told = plan(view({"suspend": True}, finalized=False))
    assert (told.state.phase, told.step) == (Phase.PAUSED, None)


TWO = (member("central"), member("edge"))


@pytest.mark.parametrize(
    ("members", "default", "reason"),
    [
        (TWO, None, "DefaultStoreAmbiguous"),
        (TWO, "nowhere", "DefaultStoreMissing"),
        ((member("central"), member("edge", usable=False)), "edge", "DefaultStoreUnusable"),
        ((member("central"), member("edge", id="central")), "central", "DuplicateStoreID"),
        ((member("central", proven=None),), None, "ProofMissing"),
    ],
)
def test_the_last_good_configuration_stays_and_that_is_said(
    members: tuple[Member, ...], default: str | None, reason: str
) -> None:
    of = running(done(replace(view(), in_place=everything)))
    of = replace(of, memory=replace(of.memory, stores=("central",)), members=members, in_place=lambda _: False)
    of = replace(of, spec=view({"defaultStoreRef": {"name": default}} if default else {}).spec)
    told = plan(of)
    assert (told.step, told.state.reason) == (None, reason), "nothing is applied"
    assert "until then the service stays as it is" in told.state.message


def test_a_store_is_configured_as_it_was_proven_even_if_its_next_proof_has_failed() -> None:
    of = view(members=(member("central"),))
    before = draw(of).files
    of = replace(of, members=(member("central", usable=False),), memory=replace(of.memory, stores=("central",)))
    assert draw(of).files == before


def test_a_failed_proof_is_tried_again_at_once_when_somebody_asks_for_it() -> None:
    of = replace(view(), in_place=but("StatefulSet"))
    name = preflight_job(draw(of).of)["metadata"]["name"]
    job = Job(name, "preflight", failed=True, refused=True, ended=NOW, attempt=3, wish="1")
    past = Past("ConfigRefused", "no such option", wish="1")
    assert plan(replace(of, jobs={name: job}, past=past)).state.phase is Phase.STALLED
    of = replace(of, jobs={name: job}, past=replace(past, wish="1 now", retried=True))
    step = plan(of).step
    assert isinstance(step, Remove)
    assert step.then[0]["metadata"]["annotations"] == {ATTEMPT: "1", WISH: "1 now"}
