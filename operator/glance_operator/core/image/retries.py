"""How often and when a failed attempt is repeated."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from glance_operator.core.image import nodes
from glance_operator.core.image.observed import Memory, View
from glance_operator.core.image.sources import Fate
from glance_operator.core.plan import Phase, Plan, State, waiting

LONGEST = 600.0  # seconds between two attempts, at most; a source may put the next one off for longer
_LOOK = 1.0  # seconds between two looks for the source's answer


def delay(view: View, attempts: int, salt: str = "") -> float:
    """Seconds to wait after that many failed attempts: doubling, with a jitter that is the same at each look."""
    seed = hashlib.sha256(f"{view.uid}/{salt}/{attempts}".encode()).digest()[0] / 255
    return min(LONGEST, view.retry_base * 2.0 ** min(max(0, attempts - 1), 30)) * (0.8 + 0.4 * seed)


def counted(view: View, cause: str, reason: str) -> Memory:
    """The memory with one failed attempt more, and when the next is due."""
    attempts = view.memory.attempts + 1
    due = view.now + timedelta(seconds=delay(view, attempts))
    return replace(view.memory, attempts=attempts, next_attempt=due, cause=cause, reason=reason)


def _limit(view: View) -> int | None:
    """Failed attempts after which nothing more is tried; None = no limit."""
    return None if view.spec.retry_limit < 0 else max(1, view.spec.retry_limit)


def addresses(view: View) -> list[str]:
    """Where the content can be had, in the order of the spec."""
    source = view.spec.source
    if source and source.http:
        return [source.http.url, *(source.http.mirrors or ())]
    if source and source.pvc:
        return [f"{source.pvc.path} of claim {source.pvc.claim_name}"]
    if source and source.glance:
        return [f"image {source.glance.image_id} of region {source.glance.region}"]
    return ["its source"]


def left(view: View) -> list[str]:
    """Those that have not brought other bytes than the digest demands."""
    spent = {one.fingerprint for one in view.memory.mismatched}
    return [one for one in addresses(view) if fingerprint(one) not in spent]


def source(view: View, attempts: int) -> str:
    """The address that the next attempt after so many failed ones takes."""
    every, choices = addresses(view), left(view)
    turn = max(0, attempts - (len(every) - len(choices)))  # one that is left out had its turn before
    return choices[turn % len(choices)] if choices else every[attempts % len(every)]


def tried(view: View) -> str:
    """The address that the last import was sent to, if that was written down and it is one of them still; or empty."""
    return next((one for one in addresses(view) if fingerprint(one) == view.memory.tried), "")


def fingerprint(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def shown(url: str) -> str:
    """An address for logs and Events: the query of a signed one is a credential."""
    return url.partition("?")[0] + ("?…" if "?" in url else "")


def _advice(view: View) -> str:
    """What is known of the last failed attempt, and what to do."""
    if view.memory.cause:
        return view.memory.cause
    last = tried(view) or source(view, max(0, view.memory.attempts - 1))
    return f"Glance could not import {shown(last)} and tells no cause: {check(view)}"


def check(view: View) -> str:
    """What people have to look at themselves."""
    return (
        f"check that the URL answers where Glance runs, that its content is {view.spec.disk_format}, "
        f"and that the stores have room"
    )


def wore_out(view: View) -> str:
    """Why an import that ended with its pod counts as a failed attempt."""
    return (
        f"{view.memory.lost} imports ended with the pod that ran them: see the conditions of GlanceAPI "
        f"{nodes.api(view)}, and whether its pods have the memory and the staging space for this image"
    )


def _unasked(view: View) -> bool:
    """The source has not answered yet: it is hardly worth a write to say so."""
    return not view.memory.cause and view.answer is not None and view.answer.fate is Fate.PENDING


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
    return Plan(state, after=_LOOK, passing=True) if _unasked(view) else Plan(state)


def not_yet(view: View) -> Plan | None:
    """Between two attempts."""
    due = view.memory.next_attempt
    if due is None or due <= view.now:
        return None
    left, reason = (due - view.now).total_seconds(), view.memory.reason or "ImportFailed"
    if _unasked(view):
        return waiting(reason, _failure(view, view.memory.attempts), after=min(left, _LOOK), passing=True)
    return waiting(reason, _failure(view, view.memory.attempts), after=left)
