"""Bytes that somebody has to see are brought by a Job: it fetches, proves and stages them, and Glance imports them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from glance_operator.api.base import seconds
from glance_operator.core.image import content, identity, ingredients, nodes, retries, staging, stores
from glance_operator.core.image.carried import Proof, Transfer
from glance_operator.core.image.methods import GLANCE_DIRECT, demands_transfer, needed, needs_transfer
from glance_operator.core.image.observed import Memory, Node, View
from glance_operator.core.plan import Plan, Step, doing, stalled, waiting
from glance_operator.core.transfer.outcome import Failed, Success, amount

TRANSFERRING, PENDING, STALLED = "Transferring", "TransferPending", "TransferStalled"
LOOK = 1.0  # seconds until the first look at a new Job, and between looks at one that does not run
_LONGEST_PAUSE = 3600.0  # seconds for which a source may put off the next attempt
_NO_GLANCE = "GlanceUnavailable"  # what the Job says when its connection to Glance ends
_LONGEST_CAUSE = 1000  # characters


@dataclass(frozen=True, slots=True)
class StartTransfer(Step):
    """One Job, and the Secret that it mounts. ``start``: which of the source's addresses it tries first. ``node``: the
    pod that shall have the bytes, where we see them."""

    name: str
    image_id: str
    start: int = 0
    node: Node | None = None


@dataclass(frozen=True, slots=True)
class RemoveTransfers(Step):
    """Delete Jobs, and the Secrets that they mount."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportStaged(Step):
    """POST /v2/images/{id}/import by glance-direct; ``stores`` and ``node`` as in ``content.ImportFromUrl``."""

    image_id: str
    stores: tuple[str, ...]
    node: Node | None = None


def wanted(view: View) -> bool:
    return needs_transfer(view.spec, view.service)


def concerned(view: View) -> bool:
    """Whether Jobs have to be looked for: one was started, or may have been."""
    return bool(view.memory.job) or (demands_transfer(view.spec) and not view.memory.imported)


def current(view: View) -> Transfer | None:
    """The Job for the image that is worked on, unless its failure has been counted."""
    image_id = identity.expected_id(view)
    mine = (t for t in view.transfers if t.image_id == image_id and t.uid != view.memory.job_uid)
    return next(mine, None)


def under_way(view: View) -> bool:
    """Whether a Job brings the content, or has brought it and Glance has not been asked to import it yet."""
    return current(view) is not None and not content.arrived(view)


def at_work(view: View) -> bool:
    """Whether the Job has not ended."""
    one = current(view)
    return one is not None and not one.over


def job_name(view: View) -> str:
    """Of the next attempt: the same one however often it is asked for."""
    text = f"{view.uid}/{view.memory.incarnation}/{view.memory.attempts}"
    short = view.name[:40].replace(".", "-").rstrip("-")
    return f"{short}-transfer-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


# What is remembered


def judged(view: View) -> Memory:
    """The memory with what the Job has found, or with the attempt that failed: each Job is counted once."""
    memory, one = view.memory, current(view)
    if one is not None and not content.arrived(view):
        failure = _failure(view, one)
        if failure:
            return _counted(view, one, failure)
        if isinstance(one.outcome, Success):
            memory = replace(memory, proof=_proof(one.image_id, one.outcome))
    gone = view.looked and content.arrived(view) and not (view.transfers or view.remains)
    return replace(memory, job="") if gone else memory


def _proof(image_id: str, found: Success) -> Proof:
    algorithm, digest, signed_by = found.algorithm or "", found.digest or "", found.signed_by or ""
    return Proof(image_id, found.source, algorithm, digest, signed_by, found.sha512, found.md5, found.length_known)


