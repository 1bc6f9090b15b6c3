"""What the object's own status remembers, and what a look adds to it. All of it can be lost and found out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from glance_operator.core.conditions import TRUE, find
from glance_operator.core.image import (
    arrival,
    causes,
    content,
    delivered,
    identity,
    nodes,
    removal,
    retries,
    stores,
    transfer,
    verification,
)
from glance_operator.core.image.caches import CacheMemory
from glance_operator.core.image.carried import Proof
from glance_operator.core.image.digests import Mismatch
from glance_operator.core.image.observed import Kept, Memory, StoreMemory, View
from glance_operator.core.past import is_fresh_start, is_retried

CLOUD_READY = "CloudReady"
GONE = "APIGone"  # the service that had the image does not exist any more
LOST = ("CredentialsNotFound", "APINotFound", GONE)


def moment(text: str | None) -> datetime | None:
    """RFC 3339 in UTC, as the API server writes it."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def text(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def recall(body: Mapping[str, Any]) -> Memory:
    """From the object as the API server gives it."""
    status = body.get("status") or {}
    conditions = status.get("conditions") or ()
    attempt = status.get("attempt") or {}
    applied = status.get("applied") or {}
    cloud = find(conditions, CLOUD_READY)
    memory = Memory(
        was_ready=find(conditions, "Ready").get("status") == TRUE,
        **_of_working(status),
        attempt_hash=attempt.get("contentHash") or "",
        attempts=attempt.get("count") or 0,
        next_attempt=moment(attempt.get("nextAttemptTime")),
        task_id=attempt.get("taskID") or "",
        node=attempt.get("node") or "",
        container_id=attempt.get("containerID") or "",
        lost=attempt.get("lost") or 0,
        **_of_failure(attempt),
        started=moment(attempt.get("startTime")),
        job=attempt.get("job") or "",
        job_uid=attempt.get("judgedJob") or "",
        proof=Proof.recall(attempt.get("proof") or (status.get("content") or {}).get("verified")),
        stores={
            s["name"]: _store(s) for s in status.get("stores") or () if s.get("attempts") or s.get("nextAttemptTime")
        },
        applied_properties=_names(applied.get("properties")),
        applied_tags=_names(applied.get("tags")),
        applied_members=_names(applied.get("members")),
        cached={c["node"]: _cached(c) for c in status.get("cached") or ()},
        previous=tuple(_kept(entry) for entry in status.get("previous") or ()),
        cloud_lost_since=moment(cloud.get("lastTransitionTime")) if cloud.get("reason") in LOST else None,
        tried=attempt.get("sourceHash") or "",
        mismatched=() if is_retried(body) else tuple(_mismatch(m) for m in attempt.get("mismatched") or ()),
        unproven=find(conditions, verification.VERIFIED).get("reason") in verification.UNPROVEN,
        respecified=status.get("observedGeneration", -1) not in (-1, body["metadata"].get("generation")),
        leaving=_names(s["name"] for s in status.get("stores") or () if s.get("reason") in removal.REASONS),
        filled=_names(applied.get("stores")) | _asked_for(body),
    )
    return _forget_attempts(memory) if is_fresh_start(body) else memory


def _of_working(status: Mapping[str, Any]) -> dict[str, Any]:
    """What is remembered of the image that is worked on: the served one, or the one that shall take its place."""
    content, rollout = status.get("content") or {}, status.get("rollout")
    incarnation, imported = status.get("incarnation") or 1, find(status.get("conditions") or (), "Imported")
    if rollout is None:
        made = {"id": status.get("id") or "", "incarnation": incarnation, "source": content.get("source") or ""}
        return {**made, "imported": imported.get("status") == TRUE}
    source = rollout.get("source") or ""
    made = {"id": rollout.get("id") or "", "incarnation": rollout["incarnation"], "source": source}
    served = Kept(status.get("id") or "", incarnation, content.get("hash") or "")
    return {**made, "imported": bool(source), "served": served}


def _asked_for(body: Mapping[str, Any]) -> frozenset[str]:
    """Stores that Glance may have been asked to fill since: they did not hold the data when it was last told. What an
    image that is to be adopted lacks is nobody's word."""
    status = body.get("status") or {}
    if "adopt" in body.get("spec", {}) and not status.get("id"):
        return frozenset()
    lacking = (s for s in status.get("stores") or () if s.get("status") != TRUE)
    return _names(s["name"] for s in lacking if s.get("reason") not in removal.REASONS)


def _kept(entry: Mapping[str, Any]) -> Kept:
    return Kept(
        entry["id"], entry.get("incarnation") or 1, entry.get("contentHash") or "", bool(entry.get("hidden", False))
    )


