"""The metadata definitions of a GlanceAPI: which are made, left alone, taken away, and what is said."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.glanceapi.views import FOUND, NOW, but, done, everything, plan, running, view

from glance_operator.core import manifests
from glance_operator.core.attempts import anew, first
from glance_operator.core.conditions import Condition
from glance_operator.core.glanceapi import decide
from glance_operator.core.glanceapi.drawing import draw
from glance_operator.core.glanceapi.metadefs import condition, memory
from glance_operator.core.glanceapi.observed import Memory, View
from glance_operator.core.metadefs import Attempt, Define, Seen
from glance_operator.core.plan import Phase
from glance_operator.core.workload import Apply, Job, Object, Pod

A, B = '{"namespace": "A"}', '{"namespace": "B"}'
OTHER = {"namespace": "A", "description": "theirs", "owner": "them"}
AS_WRITTEN = {"namespace": "A", "visibility": "private", "protected": False, "owner": "us"}


def site(*maps: dict[str, str] | None, defaults: bool = True) -> dict[str, Any]:
    """Parts of a view: ConfigMaps m0, m1 and so on with these files; None is missing."""
    refs = [{"name": f"m{n}"} for n in range(len(maps))]
    found = {**FOUND, **{("ConfigMap", f"m{n}"): data for n, data in enumerate(maps)}}
    return {"spec": {"metadefs": {"defaults": defaults, "configMapRefs": refs}}, "found": found}


def serving(*maps: dict[str, str] | None, seen: Seen | None = None, ours: dict[str, str] | None = None) -> View:
    """A service at rest, Glance's own definitions loaded."""
    of = view(**site(*maps), memory=Memory(metadefs=ours or {}), metadefs=seen or Seen())
    return running(done(replace(of, in_place=everything)))


def said(of: View) -> Condition:
    return condition(of, *decide(of))


def step(of: View) -> Define | None:
    told = plan(of)
    assert told.state.phase is Phase.READY, "the service is none the worse"
    assert told.step is None or isinstance(told.step, Define)
    return told.step


def ours(of: View) -> dict[str, str]:
    return {one["namespace"]: one["configMap"] for one in memory(of)}


def test_one_that_is_not_there_is_written_down_and_made() -> None:
    of = serving({"a.json": A}, seen=Seen({"A": None}))
    found = step(of)
    assert found
    assert (found.namespace, found.new, [call.method for call in found.calls]) == ("A", True, ["POST"])
    assert plan(of).record
    assert ours(of) == {"A": "m0"}
    assert (said(of).status, said(of).reason) == ("False", "Defining")


def test_at_rest_nothing_is_done() -> None:
    of = serving({"a.json": A}, seen=Seen({"A": AS_WRITTEN}), ours={"A": "m0"})
    assert step(of) is None
    assert (said(of).status, said(of).message) == ("True", "Namespaces from ConfigMaps: 1")


@pytest.mark.parametrize("present", [OTHER, {**AS_WRITTEN, "owner": "admin"}], ids=["theirs", "Glance's own"])
def test_one_of_others_is_left_alone_and_named(present: dict[str, Any]) -> None:
    of = serving({"a.json": A, "b.json": B}, seen=Seen({"A": present, "B": None}))
    found = step(of)
    assert found
    assert found.namespace == "B", "it holds up no other"
    assert (said(of).reason, ours(of)) == ("NamespaceTaken", {"B": "m0"})
    assert "namespace A (ConfigMap m0, key a.json) is in Glance already" in said(of).message


def test_who_was_faster_keeps_it() -> None:
    """Between the look and the request somebody else has made it: what was written down is taken back."""
    of = serving({"a.json": A}, seen=Seen({"A": None}), ours={"A": "m0"})
    tried = step(of)
    assert tried
    attempts = {"A": (Attempt(tried.calls, "HTTP 409: exists", taken=True),)}
    of = replace(of, metadefs=Seen({"A": OTHER}, attempts=attempts))
    assert (step(of), said(of).reason, ours(of)) == (None, "NamespaceTaken", {})


def test_one_that_is_exactly_as_written_is_known_again_by_an_object_that_was_restored() -> None:
    of = serving({"a.json": A}, seen=Seen({"A": AS_WRITTEN}))
    assert (step(of), said(of).status, ours(of)) == (None, "True", {"A": "m0"})


@pytest.mark.parametrize(("maps", "due"), [([{}], True), ([None], True), ([], True), ([{"a.json": "{"}], False)])
def test_it_goes_with_its_key_its_config_map_or_its_entry_but_not_for_a_slip(
    maps: list[dict[str, str] | None], due: bool
) -> None:
    of = serving(*maps, seen=Seen({"A": {**AS_WRITTEN, "protected": True}}), ours={"A": "m0"})
    found = step(of)
    assert ([call.method for call in found.calls] if found else []) == (["PUT", "DELETE"] if due else [])
    assert ours(of) == {"A": "m0"}, "until it is gone"
    assert ours(replace(of, metadefs=Seen({"A": None}))) == ({} if due else {"A": "m0"})


def test_a_config_map_that_is_missing_is_awaited() -> None:
    of = serving(None, seen=Seen())
    assert said(of).reason == "InputMissing"
    assert "ConfigMap m0 (spec.metadefs.configMapRefs) does not exist: create it" in said(of).message


def test_one_that_moves_to_another_config_map_stays() -> None:
    of = serving({}, {"a.json": A}, seen=Seen({"A": AS_WRITTEN}), ours={"A": "m0"})
    assert (step(of), ours(of)) == (None, {"A": "m1"})


