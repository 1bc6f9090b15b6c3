"""Stores that are to be emptied: what is remembered of them, what is said, and when the next attempt is due."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import FULL, body_of, glance_image, later, memory, queued, read_again, spec, task, view
from tests.unit.core.scenarios import EITHER, served
from tests.unit.core.scenarios.leaving import DRAINS, EMPTY, FILLED, ONE, left, placed, refused

from glance_operator.core.conditions import find
from glance_operator.core.image import decide, removal, stores
from glance_operator.core.image.memory import recall, text
from glance_operator.core.image.observed import Memory, View
from glance_operator.core.image.refusals import explain
from glance_operator.core.image.status import status
from glance_operator.core.plan import Plan

READ_ONLY = "You cannot delete file"


def said(one: View, plan: Plan | None = None, old: dict[str, Any] | None = None) -> dict[str, Any]:
    seen, decided = decide(one)
    return status(seen, plan or decided, body_of(one, old))


def entry(found: dict[str, Any], name: str = "dcn1") -> dict[str, Any]:
    return next((one for one in found["stores"] if one["name"] == name), {})


def refused_now(one: View) -> Plan:
    return explain(one, EMPTY, 500, READ_ONLY)


class TestWhatIsOurs:
    def test_a_store_stays_ours_until_it_is_empty(self) -> None:
        before = said(served(spec=spec(stores={"names": ["central", "dcn1"]}), image=placed("central", "dcn1")))
        assert before["applied"]["stores"] == ["central", "dcn1"]
        one = read_again(left(placed("central", "dcn1")), body_of(view(), before))
        found = said(one)
        assert (decide(one)[1].step, found["applied"]["stores"]) == (EMPTY, ["central", "dcn1"])
        done = read_again(left(placed("central")), body_of(view(), found))
        assert (decide(done)[1].step, said(done)["applied"]["stores"]) == (None, ["central"])
        assert entry(said(done)) == {}

    def test_so_does_one_that_an_import_was_asked_to_fill_before_the_spec_changed(self) -> None:
        running = view(spec=EITHER, image=queued(lock="t1"))
        begun = said(running)
        again = read_again(replace(running, spec=ONE, generation=2), body_of(running, begun))
        while_it_runs = said(again)
        assert while_it_runs["applied"]["stores"] == ["dcn0"]
        assert said(read_again(again, body_of(again, while_it_runs))) == while_it_runs
        over = read_again(replace(again, image=placed("central", "dcn0")), body_of(again, while_it_runs))
        assert decide(over)[1].step == replace(EMPTY, store="dcn0")

    def test_what_was_named_once_goes_when_nothing_is_named_any_more(self) -> None:
        named = served(spec=spec(stores={"names": ["central", "dcn1"]}), image=placed("central", "dcn1"))
        locked = placed("central", "dcn1", lock="t0")
        unnamed = replace(named, spec=spec(), generation=2, image=locked, task=task(name="t0"))
        first = said(read_again(unnamed, body_of(unnamed, said(named))))
        assert entry(first)["reason"] == "Removing"
        assert first["applied"]["stores"] == ["central", "dcn1"]
        later_on = read_again(replace(unnamed, image=placed("central", "dcn1")), body_of(unnamed, first))
        assert decide(later_on)[1].step == EMPTY

    def test_another_default_store_is_filled_and_the_old_one_stays(self) -> None:
        before = said(served())
        moved = replace(served(image=placed("central", "dcn1")), service=replace(FULL, default_store="dcn1"))
        again = read_again(moved, body_of(moved, before))
        found = said(again)
        assert (decide(again)[1].step, found["applied"]["stores"]) == (None, ["dcn1"])
        retagged = replace(
            moved, spec=spec(tags=["a"]), generation=2, image=placed("central", "dcn1", tags=frozenset("a"))
        )
        assert decide(read_again(retagged, body_of(retagged, found)))[1].step is None

    def test_what_others_have_filled_is_not(self) -> None:
        one = left(placed("central", "dcn1"), memory=memory())
        assert said(one)["applied"]["stores"] == ["central"]

    def test_nothing_is_ours_of_an_image_that_is_made_anew(self) -> None:
        body = body_of(served(), said(served(image=None)))
        assert recall(body).filled == frozenset()


class TestRefused:
    def test_it_is_told_and_the_image_stays_ready(self) -> None:
        one = left(placed("central", "dcn1"))
        found = said(one, refused_now(one))
        assert find(found["conditions"], "Ready")["status"] == "True"
        assert find(found["conditions"], "StoresReady")["status"] == "True"
        told = entry(found)
        assert (told["status"], told["reason"], told["attempts"]) == ("True", "RemovalRefused", 1)
        assert told["message"].startswith(f"Glance refuses to remove it (HTTP 500): {READ_ONLY}; check that the store")
        assert text(later(3)) < told["nextAttemptTime"] <= text(later(7))

    def test_it_is_tried_again_in_its_time_and_not_before(self) -> None:
        one = left(placed("central", "dcn1"))
        body = body_of(one, said(one, refused_now(one)))
        again = read_again(one, body)
        plan = decide(again)[1]
        assert (plan.step, plan.state.reason) == (None, "RemovalRefused")
        assert READ_ONLY in plan.state.message
        assert plan.after is not None
        assert 0 < plan.after <= 7
        assert said(again, old=body["status"]) == body["status"], "nothing is new"
        assert decide(replace(again, now=later(8)))[1].step == EMPTY

    def test_each_pause_is_longer(self) -> None:
        one = left(placed("central", "dcn1"), memory=memory(filled=FILLED, stores=refused(6, -1)))
        assert entry(said(one, refused_now(one)))["attempts"] == 7
        assert (refused_now(one).after or 0) > 200

    def test_a_failed_copy_elsewhere_does_not_make_it_forgotten(self) -> None:
        kept = refused(3, 9)
        one = left(placed("central", "dcn1"), spec=EITHER, memory=memory(filled=FILLED, stores=kept))
        seen, _ = decide(replace(one, task=task("failure", "t7")))
        assert seen.memory.stores["dcn1"] == kept["dcn1"]
        assert seen.memory.stores["dcn0"].attempts == 1


@pytest.mark.parametrize(
    ("words", "one", "told"),
    [
        ("locked", left(placed("central", "dcn1", lock="t0")), "locked"),
        ("unknown", left(placed("central", "dcn1"), service=replace(FULL, stores=("central",))), "add it again"),
        ("too early", left(placed("central", "dcn1"), spec=EITHER), "first the data must be in dcn0"),
        ("deactivated", left(placed("central", "dcn1", status="deactivated")), "has to be active"),
        (
            "protected",
            served(image=placed("central", "dcn1", protected=True), spec=spec(protected=True), draining=DRAINS),
            "set spec.protected to false",
        ),
    ],
)
def test_what_keeps_a_store_from_being_emptied_is_told(words: str, one: View, told: str) -> None:
    found = entry(said(one))
    assert (found["status"], found["reason"]) == ("True", "Removing")
    assert told in found["message"]


class TestDraining:
    def test_a_store_that_is_drained_is_no_target(self) -> None:
        one = served(spec=spec(stores={"names": ["central", "dcn1"]}), draining=DRAINS)
        found = said(one)
        assert (found["storesReady"], entry(found)["reason"]) == ("1/1", "StoreDraining")
        assert find(found["conditions"], "StoresReady")["reason"] == "StoreDraining"
        assert find(found["conditions"], "Ready")["status"] == "True"

    def test_even_when_its_service_has_it_no_longer(self) -> None:
        gone = replace(FULL, stores=("central", "dcn0"))
        assert stores.unknown(view(spec=spec(stores={"names": ["dcn1"]}), service=gone, draining=DRAINS)) == ()
        assert stores.unknown(view(spec=spec(stores={"names": ["dcn1"]}), service=gone)) == ("dcn1",)

    @pytest.mark.parametrize(
        ("wish", "targets"),
        [
            ({"names": ["dcn0", "dcn1"]}, ("dcn0",)),
            ({"names": ["dcn1"]}, ("central",)),
            ({"all": {}}, ("central", "dcn0")),
            ({"all": {"except": ["central", "dcn0"]}}, ("central",)),
            (None, ("central",)),
        ],
    )
    def test_where_the_data_goes_instead(self, wish: dict[str, Any] | None, targets: tuple[str, ...]) -> None:
        assert stores.targets(view(spec=spec(stores=wish), draining=DRAINS)) == targets

    def test_nowhere_when_the_default_store_is_drained_too(self) -> None:
        one = view(spec=spec(stores={"names": ["dcn1"]}), draining=DRAINS | {"central"})
        assert stores.targets(one) == ()

    def test_all_stores_are_ready_without_it(self) -> None:
        one = served(spec=spec(stores={"all": {}}), image=placed("central", "dcn0"), draining=DRAINS)
        assert find(said(one)["conditions"], "StoresReady")["status"] == "True"


@pytest.mark.parametrize(
    ("words", "one", "present"),
    [
        ("named", served(spec=EITHER), False),
        ("left out", served(spec=spec(stores={"names": ["dcn0"]}), image=placed("dcn0")), True),
        ("excepted", served(spec=spec(stores={"all": {"except": ["central"]}}), image=placed("dcn0", "dcn1")), True),
        ("no default", served(service=replace(FULL, default_store="")), False),
        ("it is drained", served(spec=spec(stores={"names": ["dcn0"]}), draining=frozenset({"central"})), False),
    ],
)
def test_no_copy_at_the_default_store_is_said_and_nothing_more(words: str, one: View, present: bool) -> None:
    told = find(said(one)["conditions"], removal.NO_CENTRAL_COPY)
    assert (told.get("status") == "True") is present
    if present:
        assert find(said(one)["conditions"], "Ready")["status"] == "True"


def test_it_is_looked_at_again_when_it_may_have_changed() -> None:
    one = left(placed("central", "dcn1", lock="t0"), task=task(name="t0"))
    assert (removal.until_next(one) or 0) > 60
    assert removal.until_next(served(image=glance_image(), memory=Memory())) is None
