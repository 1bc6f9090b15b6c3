"""What an object's own status says of the time before a look, and whether that still counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glance_operator.core.conditions import find

_LONGEST_WISH = 200
RETRY_ANNOTATION = "glance-operator.io/retry"


def retry_wanted(body: Mapping[str, Any]) -> str:
    """The value of the ``retry`` annotation; without one, the value handled last."""
    handled = (body.get("status") or {}).get("lastHandledRetry") or ""
    return str((body["metadata"].get("annotations") or {}).get(RETRY_ANNOTATION, handled))


def is_retried(body: Mapping[str, Any]) -> bool:
    """A value of the ``retry`` annotation has not been handled yet."""
    return retry_wanted(body) != ((body.get("status") or {}).get("lastHandledRetry") or "")


def is_fresh_start(body: Mapping[str, Any]) -> bool:
    """A new generation or a new ``retry`` value: attempts and back-offs are forgotten."""
    status = body.get("status") or {}
    changed = status.get("observedGeneration") != body["metadata"].get("generation")
    return bool(changed or is_retried(body))


@dataclass(frozen=True, slots=True)
class Past:
    """reason, message: what Ready says. wish: another one with each change of the spec, and each time that somebody

    asks for another attempt. retried: that has just happened.
    """

    reason: str = ""
    message: str = ""
    wish: str = ""
    retried: bool = False


def past_of(body: Mapping[str, Any]) -> Past:
    """From the object as the API server gives it."""
    ready = find((body.get("status") or {}).get("conditions") or (), "Ready")
    wish = f"{body['metadata'].get('generation')} {retry_wanted(body)}"[:_LONGEST_WISH].strip()
    return Past(ready.get("reason", ""), ready.get("message", ""), wish, is_retried(body))
