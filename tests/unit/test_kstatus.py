"""Our port of kstatus, against the rules that kstatus itself documents."""

from __future__ import annotations

from typing import Any

import pytest
from tests import support_kstatus


def body(*conditions: tuple[str, str], observed: int | None = 2, **meta: Any) -> dict[str, Any]:
    status: dict[str, Any] = {"conditions": [{"type": kind, "status": said} for kind, said in conditions]}
    if observed is not None:
        status["observedGeneration"] = observed
    return {"metadata": {"generation": 2, **meta}, "status": status}


@pytest.mark.parametrize(
    ("words", "one", "wanted"),
    [
        ("deleted", body(("Ready", "True"), deletionTimestamp="2026-01-01T00:00:00Z"), "Terminating"),
        ("an old generation", body(("Ready", "True"), observed=1), "InProgress"),
        ("nobody looked yet", body(observed=-1), "InProgress"),
        ("no status at all", {"metadata": {"generation": 2}}, "Current"),
        ("no generation in the status", body(("Ready", "False"), observed=None), "InProgress"),
        ("ready", body(("Ready", "True")), "Current"),
        ("not ready is never doomed", body(("Ready", "False")), "InProgress"),
        ("not known", body(("Ready", "Unknown")), "InProgress"),
        ("reconciling, though ready", body(("Ready", "True"), ("Reconciling", "True")), "InProgress"),
        ("stalled", body(("Ready", "False"), ("Reconciling", "False"), ("Stalled", "True")), "Failed"),
        ("the first abnormal one counts", body(("Stalled", "True"), ("Reconciling", "True")), "Failed"),
        ("only conditions of other names", body(("Imported", "False")), "Current"),
    ],
)
def test_what_kstatus_says(words: str, one: dict[str, Any], wanted: str) -> None:
    assert support_kstatus.compute(one) == wanted
