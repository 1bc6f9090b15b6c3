"""Conditions: their times move on flips only, and the three standard ones never contradict each other."""

from __future__ import annotations

import pytest

from glance_operator.core.conditions import FALSE, MESSAGE_LIMIT, TRUE, Condition, find, merged, standard, truth
from glance_operator.core.plan import Phase, State

OLD, NEW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def before(status: str, reason: str = "R", message: str = "") -> list[dict[str, object]]:
    return [
        {
            "type": "Ready",
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": OLD,
            "observedGeneration": 1,
        }
    ]


@pytest.mark.parametrize(
    ("words", "previous", "time"),
    [
        ("never said before", [], NEW),
        ("said the same", before("True"), OLD),
        ("another reason", before("True", "Other"), OLD),
        ("another message", before("True", "R", "said otherwise"), OLD),
        ("flipped", before("False"), NEW),
        ("unknown until now", before("Unknown"), NEW),
        ("without a time, by another hand", [{"type": "Ready", "status": "True"}], NEW),
    ],
)
def test_a_time_moves_when_the_status_flips(words: str, previous: list[dict[str, object]], time: str) -> None:
    (said,) = merged(previous, [Condition("Ready", TRUE, "R")], 1, NEW)
    assert said["lastTransitionTime"] == time


def test_saying_the_same_gives_the_same() -> None:
    assert merged(before("True"), [Condition("Ready", TRUE, "R")], 1, NEW) == before("True")


def test_another_generation_is_news() -> None:
    (said,) = merged(before("True"), [Condition("Ready", TRUE, "R")], 2, NEW)
    assert (said["observedGeneration"], said["lastTransitionTime"]) == (2, OLD)


def test_what_is_not_said_any_more_is_gone_and_the_order_is_ours() -> None:
    wanted = [Condition("B", FALSE, "R"), Condition("A", TRUE, "R")]
    assert [c["type"] for c in merged(before("True"), wanted, 1, NEW)] == ["B", "A"]


def test_a_message_is_cut_where_the_schema_would_refuse_it() -> None:
    (said,) = merged([], [Condition("Ready", FALSE, "R", "x" * (MESSAGE_LIMIT + 1))], 1, NEW)
    assert len(said["message"]) == MESSAGE_LIMIT


# phase, was Ready before -> Ready, Reconciling, Stalled
STANDARD = [
    (Phase.READY, False, ("True", "False", "False")),
    (Phase.WORKING, True, ("False", "True", "False")),
    (Phase.STALLED, True, ("False", "False", "True")),
    (Phase.PAUSED, True, ("True", "False", "False")),
    (Phase.PAUSED, False, ("False", "False", "False")),
]


@pytest.mark.parametrize(("phase", "was_ready", "wanted"), STANDARD)
def test_the_standard_conditions(phase: Phase, was_ready: bool, wanted: tuple[str, str, str]) -> None:
    said = standard(State(phase, "Because", "of that"), was_ready)
    assert tuple(c.status for c in said) == wanted
    assert [c.type for c in said] == ["Ready", "Reconciling", "Stalled"]
    ready, *abnormal = said
    assert (ready.reason, ready.message) == ("Because", "of that")
    for one in abnormal:
        quiet = (f"Not{one.type}", "")
        assert (one.reason, one.message) == (("Because", "of that") if one.status == "True" else quiet)


def test_every_phase_is_in_the_table() -> None:
    assert {row[0] for row in STANDARD} == set(Phase)


def test_finding_and_naming() -> None:
    assert find(before("True"), "Ready")["status"] == truth(True)
    assert find(before("True"), "Stalled") == {}
    assert truth(False) == "False"
