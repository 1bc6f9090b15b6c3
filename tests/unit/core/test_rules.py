"""The rules of an Image: each scenario gets the answer it should, and no rule is there for nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.core.builders import (
    EXPECTED_ID,
    OUTAGE,
    URL,
    glance_image,
    later,
    memory,
    queued,
    spec,
    task,
    tried,
    view,
)
from tests.unit.core.scenarios import ALIVE, BOTH, EITHER, ENDING, MIRROR, MISSING, NO_COPY, Row, served

from glance_operator.core.image import RULES, content, decide, deletion, identity, limits, metadata, rollout, stores
from glance_operator.core.image.content import CreateImage, NextIncarnation
from glance_operator.core.image.memory import judged
from glance_operator.core.image.observed import Cause, Memory, View
from glance_operator.core.plan import Plan, Rule, Step, first_of

ALL = [*ALIVE, *ENDING]
NOT_BUILT: dict[str, Any] = {"source": {"http": {"url": URL, "refresh": "1h"}}}


def fits(step: Step | None, wanted: Step | type[Step] | None) -> bool:
    return isinstance(step, wanted) if isinstance(wanted, type) else step == wanted


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.words)
def test_what_is_to_be_done(row: Row) -> None:
    plan = decide(row.view)[1]
    assert plan.state.reason == row.reason, plan
    assert fits(plan.step, row.step), plan


def answer(rules: tuple[Rule[View], ...], row: Row) -> Plan | None:
    """None if nobody answers as it should be."""
    try:
        return first_of(rules, judged(row.view))
    except (LookupError, AssertionError):
        return None


@pytest.mark.parametrize(
    ("rules", "rows"), [(RULES, ALIVE), (deletion.RULES, ENDING)], ids=["while it lives", "at its end"]
)
def test_every_rule_answers_somewhere_and_is_missed(rules: tuple[Rule[View], ...], rows: list[Row]) -> None:
    answers = {row.words: answer(rules, row) for row in rows}
    for left_out in rules:
        fewer = tuple(rule for rule in rules if rule is not left_out)
        heard = [row.words for row in rows if answer((left_out,), row) == answers[row.words]]
        assert heard, f"{left_out.__name__} never answers"
        missed = [row.words for row in rows if answer(fewer, row) != answers[row.words]]
        assert missed, f"nobody misses {left_out.__name__}"


# Of two rules that both have something to say, who is heard. (words, view, first, second)
ORDER: list[tuple[str, View, Rule[View], Rule[View]]] = [
    (
        "suspension before what is not built",
        view(spec=spec(suspend=True, **NOT_BUILT), looked=False),
        limits.respect_suspension,
        limits.refuse_what_is_not_built,
    ),
    (
        "what is not built before the cloud",
        view(spec=spec(**NOT_BUILT), trouble=OUTAGE, looked=False),
        limits.refuse_what_is_not_built,
        limits.await_cloud,
    ),
    (
        "whose it is before what it lacks",
        view(image=queued(properties={identity.CLUSTER: "there"})),
        identity.only_what_is_ours,
        content.fetch,
    ),
    (
        "a running import before the refusal of its stores",
        view(spec=spec(stores={"names": ["nope"]}), image=queued(lock="t1")),
        content.await_running_import,
        content.refuse_what_cannot_work,
    ),
    (
        "the way out of a dead end before the pause between attempts",
        view(image=queued(lock="t1"), task=task("failure"), memory=Memory(attempts=1, next_attempt=later(9))),
        content.leave_dead_end,
        content.respect_retry_limit,
    ),
    (
        "other content before giving up on the old",
        view(image=queued(properties={identity.CONTENT: "other"}), memory=Memory(attempts=5)),
        content.start_over_with_other_content,
        content.respect_retry_limit,
    ),
    (
        "what cannot work before the object is held for it",
        view(spec=spec(stores={"names": ["nope"]}), finalized=False),
        content.refuse_what_cannot_work,
        limits.hold,
    ),
    ("held before anything is made", view(finalized=False), limits.hold, content.create),
    (
        "other content before its metadata",
        served(spec=spec(source={"http": {"url": MIRROR}}, name="noble")),
        rollout.begin,
        metadata.correct,
    ),
    (
        "a copy before the demand for it",
        view(spec=BOTH, image=glance_image()),
        stores.fill_missing,
        stores.demand_all,
    ),
]


@pytest.mark.parametrize(("words", "one", "first", "second"), ORDER, ids=[row[0] for row in ORDER])
def test_who_is_heard_first(words: str, one: View, first: Rule[View], second: Rule[View]) -> None:
    assert second(one) is not None, "both must have something to say, or there is nothing to test"
    assert first_of(RULES, one) == first(one)


def test_a_tuple_that_leaves_a_view_unanswered_is_a_bug() -> None:
    with pytest.raises(LookupError, match="last rule"):
        first_of(RULES[:-1], served())


# Answers whose timing or flags matter. (words, view, what the plan must have)
DETAILS: list[tuple[str, View, dict[str, object]]] = [
    ("a new id is written before it is used", served(image=None), {"record": True, "after": 0}),
    ("so is that the image is given up", view(image=queued(lock="t1"), task=task("failure")), {"record": True}),
    ("creating begins an import", view(), {"slot": True}),
    ("the first look follows quickly", view(image=queued()), {"slot": True, "after": None}),
    ("an object that will be imported is held in a slot", view(finalized=False), {"slot": True}),
    ("one that is served needs none", served(finalized=False), {"slot": False}),
    ("a copy needs a slot, and a record", served(spec=EITHER), {"slot": True, "after": None, "record": True}),
    ("a correction needs none", served(image=glance_image(name="focal")), {"slot": False}),
    ("a download passes", view(image=queued(lock="t1")), {"passing": True, "after": None}),
    ("somebody may reactivate it", served(image=glance_image(status="deactivated")), {"after": 60.0}),
    ("an unknown store may come", view(spec=spec(stores={"names": ["nope"]})), {"after": 60.0}),
    (
        "the next attempt is awaited to the second",
        view(image=queued(), memory=Memory(attempts=1, next_attempt=later(3))),
        {"after": 3.0, "passing": False},
    ),
    (
        "so is that of a store",
        served(spec=EITHER, memory=memory(stores={"dcn0": tried(1, 3)})),
        {"after": 3.0},
    ),
    (
        "a store that cannot be filled is no reason to look again",
        served(spec=EITHER, service=NO_COPY, memory=memory(stores={"dcn0": tried(1, -3)})),
        {"after": None},
    ),
    (
        "nor is one that was given up beside one that was not",
        view(
            spec=BOTH.model_copy(update={"stores": spec(stores={"all": {}, "allowFailure": False}).stores}),
            image=glance_image(),
            memory=memory(stores={"dcn0": tried(5, -3), "dcn1": tried(1, 7)}),
        ),
        {"after": 7.0},
    ),
    (
        "a lock without a task is looked at calmly",
        served(
            spec=EITHER,
            image=glance_image(lock="t0"),
            task=task(name="t0"),
            memory=memory(stores={"dcn0": tried(1, -3)}),
        ),
        {"after": 10.0},
    ),
    (
        "credentials that are gone are looked for until their time is over",
        served(
            looked=False, image=None, deleted_at=later(-296), trouble=MISSING, cause=Cause.MISSING,
            memory=memory(cloud_lost_since=later(-297)),
        ),
        {"after": 4.1},
    ),
    ("a short import is given its time", served(image=queued(lock="t1"), deleted_at=later(-29)), {"after": 1.0}),
]  # fmt: skip


@pytest.mark.parametrize(("words", "one", "wanted"), DETAILS, ids=[row[0] for row in DETAILS])
def test_how_it_is_to_be_done(words: str, one: View, wanted: dict[str, object]) -> None:
    plan: Plan = decide(one)[1]
    assert {name: getattr(plan, name) for name in wanted} == pytest.approx(wanted)


def test_an_image_is_made_private_unprotected_and_marked() -> None:
    wanted = spec(
        name="Ubuntu 22.04", visibility="public", protected=True, hidden=True, owner="p7", minDiskGB=4, minRAMMB=512,
        tags=["b", "a"], properties={"os_distro": "ubuntu"},
    )  # fmt: skip
    step = decide(view(spec=wanted))[1].step
    assert isinstance(step, CreateImage)
    assert step.hidden
    assert dict(step.attributes) == {
        "id": EXPECTED_ID,
        "name": "Ubuntu 22.04",
        "visibility": "private",
        "disk_format": "qcow2",
        "container_format": "bare",
        "owner": "p7",
        "min_disk": 4,
        "min_ram": 512,
        "os_hidden": True,
        "tags": ["a", "b"],
        "os_distro": "ubuntu",
        "glance_operator_cluster": "here",
        "glance_operator_owner": "default/jammy",
        "glance_operator_uid": view().uid,
        "glance_operator_content": content.content_hash(wanted),
    }


def test_sources_take_turns_with_each_attempt() -> None:
    one = spec(source={"http": {"url": URL, "mirrors": [MIRROR]}})
    taken = [content.url(view(spec=one, memory=Memory(attempts=n))) for n in range(4)]
    assert taken == [URL, MIRROR, URL, MIRROR]


def test_a_new_incarnation_has_nothing_to_call() -> None:
    assert isinstance(decide(view(burnt=True))[1].step, NextIncarnation)
