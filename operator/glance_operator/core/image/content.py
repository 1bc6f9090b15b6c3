"""Bringing the content in: create the image, import it, and judge how that ended."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from glance_operator.api.base import seconds
from glance_operator.api.image import ImageSpec
from glance_operator.core.image import digests, identity, metadata, methods, nodes, retries, staging, stores
from glance_operator.core.image.observed import Node, View
from glance_operator.core.image.sizes import human
from glance_operator.core.plan import Note, Plan, Step, doing, stalled, waiting

WEB_DOWNLOAD = methods.WEB_DOWNLOAD
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0  # seconds
_STEPS = (10 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR)
_HEARTBEATS = 3 * _MINUTE  # a silence that says nothing: Glance tells of progress once a minute


@dataclass(frozen=True, slots=True)
class CreateImage(Step):
    """POST /v2/images with these attributes."""

    attributes: tuple[tuple[str, object], ...]
    hidden: bool


@dataclass(frozen=True, slots=True)
class ImportFromUrl(Step):
    """POST /v2/images/{id}/import by web-download. ``stores`` empty: the service knows no stores by name.

    ``node``: the pod that is asked, where we see them.
    """

    image_id: str
    url: str
    stores: tuple[str, ...]
    node: Node | None = None


@dataclass(frozen=True, slots=True)
class ImportFromRegion(Step):
    """The same by glance-download, from the Glance of another region of the cloud."""

    image_id: str
    region: str
    source_id: str
    interface: str
    stores: tuple[str, ...]
    node: Node | None = None


@dataclass(frozen=True, slots=True)
class Discard(Step):
    """DELETE an image of ours that can no longer be completed; the next incarnation follows. ``place``: address of
    the pod that has what the import has left; empty = any."""

    image_id: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class NextIncarnation(Note):
    """The next incarnation is written to the status, before anything is made under it."""


def content_hash(spec: ImageSpec) -> str:
    """What is to be served, as one short word: the digest if one is demanded, else the URL; and the formats."""
    source = spec.source.model_dump(mode="json", by_alias=True, exclude_none=True) if spec.source else {}
    checksum = source.get("checksum") or {}
    known = "manifest" not in checksum  # a manifest's digest is not known here
    digest = {name: value.lower() for name, value in checksum.items()} if known else None
    what = digest or (source.get("http") or {}).get("url") or source
    text = json.dumps([what, spec.disk_format, spec.container_format], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def url(view: View) -> str:
    """Where this attempt takes the content from: the URL, then each mirror in turn."""
    return retries.source(view, view.memory.attempts)


def recreate_what_vanished(view: View) -> Plan | None:
    """The image is gone although it was made, or Glance has buried its id: only another id can follow."""
    if view.image is not None:
        return None
    vanished = view.memory.id == identity.expected_id(view)
    if not (vanished or view.burnt):
        return None
    message = f"Glance image {identity.expected_id(view)} is gone: making it again under another id"
    return replace(doing(NextIncarnation(), "Recreating", message), record=True)


def create(view: View) -> Plan | None:
    if view.image is not None:
        return None
    attributes = metadata.creation(view, content_hash(view.spec))
    step = CreateImage(tuple(attributes.items()), bool(view.spec.hidden))
    return replace(doing(step, "Creating", "Creating the image in Glance", slot=True), early=True)


def running(view: View) -> bool:
    """Whether an import may still be at work on the image: the lock is there, or its task is not over.

    A lock that outlives its task is no sign of life: see ``leave_dead_end``.
    """
    if nodes.lost(view) or nodes.cut_off(view):
        return False
    if view.task is not None:
        return not view.task.over
    return view.image is not None and bool(view.image.lock)


def arrived(view: View) -> bool:
    """The image has its data, and no import is at work on it."""
    return view.image is not None and view.image.complete and not running(view)


def lasting(view: View) -> float:
    """Seconds for which the running import has lasted, also when the operator was started anew meanwhile."""
    since = view.memory.started
    return max(view.running_for, (view.now - since).total_seconds() if since else 0.0)


def slow(view: View) -> bool:
    """A download that is worth more words than that it runs."""
    return _without_data(view) and running(view) and lasting(view) >= _STEPS[0] and not overdue(view)


def _without_data(view: View) -> bool:
    return view.image is not None and not view.image.complete


def overdue(view: View) -> str:
    """Why a running import that has brought nothing is given up, as Glance itself would wait for ever; else empty."""
    if not _without_data(view) or not running(view):
        return ""
    if lasting(view) > seconds(view.spec.download_timeout):
        return f"No end of the download within spec.downloadTimeout ({view.spec.download_timeout})"
    return _standstill(view) if stands_still(view) else ""


def stands_still(view: View) -> bool:
    """Glance has not told of progress in copying to stores for too long; it tells every minute while there is some."""
    return view.silent_for > max(_HEARTBEATS, seconds(view.spec.progress_deadline))


def _standstill(view: View) -> str:
    where = ", ".join(view.image.importing if view.image else ()) or "its stores"
    return f"No progress in copying to {where} within spec.progressDeadline ({view.spec.progress_deadline})"


def cut_what_takes_too_long(view: View) -> Plan | None:
    """The attempt has been counted as a failed one; only DELETE ends it."""
    why = overdue(view)
    if view.image is None or not why:
        return None
    step = Discard(view.image.id, nodes.place(view))
    return replace(doing(step, "Recreating", f"{why}: starting again"), record=True)


def leave_with_its_pod(view: View) -> Plan | None:
    """The pod took the import with it before there was any content: only DELETE helps."""
    image = view.image
    if image is None or image.status == "active" or not nodes.lost(view):
        return None
    message = f"{nodes.ended(view)}: starting again under another id"
    if not nodes.settled(view):
        return waiting("ImportLost", message, after=nodes.LOOK)
    return replace(doing(Discard(image.id, nodes.place(view)), "ImportLost", message), record=True)


def await_running_import(view: View) -> Plan | None:
    """While an import may be running nothing is changed: Glance would undo it, or lose data."""
    image = view.image
    if image is None or not running(view):
        return None
    if image.stores and image.status == "active":
        return _copying(view)
    if methods.needs_transfer(view.spec, view.service):
        return waiting("Importing", "Glance is importing what the transfer Job has staged", passing=True)
    return waiting("Downloading", _downloading(view), passing=True)


def _copying(view: View) -> Plan:
    done, wanted = stores.ready(view)
    if not stands_still(view):
        return waiting("Importing", f"Data is in {done} of {wanted} stores", passing=True)
    message = (
        f"{_standstill(view)}; the data is in {done} of {wanted} stores, and nothing may be changed while Glance holds "
        f"the lock: check those stores, and restart the Glance process that hangs on them"
    )
    return stalled("CopyStuck", message, after=stores.RECHECK)


def _downloading(view: View) -> str:
    """Told in steps: a number that moves all the time would be a write each time."""
    where = retries.shown(url(view))
    if not slow(view):
        return f"Glance is downloading {where}"
    size = view.answer.size if view.answer else None
    of = f", size {human(size)}" if size is not None else ""
    return (
        f"Glance has been downloading {where} for {_step(lasting(view))}{of}, no progress visible; "
        f"spec.downloadTimeout ends it after {view.spec.download_timeout}"
    )


def _step(age: float) -> str:
    """The last of the steps that are over, in words; from one day on, whole days."""
    step = max((one for one in _STEPS if one <= age), default=_STEPS[0])
    if age >= _DAY:
        return f"{age // _DAY:.0f} d"
    return f"{step // _HOUR:.0f} h" if step >= _HOUR else f"{step // _MINUTE:.0f} min"


def leave_dead_end(view: View) -> Plan | None:
    """Without content, only DELETE helps an image whose lock outlives its task or which says ``importing`` for ever."""
    image = view.image
    if image is None or image.status == "active" or view.task is None or not view.task.over:
        return None
    if not image.lock and image.status != "importing":
        return None
    message = "Glance cannot complete this import any more: starting again under another id"
    return replace(doing(Discard(image.id, nodes.place(view)), "Recreating", message), record=True)


def start_over_with_other_content(view: View) -> Plan | None:
    """A failed import may leave remains under the image's id; other content gets a clean one."""
    image = view.image
    if image is None or image.status == "active" or image.properties.get(identity.CONTENT) == content_hash(view.spec):
        return None
    return doing(Discard(image.id), "Recreating", "spec describes other content now: starting again")