def _failure(view: View, one: Transfer) -> Failed | None:
    """Why the attempt has failed; None as long as it has not."""
    if isinstance(one.outcome, Failed):
        return one.outcome
    if one.over and one.outcome is None:
        words = one.words or "its pod has left no word: see whether somebody deleted it"
        return Failed(reason="TransferFailed", message=f"Job {one.name} ended before it was done: {words}")
    if one.over and view.image is not None and view.image.status == "queued" and not _imports(view):
        return Failed(reason="StagedDataLost", message="Glance does not have any more what the Job has staged")
    if one.over or one.silent_for <= seconds(view.spec.progress_deadline):
        return None
    what = one.words or f"it stands still at {_amount(one)}"
    deadline = f"no progress within spec.progressDeadline ({view.spec.progress_deadline})"
    return Failed(reason=STALLED, message=f"Job {one.name} has shown {deadline}: {what}")


def _imports(view: View) -> bool:
    """Whether an import has been begun, which is judged by its task."""
    unjudged = view.task is not None and view.task.id != view.memory.task_id
    return unjudged or (view.image is not None and bool(view.image.lock))


def _counted(view: View, one: Transfer, failure: Failed) -> Memory:
    """That a service is rolled out is nobody's fault, unless it happens each time."""
    memory = view.memory
    spared = failure.reason == _NO_GLANCE and nodes.replaced(view) and memory.lost < nodes.SPARED
    attempts = memory.attempts + (not spared)
    pause = max(retries.delay(view, attempts), min(failure.retry_after or 0.0, _LONGEST_PAUSE))
    return replace(
        memory,
        attempt_hash=content.content_hash(view.spec),
        attempts=attempts,
        lost=memory.lost + spared,
        next_attempt=view.now + timedelta(seconds=pause),
        reason=failure.reason,
        cause=failure.message[:_LONGEST_CAUSE],
        terminal=failure.terminal,
        job_uid=one.uid,
    )


def not_imported(view: View) -> str:
    """Why an import of what was staged has failed, as far as anybody knows; empty for one of another kind."""
    found, image = view.memory.proof, view.image
    if found is None or image is None or found.image_id != image.id:
        return ""
    return (
        f"Glance could not import what the transfer Job had staged and tells no cause: check that the content is "
        f"{view.spec.disk_format}, and that the stores have room"
    )


def remembered(view: View, plan: Plan) -> dict[str, Any]:
    """For status.attempt: the Job is written down before it is made, and what it has found before it is removed."""
    job = plan.step.name if isinstance(plan.step, StartTransfer) else view.memory.job
    told = content.arrived(view) and view.memory.imported and not identity.rolling(view)  # by status.content
    found = None if told else view.memory.proof
    return {"job": job, "judgedJob": view.memory.job_uid, "proof": found and found.told()}


def method(view: View) -> str:
    """By which the content comes, in Glance's words."""
    return GLANCE_DIRECT if under_way(view) else needed(view.spec, view.service)


# What is done


def clear(view: View) -> Plan | None:
    """Jobs that bring nothing any more. One that has failed is left to people until the next attempt."""
    names = spent(view)
    if not names:
        return None
    plan = doing(RemoveTransfers(names), "ClearingUp", f"Removing transfer {', '.join(names)}")
    stops = any(one.name in names and not one.over for one in view.transfers)
    return replace(plan, record=stops)  # why


def spent(view: View) -> tuple[str, ...]:
    if content.arrived(view):
        return tuple(dict.fromkeys((*(one.name for one in view.transfers), *view.remains)))
    useful, memory = current(view), view.memory
    due = not memory.terminal and (memory.next_attempt is None or memory.next_attempt <= view.now)
    return tuple(one.name for one in view.transfers if one is not useful and (due or not one.over))


def stop(view: View) -> Plan | None:
    """Before the image goes: nobody shall write to it any more."""
    names = tuple(one.name for one in view.transfers)
    return doing(RemoveTransfers(names), "Deleting", "Stopping the transfer") if names else None


