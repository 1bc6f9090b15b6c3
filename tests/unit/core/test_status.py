"""What is said about an Image: right for people, for kstatus, and not one write more than there is news."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from tests import support_kstatus
from tests.unit.core.builders import (
    EXPECTED_ID,
    NOW,
    URL,
    body_of,
    glance_image,
    later,
    marker,
    memory,
    queued,
    read_again,
    spec,
    task,
    tried,
    view,
)
from tests.unit.core.scenarios import ALIVE, EITHER, ENDING, Row, served

from glance_operator.api.image import ImageStatus
from glance_operator.core.conditions import find
from glance_operator.core.image import decide
from glance_operator.core.image.memory import text
from glance_operator.core.image.observed import Cause, Memory, View
from glance_operator.core.image.sizes import human
from glance_operator.core.image.status import status
from glance_operator.core.past import RETRY_ANNOTATION
from glance_operator.core.plan import Phase, State

ALL = [*ALIVE, *ENDING]
WAY_OUT = re.compile(r"\b(correct|enable|remove|restore|reactivate|check|delete|create|set|use)\b")


def after(one: View, old: dict[str, Any] | None = None) -> dict[str, Any]:
    """The object after a pass over `one` whose status was `old`."""
    body = body_of(one, old)
    return body | {"status": status(*decide(one), body)}


def first(one: View) -> dict[str, Any]:
    """The same, where an Image that was Ready once starts from the status it had then."""
    return after(one, after(served(spec=one.spec))["status"] if one.memory.was_ready else None)


def conditions(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {c["type"]: c for c in body["status"]["conditions"]}


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.words)
class TestEveryScenario:
    def test_kstatus_sees_it_as_we_mean_it(self, row: Row) -> None:
        assert support_kstatus.compute(first(row.view)) == row.kstatus

    def test_two_standard_conditions_are_true_only_while_a_successor_is_made_ready(self, row: Row) -> None:
        said = conditions(first(row.view))
        trues = [kind for kind in ("Ready", "Reconciling", "Stalled") if said[kind]["status"] == "True"]
        assert len(trues) <= (2 if said["Ready"]["reason"] == "RollingOut" else 1)
        assert trues != ["Reconciling", "Stalled"]

    def test_what_is_not_ready_is_explained(self, row: Row) -> None:
        said = conditions(first(row.view))
        if said["Ready"]["status"] != "True":
            assert len(said["Ready"]["message"]) > 8
        if said["Stalled"]["status"] == "True":
            assert WAY_OUT.search(said["Stalled"]["message"]), said["Stalled"]["message"]

    def test_the_status_is_what_the_schema_knows(self, row: Row) -> None:
        said = first(row.view)["status"]
        # unknown fields are dropped on reading: comparing shows them
        assert ImageStatus.model_validate(said).model_dump(by_alias=True, mode="json", exclude_none=True) == said
        assert all(re.fullmatch("[A-Z][A-Za-z]+", c["reason"]) for c in said["conditions"])


@pytest.mark.parametrize("row", [row for row in ALL if row.step is None], ids=lambda row: row.words)
def test_where_nothing_is_done_a_second_pass_has_nothing_to_write(row: Row) -> None:
    body = first(row.view)
    second = replace(read_again(row.view, body), now=later(0.4))
    assert after(second, body["status"]) == body


SERVED_FULLY = {
    "id": EXPECTED_ID,
    "incarnation": 1,
    "name": "jammy",
    "owner": "p1",
    "glanceStatus": "active",
    "sizeBytes": 1536,
    "size": "1.5 KiB",
    "virtualSizeBytes": 4096,
    "checksum": {"algorithm": "sha512", "value": "ab"},
    "content": {"hash": marker()["glance_operator_content"], "source": URL},
    "applied": {"stores": ["central"]},
    "storesReady": "1/1",
    "progress": "100%",
    "stores": [{"name": "central", "status": "True", "reason": "Present", "lastTransitionTime": text(NOW)}],
    "attempt": {"taskID": "t0"},
    "observedGeneration": 1,
}


def test_a_served_image_in_full() -> None:
    image = glance_image(virtual_size=4096, hash_algo="sha512", hash_value="ab")
    said = after(served(image=image))["status"]
    reasons = {c["type"]: (c["status"], c["reason"]) for c in said.pop("conditions")}
    assert said == SERVED_FULLY
    assert reasons == {
        "Ready": ("True", "Available"),
        "Reconciling": ("False", "NotReconciling"),
        "Stalled": ("False", "NotStalled"),
        "Imported": ("True", "Imported"),
        "Verified": ("Unknown", "NoChecksum"),
        "StoresReady": ("True", "AllStores"),
        "MetadataSynced": ("True", "Synced"),
        "UpToDate": ("True", "UpToDate"),
        "CloudReady": ("True", "Reachable"),
    }


# (words, view, type of a condition, its status and reason)
OWN_CONDITIONS: list[tuple[str, View, str, tuple[str, str]]] = [
    ("nothing there", view(), "Imported", ("False", "Creating")),
    ("nothing there: metadata", view(), "MetadataSynced", ("Unknown", "NotImported")),
    ("nothing there: content", view(), "UpToDate", ("Unknown", "NotImported")),
    ("a copy runs", view(spec=EITHER, image=glance_image(lock="t")), "StoresReady", ("False", "Importing")),
    (
        "one of two, and one is enough",
        served(spec=EITHER, memory=memory(stores={"dcn0": tried(1, 3)})),
        "StoresReady",
        ("False", "PartialFailure"),
    ),
    ("renamed", served(image=glance_image(name="x")), "MetadataSynced", ("False", "Pending")),
    (
        "renamed, reported",
        served(spec=spec(driftPolicy="Report"), image=glance_image(name="x")),
        "MetadataSynced",
        ("False", "Drifted"),
    ),
    (
        "other content",
        served(image=glance_image(properties={"glance_operator_content": "x"})),
        "UpToDate",
        ("False", "RollingOut"),
    ),
]


@pytest.mark.parametrize(("words", "one", "kind", "wanted"), OWN_CONDITIONS, ids=[r[0] for r in OWN_CONDITIONS])
def test_the_kinds_own_conditions(words: str, one: View, kind: str, wanted: tuple[str, str]) -> None:
    said = conditions(first(one))[kind]
    assert (said["status"], said["reason"]) == wanted


# (words, view, what status.stores says of dcn0)
STORES: list[tuple[str, View, dict[str, object]]] = [
    ("being filled", view(spec=EITHER, image=glance_image(lock="t")), {"status": "False", "reason": "Importing"}),
    ("not begun", view(spec=EITHER, image=queued()), {"status": "False", "reason": "Pending"}),
    (
        "failed",
        served(spec=EITHER, memory=memory(stores={"dcn0": tried(2, 3)})),
        {"status": "False", "reason": "ImportFailed", "attempts": 2, "nextAttemptTime": text(later(3))},
    ),
    (
        "unknown to the service",
        view(spec=spec(stores={"names": ["dcn0"]}), service=replace(view().service, stores=("central",))),
        {"status": "False", "reason": "UnknownStore"},
    ),
    (
        "filled after failures",
        served(
            spec=EITHER, image=glance_image(stores=("central", "dcn0")), memory=memory(stores={"dcn0": tried(2, -3)})
        ),
        {"status": "True", "reason": "Present", "attempts": None, "nextAttemptTime": None},
    ),
    (
        "without content, between attempts",
        view(spec=EITHER, image=queued(), memory=Memory(attempts=1, next_attempt=later(3))),
        {"status": "False", "reason": "ImportFailed"},
    ),
]


@pytest.mark.parametrize(("words", "one", "wanted"), STORES, ids=[row[0] for row in STORES])
def test_a_store_in_words(words: str, one: View, wanted: dict[str, object]) -> None:
    (dcn0,) = (s for s in after(one)["status"]["stores"] if s["name"] == "dcn0")
    assert {name: dcn0.get(name) for name in wanted} == wanted


def test_a_store_keeps_its_time_until_it_changes() -> None:
    waiting = view(spec=EITHER, image=queued(lock="t"))
    body = after(waiting)
    filled = replace(read_again(waiting, body), now=later(60), image=glance_image(stores=("central",), lock="t"))
    times = {s["name"]: s["lastTransitionTime"] for s in after(filled, body["status"])["status"]["stores"]}
    assert times == {"central": text(later(60)), "dcn0": text(NOW)}


def test_a_retry_is_noted_as_handled() -> None:
    one = served()
    body = body_of(one)
    body["metadata"]["annotations"] = {RETRY_ANNOTATION: "again"}
    assert status(*decide(one), body)["lastHandledRetry"] == "again"


def test_the_next_incarnation_starts_with_a_clean_slate() -> None:
    body = first(served(image=None))
    said = {name: value for name, value in body["status"].items() if name != "conditions"}
    assert said == {"observedGeneration": 1, "incarnation": 2, "storesReady": "0/1", "attempt": {"taskID": "t0"}}
    again = read_again(served(image=None), body)
    assert (again.memory.incarnation, again.memory.id) == (2, "")


def test_what_we_set_stays_ours_until_it_is_removed() -> None:
    wanted = spec(properties={"b": "2"}, tags=["y"])
    old = memory(applied_properties=frozenset({"a"}), applied_tags=frozenset({"x"}))
    properties = {"a": "1", "b": "2"}
    before = served(spec=wanted, memory=old, image=glance_image(properties=properties, tags=frozenset({"x", "y"})))
    assert after(before)["status"]["applied"] == {"properties": ["a", "b"], "tags": ["x", "y"], "stores": ["central"]}
    done = served(spec=wanted, memory=old, image=glance_image(properties={"b": "2"}, tags=frozenset({"y"})))
    assert after(done)["status"]["applied"] == {"properties": ["b"], "tags": ["y"], "stores": ["central"]}


def test_the_cloud_s_trouble_leaves_the_rest_as_it_was() -> None:
    before = first(served())
    (row,) = (row for row in ALIVE if row.words == "the cloud is down while the image is served")
    body = after(row.view, before["status"])
    assert conditions(body).keys() == conditions(before).keys()
    changed = {kind for kind, c in conditions(body).items() if c != conditions(before)[kind]}
    assert changed == {"CloudReady"}
    assert {k: v for k, v in body["status"].items() if k != "conditions"} == {
        k: v for k, v in before["status"].items() if k != "conditions"
    }


def test_without_its_service_an_image_is_not_served() -> None:
    before = first(served())
    (row,) = (row for row in ALIVE if row.words == "the cloud is down while the image is served")
    gone = State(Phase.WORKING, "APIGone", "GlanceAPI glance (spec.glanceAPIRef) does not exist")
    told = conditions(after(replace(row.view, trouble=gone, cause=Cause.MISSING), before["status"]))
    assert {kind: (told[kind]["status"], told[kind]["reason"]) for kind in ("Ready", "CloudReady")} == {
        "Ready": ("False", "APIGone"),
        "CloudReady": ("False", "APIGone"),
    }


def test_a_failed_task_is_told_once_and_with_its_number() -> None:
    failed = view(image=queued(failed=("central",)), task=task("failure"))
    body = after(failed)
    assert "Attempt 1 of 5" in find(body["status"]["conditions"], "Ready")["message"]
    assert body["status"]["attempt"]["count"] == 1


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1024**2, "1 MiB"),
        (2252 * 1024**2, "2.2 GiB"),
        (1024**3 * 1024, "1 TiB"),
        (5 * 1024**6, "5120 PiB"),
    ],
)
def test_sizes_for_people(size: int, wanted: str) -> None:
    assert human(size) == wanted
