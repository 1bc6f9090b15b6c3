"""What is said about a GlanceStore: the whole status, computed afresh at each look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from glance_operator.api.base import quantity_of
from glance_operator.core.conditions import FALSE, TRUE, UNKNOWN, Condition, find, merged, standard
from glance_operator.core.glancestore.observed import Memory, View
from glance_operator.core.glancestore.rules import in_use
from glance_operator.core.plan import Plan
from glance_operator.core.workload import words_of


def recall(body: Mapping[str, Any]) -> Memory:
    """From the object as the API server gives it."""
    status = body.get("status") or {}
    conditions = status.get("conditions") or ()
    return Memory(
        was_ready=find(conditions, "Ready").get("status") == TRUE,
        usable=find(conditions, "Usable").get("status") == TRUE,
        hash=(status.get("probe") or {}).get("hash", ""),
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
        **_told(view),
    }
    return {name: value for name, value in said.items() if value is not None}


def passed(view: View) -> bool:
    """The present configuration has been proven, just now or before."""
    if view.proof is None:
        return view.memory.usable
    job = view.jobs.get(view.proof.of.config)
    return (view.memory.usable and view.memory.hash == view.proof.hash) or bool(job and job.done)


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
    if view.images is not None:
        used = Condition("InUse", TRUE, "ImagesPresent", in_use(view))
        found.append(used if view.images.count else Condition("InUse", FALSE, "Empty"))
    return found


def _usable(view: View, plan: Plan, old: Mapping[str, Any]) -> Condition:
    if passed(view):
        return Condition("Usable", TRUE, "Proven", "An object was written, read and removed")
    if plan.state.reason in ("ProbeFailed", "Probing"):
        return Condition("Usable", FALSE, plan.state.reason, plan.state.message)
    before = find(old.get("conditions") or (), "Usable")
    return Condition(
        "Usable", before.get("status", UNKNOWN), before.get("reason", "NotProven"), before.get("message", "")
    )


def _told(view: View) -> dict[str, Any]:
    """What the probe found, when it has just ended."""
    if view.proof is None:
        return {}
    job = view.jobs.get(view.proof.of.config)
    if job is None or not job.done:
        return {}
    told = words_of(view.pods, job.name)
    probe = {
        "time": job.ended and job.ended.strftime("%FT%TZ"),
        "message": "An object was written, read and removed",
        "hash": view.proof.hash,
    }
    return {"probe": {name: value for name, value in probe.items() if value}, **_capacity(told)}


def _capacity(told: str) -> dict[str, Any]:
    try:
        room = {name: quantity_of(int(json.loads(told)[name])) for name in ("total", "available")}
    except (ValueError, KeyError, TypeError):
        return {}
    return {"capacity": room}