def test_of_two_the_first_counts() -> None:
    other = '{"namespace": "A", "visibility": "public"}'
    of = serving({"a.json": A}, {"x.json": other}, seen=Seen({"A": AS_WRITTEN}), ours={"A": "m0"})
    assert (step(of), said(of).reason) == (None, "NamespaceTwice")
    assert "ConfigMap m0, key a.json, and again in ConfigMap m1, key x.json" in said(of).message


def test_a_bad_file_is_named_and_holds_up_no_other() -> None:
    of = serving({"a.json": A, "b.json": '{"namespace": "B", "titel": ""}'}, seen=Seen({"A": None}))
    assert step(of)
    assert said(of).reason == "DefinitionInvalid"
    assert said(of).message == "ConfigMap m0, key b.json: titel: no such field"


@pytest.mark.parametrize(("words", "told"), [("HTTP 403: no", "Glance says: HTTP 403: no"), ("", "shows something")])
def test_what_did_not_help_is_not_sent_again_and_told(words: str, told: str) -> None:
    of = serving({"a.json": A}, seen=Seen({"A": None}))
    tried = step(of)
    assert tried
    of = replace(of, metadefs=Seen({"A": None}, attempts={"A": (Attempt(tried.calls, words),)}))
    assert (step(of), said(of).reason) == (None, "DefinitionRefused")
    assert told in said(of).message
    assert step(serving({"a.json": '{"namespace": "A", "protected": true}'}, seen=of.metadefs)), "but another is"


def test_while_glance_cannot_be_asked_nothing_is_forgotten() -> None:
    of = serving({"a.json": A}, seen=Seen(trouble="the cloud does not answer"), ours={"A": "m0", "OLD": "m0"})
    assert (step(of), ours(of)) == (None, {"A": "m0", "OLD": "m0"})
    assert (said(of).status, said(of).reason) == ("Unknown", "ServiceNotAsked")


def load_job(of: View) -> Object:
    return manifests.metadefs_job(draw(of).of)


def loading(of: View, **parts: Any) -> View:
    """The Job that loads Glance's own definitions is in this state."""
    name = manifests.database_name(draw(of).of, manifests.METADEFS)
    return replace(of, jobs={**of.jobs, name: Job(name, "database", **parts)})


def test_glances_own_are_loaded_beside_the_service_and_first() -> None:
    of = serving({"a.json": A}, seen=Seen({"A": None}))
    told = plan(done(of, "metadefs"))
    assert (told.state.phase, told.step) == (Phase.READY, first(of, load_job(of)))
    assert (step(loading(of)), said(loading(of)).reason) == (None, "Loading")
    assert step(loading(of, done=True))


def test_on_sqlite_they_are_loaded_before_anybody_else_writes() -> None:
    """Two writers at once can leave an import locked."""
    of = view({"database": {"sqlite": {}}, "replicas": 1}, found={})
    of = done(replace(of, in_place=but("StatefulSet")), "metadefs")
    told = plan(of)
    assert (told.state.phase, told.step) == (Phase.WORKING, first(of, load_job(of)))
    waits = plan(loading(of))
    assert (waits.state.phase, waits.state.reason, waits.step) == (Phase.WORKING, "Loading", None)
    for outcome in ({"done": True}, {"failed": True, "ended": NOW}):
        step = plan(loading(of, **outcome)).step
        assert isinstance(step, Apply)
        assert [one["kind"] for one in step.objects] == ["StatefulSet"]


def test_a_load_that_failed_is_told_and_tried_again_and_holds_up_nothing() -> None:
    of = serving({"a.json": A}, seen=Seen({"A": None}))
    failed = loading(of, failed=True, ended=NOW)
    (job,) = set(failed.jobs) - {name for name, one in of.jobs.items() if one.done and not failed.jobs[name].failed}
    failed = replace(failed, pods=(*of.pods, Pod("x", "database", job=job, words="no such table")))
    assert said(failed).reason == "LoadFailed"
    assert "no such table" in said(failed).message
    assert step(failed)
    assert plan(replace(failed, now=NOW + timedelta(minutes=1))).step == anew(failed, load_job(of), 2)


def test_an_image_without_any_is_not_asked_again_and_again() -> None:
    of = loading(serving(), failed=True, refused=True, ended=NOW)
    assert "set spec.metadefs.defaults to false" in said(of).message
    assert plan(replace(of, now=NOW + timedelta(hours=1))).step is None


@pytest.mark.parametrize("spec", [{"metadefs": {"defaults": False}}, "elsewhere"])
def test_they_are_not_loaded_where_that_is_not_wanted(spec: Any) -> None:
    if spec == "elsewhere":
        spec = {"database": {"connectionSecretRef": {"name": "db", "key": "connection"}, "manageSchema": False}}
    of = draw(view(spec)).of
    assert manifests.database_name(of, manifests.METADEFS) not in manifests.names(of)
    served = running(done(replace(view(spec), in_place=everything)))
    assert (step(served), said(served).status) == (None, "True")


def test_the_command_fails_where_there_is_nothing_to_load() -> None:
    command = json.dumps(load_job(view())["spec"]["template"]["spec"]["containers"][0]["command"])
    assert "ls /opt/glance/etc/glance/metadefs/*.json" in command
    assert "db load_metadefs --path /opt/glance/etc/glance/metadefs" in command
