"""The claims of a GlanceAPI: how they grow, what is said about them, and which of them go with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.glanceapi.views import but, done, everything, plan, running, view

from glance_operator.core.claims import Claim, Grow
from glance_operator.core.conditions import Condition
from glance_operator.core.glanceapi.drawing import draw
from glance_operator.core.glanceapi.observed import View
from glance_operator.core.glanceapi.volumes import condition
from glance_operator.core.manifests import objects
from glance_operator.core.plan import LetGo, Phase
from glance_operator.core.workload import Apply, Remove

SHARED = {"staging": {"pvc": {"size": "20Gi"}}}
CACHE = {"cache": {"maxSize": "10Gi", "volumeSize": "24Gi"}}
REFUSAL = "the storageclass that provisions the pvc must support resize"
QUOTA = "exceeded quota: room"


def bound(name: str, size: str = "20Gi", **parts: Any) -> Claim:
    given = {"phase": "Bound", "asked": size, "there": size, "modes": ("ReadWriteMany",), **parts}
    return Claim(name, **given)


def serving(spec: dict[str, Any], *claims: Claim) -> View:
    return replace(running(done(replace(view(spec), in_place=everything))), claims=claims)


def with_template(of: View, **sizes: str) -> View:
    assert of.workload
    return replace(of, workload=replace(of.workload, volumes=sizes))


def template_size(of: View) -> str:
    (served,) = [one for one in objects(draw(of).of) if one["kind"] == "StatefulSet"]
    volumes = {one["name"]: one for one in served["spec"]["template"]["spec"]["volumes"]}
    size: str = volumes["cache"]["ephemeral"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"]
    return size


def test_a_claim_is_made_once() -> None:
    of = replace(view(SHARED), in_place=but("PersistentVolumeClaim"))
    step = plan(of).step
    assert isinstance(step, Apply)
    assert [one["metadata"]["name"] for one in step.objects] == ["glance-staging"]
    assert plan(replace(of, claims=(bound("glance-staging"),))).state.reason == "Proving", "it goes on"


def test_it_grows_before_anything_else_is_looked_at() -> None:
    of = replace(view({"staging": {"pvc": {"size": "30Gi"}}}, members=()), claims=(bound("glance-staging"),))
    assert plan(of).step == Grow((("glance-staging", "30Gi"),))
    assert plan(replace(of, finalized=False)).step != plan(of).step
    assert plan(replace(of, spec=view({**SHARED, "suspend": True}).spec)).step is None


def test_a_refused_growth_stops_nothing_and_is_told() -> None:
    of = serving({"staging": {"pvc": {"size": "30Gi"}}}, bound("glance-staging", refused=REFUSAL))
    assert plan(of).state.phase is Phase.READY
    told = condition(of)
    assert (told.status, told.reason) == ("False", "ResizeRefused")
    for words in ("glance-staging has 20Gi, wanted are 30Gi", REFUSAL, "allowVolumeExpansion", "claimName"):
        assert words in told.message


@pytest.mark.parametrize(
    ("claim", "reason", "words"),
    [
        (None, "Pending", "does not exist yet"),
        (Claim("glance-staging", words="ProvisioningFailed: no such class"), "Pending", "no such class"),
        (Claim("glance-staging", phase="Lost"), "Lost", "has no volume"),
        (bound("glance-staging", leaving=True), "Terminating", "is being deleted"),
        (bound("glance-staging", modes=("ReadWriteOnce",)), "NotShared", "claimName to one with ReadWriteMany"),
        (bound("glance-staging", there="10Gi"), "Resizing", "has 10Gi, wanted are 20Gi"),
        (bound("glance-staging", there="10Gi", words="Resizing: "), "Resizing", "Resizing"),
    ],
)
def test_what_is_wrong_with_a_claim_is_told(claim: Claim | None, reason: str, words: str) -> None:
    told = condition(serving(SHARED, *([claim] if claim else [])))
    assert (told.status, told.reason) == ("False", reason)
    assert words in told.message


def test_what_hinders_most_is_the_reason_and_all_is_told() -> None:
    spec = {**SHARED, **CACHE}
    claims = (bound("glance-staging", there="1Gi"), bound("glance-0-cache", "24Gi"), Claim("glance-1-cache"))
    told = condition(serving(spec, *claims))
    assert told.reason == "Pending"
    assert "glance-staging" in told.message
    assert "glance-0-cache" not in told.message


def test_all_is_well() -> None:
    assert condition(serving(SHARED, bound("glance-staging"))) == Condition("VolumesReady", "True", "Bound")
    assert condition(serving({})) == Condition("VolumesReady", "True", "NoClaims")
    theirs = {"staging": {"pvc": {"claimName": "theirs"}}}
    assert condition(serving(theirs)) == Condition("VolumesReady", "True", "NoClaims")


def test_caches_grow_under_running_pods_which_are_not_replaced_for_it() -> None:
    claims = [bound(f"glance-{number}-cache", "12Gi") for number in range(2)]
    of = with_template(serving(CACHE, *claims), cache="12Gi")
    assert plan(of).step == Grow((("glance-0-cache", "24Gi"), ("glance-1-cache", "24Gi")))
    assert template_size(of) == "12Gi"
    grown = replace(of, claims=tuple(replace(one, asked="24Gi", there="24Gi") for one in claims))
    assert template_size(grown) == "12Gi"
    assert plan(grown).state.phase is Phase.READY
    rolled = replace(grown, image="registry.example.org/glance:34")
    assert template_size(rolled) == "24Gi", "with what replaces the pods anyway the template follows"


def test_no_pod_is_replaced_for_a_cache_that_may_grow_later() -> None:
    claims = [bound(f"glance-{number}-cache", "12Gi", refused=QUOTA) for number in range(2)]
    of = with_template(serving(CACHE, *claims), cache="12Gi")
    assert template_size(of) == "12Gi", "its new volume would be refused, too"
    assert "asked again" in condition(of).message


def test_caches_that_cannot_grow_are_replaced_with_their_pods() -> None:
    claims = [bound(f"glance-{number}-cache", "12Gi", refused=REFUSAL) for number in range(2)]
    of = with_template(serving(CACHE, *claims), cache="12Gi")
    assert template_size(of) == "24Gi"
    assert "each with a new volume" in condition(of).message
    begun = with_template(replace(of, claims=(replace(claims[0], refused=""), claims[1])), cache="24Gi")
    assert template_size(begun) == "24Gi", "it does not turn back"


@pytest.mark.parametrize(
    ("policy", "gone"), [(None, ()), ("Retain", ()), ("Delete", ("glance-database", "glance-staging"))]
)
def test_claims_go_with_their_service_only_if_they_are_meant_to(policy: str | None, gone: tuple[str, ...]) -> None:
    claims = tuple(bound(f"glance-{word}") for word in ("staging", "database", "0-cache"))
    spec = {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": policy}} if policy else {}
    of = view(spec, deleted=True, claims=claims)
    wanted = Remove(tuple(("PersistentVolumeClaim", name) for name in gone)) if gone else LetGo()
    assert plan(of).step == wanted
    leaving = replace(of, claims=tuple(replace(claim, leaving=True) for claim in claims))
    assert plan(leaving).step == LetGo(), "pods use them until they are gone, too"
    assert plan(view({**spec, "suspend": True}, deleted=True, claims=claims)).step == LetGo()
