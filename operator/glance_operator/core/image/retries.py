"""How often and when a failed attempt is repeated."""

from __future__ import annotations

import hashlib

from glance_operator.core.image import nodes
from glance_operator.core.image.observed import View
from glance_operator.core.plan import Phase, Plan, State, stalled, waiting

LONGEST = 600.0  # seconds between two attempts, at most


def delay(view: View, attempts: int, salt: str = "") -> float:
    """Seconds to wait after that many failed attempts: doubling, with a jitter that is the same at each look."""
    seed = hashlib.sha256(f"{view.uid}/{salt}/{attempts}".encode()).digest()[0] / 255
    return min(LONGEST, view.retry_base * 2.0 ** min(max(0, attempts - 1), 30)) * (0.8 + 0.4 * seed)


def _limit(view: View) -> int | None:
    """Failed attempts after which nothing more is tried; None = no limit."""
    return None if view.spec.retry_limit < 0 else max(1, view.spec.retry_limit)


def source(view: View, attempts: int) -> str:
    """The address that the next attempt after so many failed ones takes."""
    http, pvc = (view.spec.source.http, view.spec.source.pvc) if view.spec.source else (None, None)
    other = f"{pvc.path} of claim {pvc.claim_name}" if pvc else "its source"
    choices = [http.url, *(http.mirrors or ())] if http else [other]
    return choices[attempts % len(choices)]


def shown(url: str) -> str:
    """An address for logs and Events: the query of a signed one is a credential."""
    return url.partition("?")[0] + ("?…" if "?" in url else "")


def _advice(view: View) -> str:
    """What is known of the last failed attempt, and what to do."""
    if view.memory.cause:
        return view.memory.cause
    tried = source(view, max(0, view.memory.attempts - 1))
    if view.memory.lost > nodes.SPARED:
        return (
            f"{view.memory.lost} imports ended with the pod that ran them: see the conditions of GlanceAPI "
            f"{nodes.api(view)}, and whether its pods have the memory and the staging space for this image"
        )
    return (
        f"Glance could not import {shown(tried)} and tells no cause: check that the URL answers where Glance runs, "
        f"that its content is {view.spec.disk_format}, and that the stores have room"
    )


def _failure(view: View, attempts: int) -> str:
    if not attempts:
        return f"{_advice(view)}; another attempt follows, and this one is not counted"
    limit = _limit(view)
    of = f" of {limit}" if limit is not None else ""
    return f"Attempt {attempts}{of} failed; the next follows. {_advice(view)}"


def _given_up(view: View, attempts: int) -> State:
    message = (
        f"Gave up after {attempts} failed attempt(s) (spec.retryLimit {view.spec.retry_limit}). {_advice(view)}. "
        f"Then correct the spec, or set the annotation glance-operator.io/retry to a new value"
    )
    return State(Phase.STALLED, "RetryLimitExceeded", message)


def final(view: View) -> str:
    """Of an attempt that would end in the same way once more."""
    return (
        f"{_advice(view)}. Then correct the spec, or set the annotation glance-operator.io/retry to a new value for "
        f"another attempt"
    )


def exhausted(view: View) -> Plan | None:
    limit = _limit(view)
    if limit is None or view.memory.attempts < limit:
        return None
    state = _given_up(view, view.memory.attempts)
    return stalled(state.reason, state.message)


def not_yet(view: View) -> Plan | None:
    """Between two attempts."""
    due = view.memory.next_attempt
    if due is None or due <= view.now:
        return None
    reason = view.memory.reason or "ImportFailed"
    return waiting(reason, _failure(view, view.memory.attempts), after=(due - view.now).total_seconds())
