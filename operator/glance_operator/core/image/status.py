"""What is said about an Image: the whole status, computed afresh at each look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from glance_operator.core.conditions import FALSE, TRUE, Condition, merged
from glance_operator.core.image import (
    caching,
    content,
    delivered,
    digests,
    identity,
    metadata,
    references,
    removal,
    retries,
    rollout,
    stores,
    transfer,
)
from glance_operator.core.image.conditions import conditions, has_content
from glance_operator.core.image.digests import Mismatch
from glance_operator.core.image.memory import text
from glance_operator.core.image.observed import GlanceImage, Memory, View
from glance_operator.core.image.sizes import human
from glance_operator.core.past import retry_wanted
from glance_operator.core.plan import Phase, Plan


def status(view: View, plan: Plan, body: Mapping[str, Any]) -> dict[str, Any]:
    """The new ``status`` of ``body``; equal to the old one when there is nothing new to say."""
    old = body.get("status") or {}
    if isinstance(plan.step, rollout.Promote):
        view = replace(view, memory=rollout.promoted(view))
    if identity.adopts(view) and not identity.is_held(view):
        view = replace(view, image=None)  # others' images are none of our business
    told = merged(old.get("conditions") or (), conditions(view, plan, old), view.generation, text(view.now))
    said = {"observedGeneration": view.generation, "conditions": told}
    if retry := retry_wanted(body):
        said["lastHandledRetry"] = retry
    if not view.looked:  # what was known stays
        return {**old, **said}
    said |= {**_attempt(view, plan), **_stores(view, plan, old), "previous": _previous(view)}
    if (number := _follower(view, plan)) is not None:
        said |= {"storesReady": f"0/{stores.ready(view)[1]}", "stores": None, "progress": None}
        replaces = identity.rolling(view) or isinstance(plan.step, rollout.Begin)
        more = {**_served(view, old), "rollout": {"incarnation": number}} if replaces else {"incarnation": number}
    elif identity.rolling(view):
        more = {**_served(view, old), "rollout": _successor(view, plan)}
    else:
        more = _image(view)
    return _without_empty({**said, **more})


def _served(view: View, old: Mapping[str, Any]) -> dict[str, Any]:
    """What the status says of the image that serves: it stays as it is while another is made ready."""
    served = view.memory.served
    if served is None:
        return _image(view)
    kept = "name owner glanceStatus sizeBytes size virtualSizeBytes checksum cached applied"
    content = (old.get("content") or {}) | {"hash": served.content}
    known = {"id": served.id, "incarnation": served.incarnation, "content": _without_empty(content)}
    return {**{name: old.get(name) for name in kept.split()}, **known}


def _follower(view: View, plan: Plan) -> int | None:
    """The incarnation that is about to be made, if one is."""
    match plan.step:
        case content.NextIncarnation():
            return identity.next_incarnation(view.memory)
        case rollout.Begin(incarnation=number):
            return number
    return None


def _successor(view: View, plan: Plan) -> dict[str, Any] | None:
    """The image that is made ready while another serves."""
    if isinstance(plan.step, rollout.CallOff):
        return None
    found = {
        "id": view.image.id if view.image else view.memory.id,
        "incarnation": view.memory.incarnation,
        "source": view.memory.source if has_content(view) else None,
    }
    return _without_empty(found)


def _previous(view: View) -> list[dict[str, Any]]:
    """Images of earlier content that are still there, as far as is known."""
    gone = {image_id for image_id, image in view.others.items() if image is None}
    left = (kept for kept in view.memory.previous if kept.id not in gone)
    return [
        {"id": one.id, "incarnation": one.incarnation, "contentHash": one.content, "hidden": one.hidden} for one in left
    ]


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v not in (None, "", {}, [])}


_GIVEN_TO_A_POD = (
    content.ImportFromUrl
    | content.ImportFromRegion
    | stores.CopyToStores
    | transfer.StartTransfer
    | transfer.ImportStaged
)


def _image(view: View) -> dict[str, Any]:
    """What Glance shows; before there is an image, only under which number it will be made."""
    image, memory = view.image, view.memory
    if image is None:
        return {"incarnation": memory.incarnation if memory.incarnation > 1 else None, "id": memory.id or None}
    served = image.complete
    return {
        "id": image.id,
        "incarnation": memory.incarnation,
        "name": image.name,
        "owner": image.owner,
        "glanceStatus": image.status,
        "sizeBytes": image.size if served else None,
        "size": human(image.size) if served and image.size is not None else None,
        "virtualSizeBytes": image.virtual_size if served else None,
        "checksum": _checksum(image),
        "content": _content(view, image) if served else None,
        "cached": caching.entries(view),
        "applied": _applied(view),
        "members": _members(view),
    }


def _checksum(image: GlanceImage) -> dict[str, str] | None:
    return {"algorithm": image.hash_algo, "value": image.hash_value} if image.hash_value else None


def _content(view: View, image: GlanceImage) -> dict[str, Any]:
    found = delivered.proof(view) if has_content(view) else None
    said = {"hash": image.properties.get(identity.CONTENT), "source": retries.shown(view.memory.source)}
    return _without_empty({**said, "verified": found and found.told()})


def _applied(view: View) -> dict[str, Any]:
    """What is ours to remove later: all we may have set so far, shortened once the image is as the spec says."""
    spec, memory = view.spec, view.memory
    settled = has_content(view) and not metadata.differences(view)
    keep = Memory() if settled else memory
    awaited = memory.applied_properties & references.awaited(view).keys()
    return _without_empty(
        {
            "properties": sorted(keep.applied_properties | set(metadata.properties(view)) | awaited),
            "tags": sorted(keep.applied_tags | set(spec.tags or ())),
            "members": sorted(keep.applied_members | {m.project_id for m in spec.members or ()}),
            "stores": removal.filled(view),
        }
    )


def _members(view: View) -> list[dict[str, str]]:
    """What the projects of the spec have made of the image that is shared with them."""
    wanted, shared = sorted(m.project_id for m in view.spec.members or ()), view.members or {}
    return [{"projectID": project, "status": shared[project]} for project in wanted if project in shared]


def _attempt(view: View, plan: Plan) -> dict[str, Any]:
    memory = view.memory
    node, container = _taker(view, plan)
    begun = _begun(view, plan)
    last = begun or retries.tried(view) or (retries.source(view, memory.attempts - 1) if memory.attempts else "")
    attempt = {
        "contentHash": content.content_hash(view.spec) if begun else memory.attempt_hash,
        "source": retries.shown(last),
        "sourceHash": retries.fingerprint(begun) if begun else memory.tried,
        "method": transfer.method(view) if last or transfer.under_way(view) else None,
        "startTime": _started(view),
        "taskID": memory.task_id,
        "node": node,
        "containerID": container,
        "lost": memory.lost,
        "count": memory.attempts,
        "reason": memory.reason,
        "message": memory.cause,
        "rejected": memory.rejected,
        "nextAttemptTime": text(memory.next_attempt) if memory.next_attempt else None,
        "mismatched": [_mismatch(one) for one in memory.mismatched],
        "terminal": memory.terminal,
        **transfer.remembered(view, plan),
    }
    attempt = _without_empty({k: v for k, v in attempt.items() if v != 0})
    return {"attempt": attempt} if attempt else {}


def _begun(view: View, plan: Plan) -> str:
    """The address of an import that is written down before it is sent, as other bytes may come from there."""
    step = plan.step
    return step.url if isinstance(step, content.ImportFromUrl) and digests.demanded(view.spec) else ""


def _mismatch(one: Mismatch) -> dict[str, str]:
    found = {"source": one.address, "sourceHash": one.fingerprint, "value": one.value, "imageID": one.image_id}
    return _without_empty(found)


def _started(view: View) -> str | None:
    """Of the import under way: written once, it does not move any more."""
    if not content.running(view):
        return None
    return text(view.memory.started or view.now - timedelta(seconds=view.running_for))


def _taker(view: View, plan: Plan) -> tuple[str, str]:
    """Pod and container that have the import: written before it is sent, and kept as long as its lock is there."""
    if isinstance(plan.step, _GIVEN_TO_A_POD) and (node := plan.step.node):
        return node.name, node.container_id
    image = view.image if view.nodes is not None else None
    kept = image is not None and (image.lock or image.status == "uploading" or transfer.under_way(view))
    return (view.memory.node, view.memory.container_id) if kept else ("", "")


def _stores(view: View, plan: Plan, old: Mapping[str, Any]) -> dict[str, Any]:
    done, wanted = stores.ready(view)
    before = {s["name"]: s for s in old.get("stores") or ()}
    return {
        "storesReady": f"{done}/{wanted}",
        "progress": transfer.progress(view) or (f"{100 * done // wanted}%" if done else None),
        "stores": [_store(view, plan, name, before.get(name, {})) for name in _shown_stores(view)],
    }


def _shown_stores(view: View) -> list[str]:
    """Those that shall hold the data, and those that are to hold it no longer."""
    return list(dict.fromkeys((*stores.targets(view), *removal.drained(view), *removal.surplus(view))))


def _store(view: View, plan: Plan, name: str, before: Mapping[str, Any]) -> dict[str, Any]:
    condition = removal.store_condition(view, plan, name) or _store_condition(view, plan, name)
    memory = removal.entry_of(view, plan, name)
    pending = condition.reason != "Present"
    same = before.get("status") == condition.status
    entry = {
        "name": name,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "attempts": memory.attempts if pending and memory.attempts else None,
        "nextAttemptTime": text(memory.next_attempt) if pending and memory.next_attempt else None,
        "lastTransitionTime": before.get("lastTransitionTime") if same else text(view.now),
    }
    return _without_empty(entry)


def _store_condition(view: View, plan: Plan, name: str) -> Condition:
    if name in stores.present(view):
        return Condition(name, TRUE, "Present")
    if view.service.stores and name not in view.service.stores:
        return Condition(name, FALSE, "UnknownStore", "The image service has no store of this name")
    if content.running(view):
        return Condition(name, FALSE, "Importing")
    if memory := view.memory.stores.get(name):
        if not memory.attempts:
            return Condition(name, FALSE, "CopyInterrupted", stores.INTERRUPTED)
        return Condition(name, FALSE, "ImportFailed", stores.hint(view, (name,)))
    stopped = plan.state.phase is Phase.STALLED or view.memory.attempts
    return Condition(name, FALSE, plan.state.reason if stopped else "Pending")