def refuse_what_cannot_work(view: View) -> Plan | None:
    """Only as long as there is no content: what is served stays served."""
    if view.image is not None and view.image.status == "active":
        return None
    if refused := stores.refuse(view):
        return refused
    needed = methods.needed(view.spec, view.service)
    if needed in view.service.methods:
        return None
    offered = ", ".join(sorted(view.service.methods)) or "none"
    return stalled(
        "MethodNotEnabled",
        f"The image service does not offer {needed} (it offers: {offered}): enable it in the service",
        after=stores.RECHECK,
    )


def respect_retry_limit(view: View) -> Plan | None:
    if view.image is not None and view.image.status == "active":
        return None
    return retries.exhausted(view) or retries.not_yet(view)


def fetch(view: View) -> Plan | None:
    image, source = view.image, view.spec.source
    if image is None or image.status != "queued" or source is None:
        return None
    if wait := nodes.await_one(view):
        return wait
    node = nodes.choose(view, staging.content_needs(view))
    into, other = stores.targets(view), source.glance
    step: Step = ImportFromUrl(image.id, url(view), into, node)
    if other:
        step = ImportFromRegion(image.id, other.region, other.image_id, other.interface, into, node)
    plan = doing(step, "Downloading", f"Glance is downloading {retries.shown(url(view))}", slot=True, after=None)
    # which container has it: the import ends with that one; which address was asked: it may bring other bytes
    return replace(plan, record=node is not None or digests.demanded(view.spec) is not None)


def await_active(view: View) -> Plan | None:
    """A state that no rule above explains (``uploading`` by somebody): told, never touched."""
    if view.image is None or view.image.status == "active":
        return None
    return stalled(
        "UnexpectedStatus",
        f"Glance shows the image as {view.image.status}, which this operator did not cause: "
        f"complete it there, or delete it in Glance to have it made again",
        after=stores.RECHECK,
    )


def is_as_described(view: View) -> bool:
    """Whether the image was made for the content that the spec describes, as far as it tells."""
    image, known = view.image, (None, content_hash(view.spec))
    return image is not None and (view.spec.source is None or image.properties.get(identity.CONTENT) in known)
