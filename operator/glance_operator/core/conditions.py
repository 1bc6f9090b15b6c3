"""Conditions as the Kubernetes API conventions and kstatus want them.

``lastTransitionTime`` moves only when a status flips, so that a status that says the same as before *is* the same and
is not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from glance_operator.core.plan import Phase, State

TRUE: Literal["True"] = "True"
FALSE: Literal["False"] = "False"
UNKNOWN: Literal["Unknown"] = "Unknown"
MESSAGE_LIMIT = 32768  # the schema's bound; a longer message is cut, never refused


@dataclass(frozen=True, slots=True)
class Condition:
    """One wanted condition, without its time. ``by_reason``: its time tells since when it has this reason."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""
    by_reason: bool = False


def truth(value: bool) -> Literal["True", "False"]:
    """The word a condition uses for a boolean."""
    return TRUE if value else FALSE


def standard(state: State, was_ready: bool) -> tuple[Condition, ...]:
    """Ready, Reconciling and Stalled for ``state``: never two of them True.

    ``was_ready``: what Ready said before; only a paused object keeps it.
    """
    phase, reason, message = state.phase, state.reason, state.message
    ready = phase is Phase.READY or (phase is Phase.PAUSED and was_ready)
    return (
        Condition("Ready", truth(ready), reason, message),
        _abnormal("Reconciling", phase is Phase.WORKING, state),
        _abnormal("Stalled", phase is Phase.STALLED, state),
    )


def _abnormal(kind: str, active: bool, state: State) -> Condition:
    """A condition that is True only in trouble; otherwise it says no more than that all is quiet."""
    return Condition(kind, TRUE, state.reason, state.message) if active else Condition(kind, FALSE, f"Not{kind}")


def merged(
    previous: Iterable[Mapping[str, Any]], wanted: Iterable[Condition], generation: int, now: str
) -> list[dict[str, Any]]:
    """``wanted`` as the status carries it; times are kept from ``previous`` where the status did not flip.

    ``now``: RFC 3339, seconds.
    """
    before = {str(c.get("type")): c for c in previous}
    return [_dated(c, before.get(c.type, {}), generation, now) for c in wanted]


def _dated(wanted: Condition, before: Mapping[str, Any], generation: int, now: str) -> dict[str, Any]:
    same = before.get("status") == wanted.status and (not wanted.by_reason or before.get("reason") == wanted.reason)
    return {
        "type": wanted.type,
        "status": wanted.status,
        "reason": wanted.reason,
        "message": wanted.message[:MESSAGE_LIMIT],
        "lastTransitionTime": before.get("lastTransitionTime", now) if same else now,
        "observedGeneration": generation,
    }


def find(conditions: Iterable[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    """The condition of that type, or an empty mapping."""
    return next((c for c in conditions if c.get("type") == kind), {})
