"""The tables against the real API server: what is taken, what is refused, and in which words."""

from __future__ import annotations

import pytest
from tests.crds.server import Answer, Server
from tests.crds.tables import ACCEPTED, CHANGES, REFUSED, Case

from glance_operator.api import KINDS

SPECS = {kind.kind: kind.spec for kind in KINDS}


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_taken(server: Server, case: Case) -> None:
    """The server takes it, keeps all of it, and our model reads what the server gives back."""
    stored = server.create(case.body).taken()["spec"]
    assert lost(case.body["spec"], stored) == []
    SPECS[case.kind].model_validate(stored)


def lost(wanted: object, stored: object, path: str = "spec") -> list[str]:
    """Paths of what was sent and is not there; defaults may have come in addition."""
    if isinstance(wanted, dict) and isinstance(stored, dict):
        return [p for key, value in wanted.items() for p in lost(value, stored.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(stored, list) and len(wanted) == len(stored):
        return [p for i, pair in enumerate(zip(wanted, stored, strict=True)) for p in lost(*pair, f"{path}[{i}]")]
    return [] if wanted == stored else [path]


@pytest.mark.parametrize("case", [*REFUSED, *CHANGES], ids=str)
def test_refused(answers: dict[str, Answer], case: Case) -> None:
    """The server refuses it at the place, and in the words, that the table says."""
    answer = answers[str(case)]
    assert answer.code == 422, answer.body
    assert [r for r in answer.refusals if r.field == case.at and case.says in r.text], answer.refusals


def test_the_tables_are_large_enough_to_mean_something() -> None:
    """Sentences are unique by being keys; here only a table that was cut by accident is caught."""
    assert len(ACCEPTED) + len(REFUSED) + len(CHANGES) >= 100
    assert len({str(case) for case in (*ACCEPTED, *REFUSED, *CHANGES)}) == len(ACCEPTED) + len(REFUSED) + len(CHANGES)