def _of_failure(attempt: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the last attempt that failed."""
    words = {"reason": attempt.get("reason") or "", "cause": attempt.get("message") or ""}
    return {**words, "rejected": attempt.get("rejected") or "", "terminal": bool(attempt.get("terminal"))}


def _store(entry: Mapping[str, Any]) -> StoreMemory:
    return StoreMemory(entry.get("attempts") or 0, moment(entry.get("nextAttemptTime")), entry.get("message") or "")


def _mismatch(entry: Mapping[str, Any]) -> Mismatch:
    return Mismatch(
        entry["sourceHash"], entry.get("source") or "", entry.get("value") or "", entry.get("imageID") or ""
    )


def _cached(entry: Mapping[str, Any]) -> CacheMemory:
    return CacheMemory(entry.get("status") == TRUE, entry.get("containerID") or "")


def _names(values: Iterable[str] | None) -> frozenset[str]:
    return frozenset(values or ())


def _forget_attempts(memory: Memory) -> Memory:
    return replace(memory, attempts=0, next_attempt=None, lost=0, reason="", cause="", terminal=False, stores={})


def judged(view: View) -> View:
    """The view with what this look adds: content that has arrived, and every attempt that failed, counted once."""
    memory = view.memory
    if memory.attempt_hash and memory.attempt_hash != content.content_hash(view.spec):
        memory = replace(_forget_attempts(memory), attempt_hash="", tried="", mismatched=())
        view = replace(view, memory=memory)
    view = replace(view, memory=transfer.judged(view))
    view = replace(view, memory=delivered.judged(view))
    if verification.is_rejected(view):
        return replace(view, memory=verification.counted(view))
    view = _arrival_judged(view)
    return replace(view, memory=causes.explained(view))


def _arrival_judged(view: View) -> View:
    """Content that is not what its source has counts as a failed attempt, and as nothing before the source has told."""
    if arrival.doubtful(view):
        return view
    if verdict := arrival.verdict(view):
        return replace(view, memory=_rejected(view, *verdict))
    before = arrival.accepted(view)
    if content.arrived(view) and not before:
        view = replace(view, memory=_arrived(view))
    return _loss_judged(view) if nodes.lost(view) else _task_judged(view, before)


def _arrived(view: View) -> Memory:
    """The attempts at the content are over."""
    memory = replace(_forget_attempts(view.memory), stores=view.memory.stores, imported=True, tried="", rejected="")
    return replace(memory, source="" if identity.adopts(view) else _source(view))


def _source(view: View) -> str:
    """Where the content that has just arrived came from."""
    found = delivered.proof(view)
    return found.source if found else retries.tried(view) or content.url(view)


def _rejected(view: View, reason: str, words: str) -> Memory:
    """The image is remembered, so that it is counted once, and goes whatever its source says at the next look."""
    cause = f"{retries.shown(content.url(view))}: {words}"
    hash_ = content.content_hash(view.spec)
    memory = replace(view.memory, attempt_hash=hash_, rejected=view.image.id if view.image else "")
    return _import_judged(replace(view, memory=memory), cause, reason)


def _task_judged(view: View, before: bool) -> View:
    """``before``: the content had arrived at an earlier look already, so the task is one that should copy it."""
    image, task, memory = view.image, view.task, view.memory
    if image is not None and (overdue := content.overdue(view)) and image.lock != memory.task_id:
        view = replace(view, memory=replace(memory, task_id=image.lock, attempt_hash=content.content_hash(view.spec)))
        return replace(view, memory=_import_judged(view, f"{retries.shown(content.url(view))}: {overdue}"))
    if image is None or task is None or not task.over or task.id == memory.task_id:
        return view
    view = replace(view, memory=replace(memory, task_id=task.id, attempt_hash=content.content_hash(view.spec)))
    if (before or identity.adopts(view)) and not memory.task_id:
        return view  # the import itself, which went well, or somebody else's: only a copy after it may be ours
    return replace(view, memory=_stores_judged(view) if image.complete else _import_judged(view))


def _loss_judged(view: View) -> View:
    """An import that ended with its pod: of content, counted once; of a copy, its stores wait for the end of the lock.

    That a service is rolled out is not the source's fault; that its pods end with each attempt may be.
    """
    image, memory = view.image, view.memory
    if image is None:
        return view
    if image.complete:
        return replace(view, memory=replace(memory, task_id=image.lock, stores=_held_up(view)))
    if image.lock == memory.task_id:
        return view
    hash_ = content.content_hash(view.spec)
    view = replace(view, memory=replace(memory, task_id=image.lock, attempt_hash=hash_, lost=memory.lost + 1))
    if view.memory.lost <= nodes.SPARED:
        return view
    return replace(view, memory=_import_judged(view, retries.wore_out(view)))


def _held_up(view: View) -> dict[str, StoreMemory]:
    """Once told of a copy that was cut: none of the stores that lack the data is tried while its lock counts."""
    image, known = view.image, view.memory.stores
    if image is None or image.lock == view.memory.task_id:
        return dict(known)
    end = view.now + timedelta(seconds=stores.LOCK_FOR)
    return {s: replace(known.get(s, StoreMemory()), next_attempt=end) for s in stores.missing(view)}


def _import_judged(view: View, cause: str = "", reason: str = "") -> Memory:
    """One attempt more has failed; why, if it is known without asking anybody."""
    job = transfer.current(view)
    memory = replace(retries.counted(view, cause or transfer.not_imported(view), reason), terminal=False)
    return replace(memory, job_uid=job.uid) if job else memory  # it has done its part


def _stores_judged(view: View) -> Memory:
    """The attempts at the stores that were tried in vain are counted."""
    known = {s: view.memory.stores.get(s, StoreMemory()) for s in stores.missing(view)}
    counted = {s: _once_more(view, s, m) if stores.is_due(view, s) else m for s, m in known.items()}
    emptied = {s: m for s, m in view.memory.stores.items() if s in removal.surplus(view)}
    return replace(view.memory, stores=emptied | counted)


def _once_more(view: View, store: str, memory: StoreMemory) -> StoreMemory:
    attempts = memory.attempts + 1
    due = view.now + timedelta(seconds=retries.delay(view, attempts, store))
    return replace(memory, attempts=attempts, next_attempt=due)
