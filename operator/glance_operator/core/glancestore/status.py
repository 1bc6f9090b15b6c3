"""What is said about a GlanceStore: the whole status, computed afresh at each look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from glance_operator.api.base import bytes_of, quantity_of
from glance_operator.core.conditions import FALSE, TRUE, UNKNOWN, Condition, find, merged, standard
from glance_operator.core.glancestore.observed import Memory, View
from glance_operator.core.glancestore.rules import draining, drains, in_use
from glance_operator.core.past import retry_wanted
from glance_operator.core.plan import Plan
from glance_operator.core.workload import words_of

PROVEN = "An object was written, read and removed"
NEWS = 0.05  # of the whole room: when less of it has come or gone, nothing is written


def recall(body: Mapping[str, Any]) -> Memory:
    """From the object as the API server gives it."""
    status = body.get("status") or {}
    conditions, probe = status.get("conditions") or (), status.get("probe") or {}
    return Memory(
        was_ready=find(conditions, "Ready").get("status") == TRUE,
        usable=find(conditions, "Usable").get("status") == TRUE,
        hash=probe.get("hash", ""),
        proven=datetime.fromisoformat(probe["time"]) if "time" in probe else None,
    )


def status(view: View, plan: Plan, body: Mapping[str, Any]) -> dict[str, Any]:
    """The new ``status`` of ``body``; equal to the old one when there is nothing new to say."""
    old = body.get("status") or {}
    conditions = [*standard(plan.state, view.memory.was_ready), *_own(view, plan, old)]
    said = {
        **old,
        "observedGeneration": view.generation,
        "conditions": merged(old.get("conditions") or (), conditions, view.generation, view.now.strftime("%FT%TZ")),
        "images": view.images.count if view.images else old.get("images"),
        "lastHandledRetry": retry_wanted(body) or None,
        **_told(view, old),
    }
    return {name: value for name, value in said.items() if value is not None}


def passed(view: View) -> bool:
    """The present configuration has been proven, just now or before, and no proof of it has failed since."""
    if view.job and (view.job.done or view.job.failed):
        return view.job.done
    return view.known


def _own(view: View, plan: Plan, old: Mapping[str, Any]) -> list[Condition]:
    reason, message = plan.state.reason, plan.state.message
    inputs_there = reason not in ("InputMissing", "InputInvalid")
    found = [
        Condition("CredentialsReady", TRUE, "Found")
        if inputs_there
        else Condition("CredentialsReady", FALSE, reason, message),
        Condition("Configured", TRUE, "Configured")
        if view.configured
        else Condition("Configured", FALSE, "NotConfigured"),
        _usable(view, plan, old),
    ]
    if view.spec.deletion_policy == "Drain":
        found.append(_draining(view))
    if view.images is not None:
        used = Condition("InUse", TRUE, "ImagesPresent", in_use(view))
        found.append(used if view.images.count else Condition("InUse", FALSE, "Empty"))
    return found


def _draining(view: View) -> Condition:
    if not drains(view):
        return Condition("Draining", FALSE, "NotDeleted", "Begins when this object is deleted")
    if view.configured and view.images is None:
        return Condition("Draining", UNKNOWN, "NotKnown", in_use(view))
    if view.images is None or not view.images.count:
        return Condition("Draining", FALSE, "Drained", "No image lives here any more")
    return Condition("Draining", TRUE, "WaitingForPeople" if view.images.held else "Draining", draining(view))


def _usable(view: View, plan: Plan, old: Mapping[str, Any]) -> Condition:
    """It speaks of what the service has, or would have: what was proven last is used until something else is."""
    failed = plan.state.reason == "ProbeFailed"
    if passed(view):
        return Condition("Usable", TRUE, "Proven", PROVEN)
    if view.lasting and failed:
        return Condition("Usable", TRUE, "LastGood", plan.state.message)
    if not view.lasting and (failed or plan.state.reason == "Probing"):
        return Condition("Usable", FALSE, plan.state.reason, plan.state.message)
    before = find(old.get("conditions") or (), "Usable")
    return Condition(
        "Usable", before.get("status", UNKNOWN), before.get("reason", "NotProven"), before.get("message", "")
    )


def _told(view: View, old: Mapping[str, Any]) -> dict[str, Any]:
    """What the last proof found. When it proved what was known before, its time and small changes are no news."""
    job = view.job
    if view.proof is None or job is None or not job.done:
        return {}
    capacity = _capacity(words_of(view.pods, job.name), old.get("capacity") or {})
    if view.known:
        return capacity
    probe = {"time": job.ended and job.ended.strftime("%FT%TZ"), "message": PROVEN, "hash": view.proof.hash}
    return {"probe": {name: value for name, value in probe.items() if value}, **capacity}


def _capacity(told: str, old: Mapping[str, str]) -> dict[str, Any]:
    """Empty where there is nothing new."""
    try:
        total, available = (int(json.loads(told)[name]) for name in ("total", "available"))
    except (ValueError, KeyError, TypeError):
        return {}
    new = {"total": quantity_of(total), "available": quantity_of(available)}
    moved = abs(available - bytes_of(old.get("available", "0"))) if old.get("total") == new["total"] else total
    return {"capacity": new} if moved > total * NEWS else {}
