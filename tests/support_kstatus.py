"""What kstatus makes of an object, after its own rules: Flux, Helm and kubectl-wait-alikes see our kinds through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def compute(body: Mapping[str, Any]) -> str:
    """Terminating, InProgress, Failed or Current. The first word wins, in the order of `status.conditions`."""
    meta, status = body.get("metadata") or {}, body.get("status") or {}
    if meta.get("deletionTimestamp"):
        return "Terminating"
    if "observedGeneration" in status and status["observedGeneration"] != meta.get("generation"):
        return "InProgress"
    conditions = {c["type"]: c["status"] for c in status.get("conditions") or ()}
    for kind, value in conditions.items():
        if kind in ABNORMAL and value == "True":
            return ABNORMAL[kind]
    return "InProgress" if conditions.get("Ready", "True") != "True" else "Current"


ABNORMAL = {"Reconciling": "InProgress", "Stalled": "Failed"}