def follow(view: View) -> Plan | None:
    """A Job at work is waited for."""
    one = current(view)
    if one is None or one.over or content.arrived(view):
        return None
    if one.words:
        return waiting(PENDING, f"Transfer Job {one.name}: {one.words}", after=LOOK)
    if one.moved is None:
        return waiting(TRANSFERRING, f"Transfer Job {one.name} is starting", after=LOOK, passing=True)
    message = f"Transferring {retries.shown(content.url(view))}: {_amount(one)} (Job {one.name})"
    return waiting(TRANSFERRING, message, passing=True)


def _amount(one: Transfer) -> str:
    return amount(one.moved or 0, one.total)


def progress(view: View) -> str | None:
    """What status.progress says while a Job is at work."""
    one = current(view)
    if one is None or one.moved is None or content.arrived(view):
        return None
    return f"{100 * one.moved // one.total}%" if one.total else _amount(one)


def import_staged(view: View) -> Plan | None:
    """All is there, and proven as far as it can be: now it is Glance's turn."""
    image, one = view.image, current(view)
    staged = one is not None and one.over and isinstance(one.outcome, Success)
    if image is None or image.status != "uploading" or image.lock or not staged:
        return None
    if wait := _await_pod(view):
        return wait
    step = ImportStaged(image.id, stores.targets(view), _pod(view))
    plan = doing(step, "Importing", "Glance is importing what is staged", slot=True, after=None)
    return replace(plan, record=True)  # what the Job has found, before anybody removes it


def _await_pod(view: View) -> Plan | None:
    """Only the pod that was given the bytes has them, unless all share their staging space."""
    if wait := nodes.await_one(view):
        return wait
    at = _holder(view)
    if at is None or at.open or (view.room is not None and view.room.shared):
        return None
    message = f"Pod {at.name} of GlanceAPI {nodes.api(view)} has what is staged, and does not take imports now"
    return waiting("NoPodServes", message, after=nodes.LOOK)


def _holder(view: View) -> Node | None:
    return next((one for one in view.nodes or () if one.name == view.memory.node), None)


def _pod(view: View) -> Node | None:
    at = _holder(view)
    return at if at is not None and at.open else nodes.choose(view, None)


def refuse(view: View) -> Plan | None:
    """What keeps a Job from being started, or from doing any better than the last one."""
    if not wanted(view) or content.arrived(view):
        return None
    if view.memory.terminal:
        return stalled(view.memory.reason, retries.final(view))
    if not view.carrier:
        message = (
            "The source needs a transfer Job, and the operator has no container image for it: set its setting "
            "GLANCE_OPERATOR_TRANSFER_IMAGE"
        )
        return stalled("TransferNotConfigured", message, after=stores.RECHECK)
    return _refuse_ingredients(view)


def _refuse_ingredients(view: View) -> Plan | None:
    if words := ingredients.missing(view):
        return waiting("SourceInputMissing", words, after=5.0)
    if words := ingredients.unsuitable(view):
        return stalled("SourceInputRefused", words, after=stores.RECHECK)
    return None


def leave_half_staged(view: View) -> Plan | None:
    """Bytes that nobody has vouched for: perhaps not all of them."""
    image = view.image
    ours = wanted(view) or bool(view.memory.job)
    if image is None or image.status != "uploading" or image.lock or not ours:
        return None
    message = "What is staged is not known to be whole: starting again under another id"
    return replace(doing(content.Discard(image.id, nodes.place(view)), "Recreating", message), record=True)


def start(view: View) -> Plan | None:
    image = view.image
    if image is None or image.status != "queued" or not wanted(view):
        return None
    if wait := nodes.await_one(view):
        return wait
    node = nodes.choose(view, staging.content_needs(view))
    step = StartTransfer(job_name(view), image.id, view.memory.attempts, node)
    message = f"Starting Job {step.name} to transfer {retries.shown(content.url(view))}"
    return replace(doing(step, TRANSFERRING, message, slot=True, after=LOOK), record=True)
