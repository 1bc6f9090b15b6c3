"""What the object's own status remembers, and what a look adds to it. All of it can be lost and found out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from glance_operator.core.conditions import TRUE, find
from glance_operator.core.image import content, delivered, nodes, retries, stores, transfer
from glance_operator.core.image.carried import Proof
from glance_operator.core.image.observed import CacheMemory, Memory, StoreMemory, View
from glance_operator.core.past import is_fresh_start

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
        id=status.get("id") or "",
        incarnation=status.get("incarnation") or 1,
        was_ready=find(conditions, "Ready").get("status") == TRUE,
        imported=find(conditions, "Imported").get("status") == TRUE,
        source=(status.get("content") or {}).get("source") or "",
        attempt_hash=attempt.get("contentHash") or "",
        attempts=attempt.get("count") or 0,
        next_attempt=moment(attempt.get("nextAttemptTime")),
        task_id=attempt.get("taskID") or "",
        node=attempt.get("node") or "",
        container_id=attempt.get("containerID") or "",
        lost=attempt.get("lost") or 0,
        **_of_failure(attempt),
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
        cloud_lost_since=moment(cloud.get("lastTransitionTime")) if cloud.get("reason") in LOST else None,
    )
    return _forget_attempts(memory) if is_fresh_start(body) else memory


def _of_failure(attempt: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the last attempt that failed."""
    words = {"reason": attempt.get("reason") or "", "cause": attempt.get("message") or ""}
    return {**words, "rejected": attempt.get("rejected") or "", "terminal": bool(attempt.get("terminal"))}


def _store(entry: Mapping[str, Any]) -> StoreMemory:
    return StoreMemory(entry.get("attempts") or 0, moment(entry.get("nextAttemptTime")), entry.get("message") or "")


def _cached(entry: Mapping[str, Any]) -> CacheMemory:
    return CacheMemory(entry.get("status") == TRUE, entry.get("containerID") or "")


def _names(values: Iterable[str] | None) -> frozenset[str]:
    return frozenset(values or ())


def _forget_attempts(memory: Memory) -> Memory:
    return replace(memory, attempts=0, next_attempt=None, lost=0, stores={}, reason="", cause="", terminal=False)


def judged(view: View) -> View:
    """The view with what this look adds: content that has arrived, and every task that failed, counted once."""
    memory = view.memory
    if memory.attempt_hash and memory.attempt_hash != content.content_hash(view.spec):
        view = replace(view, memory=replace(_forget_attempts(memory), attempt_hash=""))
    view = replace(view, memory=transfer.judged(view))
    view = replace(view, memory=delivered.judged(view))
    before = view.memory.imported and view.image is not None and view.memory.id == view.image.id
    rejected = view.image is not None and view.image.id == view.memory.rejected
    if content.arrived(view) and not before and not rejected:
        view = replace(view, memory=_arrived(view))
    return _loss_judged(view) if nodes.lost(view) else _task_judged(view, before)


def _arrived(view: View) -> Memory:
    """The attempts at the content are over."""
    found = delivered.proof(view)
    memory = replace(_forget_attempts(view.memory), stores=view.memory.stores, imported=True)
    return replace(memory, source=found.source if found else content.url(view))


def _task_judged(view: View, before: bool) -> View:
    """``before``: the content had arrived at an earlier look already, so the task is one that should copy it."""
    image, task, memory = view.image, view.task, view.memory
    if image is not None and content.overdue(view) and image.lock != memory.task_id:
        view = replace(view, memory=replace(memory, task_id=image.lock, attempt_hash=content.content_hash(view.spec)))
        return replace(view, memory=_import_judged(view))
    if image is None or task is None or not task.over or task.id == memory.task_id:
        return view
    view = replace(view, memory=replace(memory, task_id=task.id, attempt_hash=content.content_hash(view.spec)))
    if before and not memory.task_id:
        return view  # the import itself, which went well: only what comes after it may have failed to copy
    return replace(view, memory=_stores_judged(view) if image.status == "active" else _import_judged(view))


def _loss_judged(view: View) -> View:
    """An import that ended with its pod: of content, counted once; of a copy, its stores wait for the end of the lock.

    That a service is rolled out is not the source's fault; that its pods end with each attempt may be.
    """
    image, memory = view.image, view.memory
    if image is None:
        return view
    if image.status == "active":
        return replace(view, memory=replace(memory, task_id=image.lock, stores=_held_up(view)))
    if image.lock == memory.task_id:
        return view
    hash_ = content.content_hash(view.spec)
    view = replace(view, memory=replace(memory, task_id=image.lock, attempt_hash=hash_, lost=memory.lost + 1))
    return replace(view, memory=_import_judged(view)) if view.memory.lost > nodes.SPARED else view


def _held_up(view: View) -> dict[str, StoreMemory]:
    """Once told of a copy that was cut: none of the stores that lack the data is tried while its lock counts."""
    image, known = view.image, view.memory.stores
    if image is None or image.lock == view.memory.task_id:
        return dict(known)
    end = view.now + timedelta(seconds=stores.LOCK_FOR)
    return {s: replace(known.get(s, StoreMemory()), next_attempt=end) for s in stores.missing(view)}


def _import_judged(view: View) -> Memory:
    attempts = view.memory.attempts + 1
    due = view.now + timedelta(seconds=retries.delay(view, attempts))
    job, cause = transfer.current(view), transfer.not_imported(view)
    memory = replace(view.memory, attempts=attempts, next_attempt=due, reason="", cause=cause, terminal=False)
    return replace(memory, job_uid=job.uid) if job else memory  # it has done its part


def _stores_judged(view: View) -> Memory:
    """The attempts at the stores that were tried in vain are counted."""
    known = {s: view.memory.stores.get(s, StoreMemory()) for s in stores.missing(view)}
    counted = {s: _once_more(view, s, m) if stores.is_due(view, s) else m for s, m in known.items()}
    return replace(view.memory, stores=counted)


def _once_more(view: View, store: str, memory: StoreMemory) -> StoreMemory:
    attempts = memory.attempts + 1
    due = view.now + timedelta(seconds=retries.delay(view, attempts, store))
    return replace(memory, attempts=attempts, next_attempt=due)
