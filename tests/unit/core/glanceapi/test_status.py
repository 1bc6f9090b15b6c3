"""What is said about a GlanceAPI in the states that it goes through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.core.glanceapi.views import CONNECTION, but, done, everything, member, running, view

from glance_operator.core.glanceapi import decide
from glance_operator.core.glanceapi.observed import View
from glance_operator.core.glanceapi.status import recall, status
from glance_operator.core.manifests import preflight_job
from glance_operator.core.past import RETRY_ANNOTATION
from glance_operator.core.workload import Job, Pod


def said(of: View, before: dict[str, Any] | None = None) -> dict[str, Any]:
    drawn, plan = decide(of)
    return status(of, drawn, plan, {"metadata": {"generation": 1}, "status": before or {}})


def states(of: View) -> dict[str, str]:
    """Type -> status/reason of the kind's own conditions."""
    return {one["type"]: f"{one['status']}/{one['reason']}" for one in said(of)["conditions"]}


def serving(spec: dict[str, Any] | None = None) -> View:
    return running(done(view(spec, in_place=everything)))


def test_each_condition_speaks_of_its_own_part() -> None:
    missing = states(view(found={}))
    assert missing["StoresReady"] == "True/StoresReady"
    assert missing["ConfigReady"] == "False/InputMissing"
    assert missing["DatabaseReady"] == "Unknown/NotReached"
    assert missing["WorkloadReady"] == "False/NotDeployed"
    without = states(view(members=()))
    assert (without["StoresReady"], without["ConfigReady"]) == ("False/NoStore", "Unknown/NotReached")
    migrating = states(done(replace(view(), in_place=but("StatefulSet")), "prepare"))
    assert (migrating["ConfigReady"], migrating["DatabaseReady"]) == ("True/ConfigReady", "False/Migrating")


def test_all_is_well() -> None:
    told = states(serving())
    assert {kind: state for kind, state in told.items() if not state.startswith("True/")} == {
        "Reconciling": "False/NotReconciling",
        "Stalled": "False/NotStalled",
    }


def test_old_pods_serve_on_while_a_new_configuration_is_refused() -> None:
    of = serving()
    found = {("Secret", "db"): {"connection": CONNECTION.replace("mariadb", "other")}}
    of = replace(of, found=found, jobs={})
    drawn, _ = decide(of)
    assert drawn
    name = preflight_job(drawn.of)["metadata"]["name"]
    of = replace(
        of,
        jobs={name: Job(name, "preflight", failed=True, refused=True)},
        pods=(*of.pods, Pod("x", "preflight", job=name, words="[wsgi] foo")),
    )
    told = states(of)
    assert (told["ConfigReady"], told["WorkloadReady"]) == ("False/ConfigRefused", "True/PodsReady")
    assert told["EndpointReady"] == "True/Serving"
    assert said(of)["readyReplicas"] == 2


def test_the_first_word_of_the_pods_trouble_is_the_reason() -> None:
    of = running(done(replace(view(), in_place=everything)), ready=1)
    pods = (of.pods[0], replace(of.pods[1], trouble="ImagePullBackOff: not found"))
    assert states(replace(of, pods=pods))["WorkloadReady"] == "False/ImagePullBackOff"


def test_what_is_for_trials_says_so() -> None:
    told = said(view({"database": {"sqlite": {}}, "replicas": 1}, found={}))
    words = {one["type"]: one["message"] for one in told["conditions"]}
    assert "not for production" in words["AuthReady"]


def test_a_trial_that_runs_says_so_too() -> None:
    spec = {"database": {"sqlite": {}}, "replicas": 1}
    told = {one["type"]: one for one in said(running(done(view(spec, in_place=everything)), ready=1))["conditions"]}
    for kind in ("AuthReady", "DatabaseReady"):
        assert told[kind]["status"] == "True"
        assert "not for production" in told[kind]["message"]


def test_a_lost_node_is_named_with_what_to_do() -> None:
    of = running(done(view(in_place=everything)), ready=1)
    of = replace(of, pods=(of.pods[0], replace(of.pods[1], node="node2", silent=True)))
    told = {one["type"]: one for one in said(of)["conditions"]}
    assert (told["WorkloadReady"]["status"], told["WorkloadReady"]["reason"]) == ("False", "NodeLost")
    assert (
        "1 of 2 pods serve; glance-1: NodeLost: nothing is heard of it: node node2" in told["WorkloadReady"]["message"]
    )
    assert "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute" in told["Ready"]["message"]
    assert told["EndpointReady"]["status"] == "True", "the other one serves"


def test_the_stores_are_those_that_the_pods_know() -> None:
    of = serving()
    told = said(of)
    assert [(one["name"], one["default"]) for one in told["stores"]] == [("central", True)]
    assert recall({"status": told}).stores == ("central",)
    more = replace(of, members=(*of.members, member("edge")), spec=view({"defaultStoreRef": {"name": "central"}}).spec)
    later = said(more, told)
    assert later["stores"] == told["stores"], "until they have been rolled out"
    assert later["storesReady"] == "2/2"


def test_each_store_tells_what_of_it_is_used() -> None:
    told = said(serving())
    assert told["stores"][0]["hash"] == "0a1b"
    of = replace(serving(), members=(member("central", hash="2c3d"),), workload=None)
    assert said(of, told)["stores"][0]["hash"] == "0a1b", "until the pods have it"


def test_a_retry_is_answered() -> None:
    of = serving()
    drawn, plan = decide(of)
    meta = {"generation": 1, "annotations": {RETRY_ANNOTATION: "now"}}
    assert status(of, drawn, plan, {"metadata": meta, "status": {}})["lastHandledRetry"] == "now"


def test_a_status_that_says_the_same_is_the_same() -> None:
    of = serving()
    told = said(of)
    assert said(replace(of, memory=recall({"status": told})), told) == told


def test_nothing_of_a_secret_is_in_the_status() -> None:
    assert "s3cret" not in str(said(serving()))
