"""The conditions of an Image: the three that every tool reads, and the kind's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glance_operator.core.conditions import FALSE, TRUE, UNKNOWN, Condition, find, standard, truth
from glance_operator.core.image import (
    arrival,
    caching,
    cautions,
    content,
    delivered,
    identity,
    metadata,
    removal,
    rollout,
    stores,
    verification,
)
from glance_operator.core.image.memory import CLOUD_READY, GONE
from glance_operator.core.image.observed import GlanceImage, View
from glance_operator.core.plan import Phase, Plan


def conditions(view: View, plan: Plan, old: Mapping[str, Any]) -> list[Condition]:
    if view.trouble is None and not view.deleted_at and (image := _meanwhile(view, plan)):
        head = list(_served_meanwhile(image, plan))
    elif _still_served(view):
        kept = find(old.get("conditions") or (), "Ready")
        head = [Condition("Ready", TRUE, kept["reason"], kept.get("message", "")), *_quiet()]
    else:
        head = list(standard(plan.state, view.memory.was_ready))
    if view.trouble is not None:
        trouble = Condition(CLOUD_READY, FALSE, view.trouble.reason, view.trouble.message, by_reason=True)
        return [*head, *_kept(old), trouble]
    if not view.looked:
        return [*head, *_kept(old, CLOUD_READY)]
    return [*head, *_own(view, plan), Condition(CLOUD_READY, TRUE, "Reachable")]


def _still_served(view: View) -> bool:
    """Only nobody can look after it for the moment. Without its service it is not served at all."""
    return view.trouble is not None and view.trouble.reason != GONE and view.settled and not view.deleted_at


def _meanwhile(view: View, plan: Plan) -> GlanceImage | None:
    """What serves until its successor can."""
    begins = isinstance(plan.step, rollout.Begin) and not identity.rolling(view)
    return view.image if begins else identity.serving(view)


def _served_meanwhile(image: GlanceImage, plan: Plan) -> tuple[Condition, ...]:
    """Whatever becomes of its successor, it serves."""
    message = f"Image {image.id} serves the earlier content. The new: {plan.state.message}"
    return Condition("Ready", TRUE, rollout.ROLLING_OUT, message), *standard(plan.state, was_ready=True)[1:]


def _quiet() -> tuple[Condition, ...]:
    return Condition("Reconciling", FALSE, "NotReconciling"), Condition("Stalled", FALSE, "NotStalled")


_OWN = (
    "Imported",
    verification.VERIFIED,
    "StoresReady",
    removal.NO_CENTRAL_COPY,
    "MetadataSynced",
    "UpToDate",
    caching.CACHED,
    cautions.QUESTIONABLE,
)


def _kept(old: Mapping[str, Any], *more: str) -> list[Condition]:
    """The kind's own conditions as they were."""
    found = (find(old.get("conditions") or (), kind) for kind in (*_OWN, *more))
    return [Condition(c["type"], c["status"], c["reason"], c.get("message", "")) for c in found if c]


def _own(view: View, plan: Plan) -> list[Condition]:
    found = [
        _imported(view, plan),
        delivered.condition(view) or verification.condition(view),
        _stores_ready(view, plan),
        removal.central_condition(view),
        _synced(view),
        _up_to_date(view, plan),
        caching.condition(view),
        cautions.condition(view),
    ]
    return [one for one in found if one is not None]


def has_content(view: View) -> bool:
    """The image has its data, as far as can be told the right one, and no import is at work on it."""
    return content.arrived(view) and not verification.is_rejected(view) and not arrival.doubtful(view)


def _imported(view: View, plan: Plan) -> Condition:
    if has_content(view) or identity.serving(view):
        return Condition("Imported", TRUE, "Imported")
    return Condition("Imported", FALSE, plan.state.reason, plan.state.message)


def _stores_ready(view: View, plan: Plan) -> Condition:
    done, wanted = stores.ready(view)
    said = removal.served(view)
    if removal.drained(view) and has_content(view):
        return Condition("StoresReady", FALSE, removal.DRAINING, said)
    if done == wanted and has_content(view):
        return Condition("StoresReady", TRUE, "AllStores", said)
    if done and has_content(view) and stores.allow_failure(view):
        return Condition("StoresReady", FALSE, "PartialFailure", said)
    return Condition("StoresReady", FALSE, plan.state.reason, said)


def _synced(view: View) -> Condition:
    if identity.rolling(view):
        return Condition("MetadataSynced", UNKNOWN, rollout.ROLLING_OUT, "Compared once the new content is served")
    if not has_content(view):
        return Condition("MetadataSynced", UNKNOWN, "NotImported", "Compared once the content is there")
    names = metadata.differences(view)
    if not names:
        return Condition("MetadataSynced", TRUE, "Synced")
    reason = "Drifted" if metadata.reports_only(view) else "Pending"
    return Condition("MetadataSynced", FALSE, reason, f"Differs in {', '.join(names)}")


def _up_to_date(view: View, plan: Plan) -> Condition:
    if identity.rolling(view) or isinstance(plan.step, rollout.Begin):
        stopped = plan.state.phase is Phase.STALLED
        return Condition("UpToDate", FALSE, "Outdated" if stopped else rollout.ROLLING_OUT, plan.state.message)
    if view.image is None or not has_content(view):
        return Condition("UpToDate", UNKNOWN, "NotImported")
    same = content.is_as_described(view)
    return Condition("UpToDate", truth(same), "UpToDate" if same else "Outdated")
