"""What is said about an Image: the whole status, computed afresh at each look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glance_operator.core.conditions import FALSE, TRUE, UNKNOWN, Condition, find, merged, standard, truth
from glance_operator.core.image import caching, content, delivered, identity, metadata, retries, stores, transfer
from glance_operator.core.image.memory import CLOUD_READY, GONE, text
from glance_operator.core.image.observed import GlanceImage, Memory, StoreMemory, View
from glance_operator.core.image.sizes import human
from glance_operator.core.past import retry_wanted
from glance_operator.core.plan import Phase, Plan


def status(view: View, plan: Plan, body: Mapping[str, Any]) -> dict[str, Any]:
    """The new ``status`` of ``body``; equal to the old one when there is nothing new to say."""
    old = body.get("status") or {}
    conditions = merged(old.get("conditions") or (), _conditions(view, plan, old), view.generation, text(view.now))
    said = {"observedGeneration": view.generation, "conditions": conditions}
    if retry := retry_wanted(body):
        said["lastHandledRetry"] = retry
    if not view.looked:  # what was known stays
        return {**old, **said}
    if isinstance(plan.step, content.NextIncarnation):
        number = view.memory.incarnation + 1
        return {**said, **_attempt(view, plan), "incarnation": number, "storesReady": f"0/{stores.ready(view)[1]}"}
    return _without_empty({**said, **_image(view), **_attempt(view, plan), **_stores(view, plan, old)})


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v not in (None, "", {}, [])}


def _conditions(view: View, plan: Plan, old: Mapping[str, Any]) -> list[Condition]:
    if _still_served(view):
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


def _quiet() -> tuple[Condition, ...]:
    return Condition("Reconciling", FALSE, "NotReconciling"), Condition("Stalled", FALSE, "NotStalled")


_GIVEN_TO_A_POD = content.ImportFromUrl | stores.CopyToStores | transfer.StartTransfer | transfer.ImportStaged
_OWN = ("Imported", delivered.VERIFIED, "StoresReady", "MetadataSynced", "UpToDate", caching.CACHED)


def _kept(old: Mapping[str, Any], *more: str) -> list[Condition]:
    """The kind's own conditions as they were."""
    found = (find(old.get("conditions") or (), kind) for kind in (*_OWN, *more))
    return [Condition(c["type"], c["status"], c["reason"], c.get("message", "")) for c in found if c]


def _own(view: View, plan: Plan) -> list[Condition]:
    found = [_imported(view, plan), _stores_ready(view, plan), _synced(view), _up_to_date(view)]
    return [*found, *filter(None, (delivered.condition(view), caching.condition(view)))]


def has_content(view: View) -> bool:
    """The image has its data, nobody has refused it, and no import is at work on it."""
    return content.arrived(view) and view.image is not None and view.memory.rejected != view.image.id


def _imported(view: View, plan: Plan) -> Condition:
    if has_content(view):
        return Condition("Imported", TRUE, "Imported")
    return Condition("Imported", FALSE, plan.state.reason, plan.state.message)


def _stores_ready(view: View, plan: Plan) -> Condition:
    done, wanted = stores.ready(view)
    said = stores.summary(view)
    if done == wanted and has_content(view):
        return Condition("StoresReady", TRUE, "AllStores", said)
    if done and has_content(view) and stores.allow_failure(view):
        return Condition("StoresReady", FALSE, "PartialFailure", said)
    return Condition("StoresReady", FALSE, plan.state.reason, said)


def _synced(view: View) -> Condition:
    if not has_content(view):
        return Condition("MetadataSynced", UNKNOWN, "NotImported", "Compared once the content is there")
    names = metadata.differences(view)
    if not names:
        return Condition("MetadataSynced", TRUE, "Synced")
    reason = "Drifted" if metadata.reports_only(view) else "Pending"
    return Condition("MetadataSynced", FALSE, reason, f"Differs in {', '.join(names)}")


def _up_to_date(view: View) -> Condition:
    if view.image is None or not has_content(view):
        return Condition("UpToDate", UNKNOWN, "NotImported")
    same = view.image.properties.get(identity.CONTENT) in (None, content.content_hash(view.spec))
    return Condition("UpToDate", truth(same), "UpToDate" if same else "ContentChanged")


def _image(view: View) -> dict[str, Any]:
    """What Glance shows; before there is an image, only under which number it will be made."""
    image, memory = view.image, view.memory
    if image is None:
        return {"incarnation": memory.incarnation if memory.incarnation > 1 else None, "id": memory.id or None}
    served = image.status == "active"
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
    }


def _checksum(image: GlanceImage) -> dict[str, str] | None:
    return {"algorithm": image.hash_algo, "value": image.hash_value} if image.hash_value else None


def _content(view: View, image: GlanceImage) -> dict[str, Any]:
    found = delivered.proof(view) if has_content(view) else None
    said = {"hash": image.properties.get(identity.CONTENT), "source": view.memory.source}
    return _without_empty({**said, "verified": found and found.told()})


def _applied(view: View) -> dict[str, Any]:
    """What is ours to remove later: all we may have set so far, shortened once the image is as the spec says."""
    spec, memory = view.spec, view.memory
    settled = has_content(view) and not metadata.differences(view)
    keep = Memory() if settled else memory
    return _without_empty(
        {
            "properties": sorted(keep.applied_properties | set(metadata.properties(view))),
            "tags": sorted(keep.applied_tags | set(spec.tags or ())),
            "members": sorted(keep.applied_members | {m.project_id for m in spec.members or ()}),
            "stores": sorted(stores.present(view)),
        }
    )


def _attempt(view: View, plan: Plan) -> dict[str, Any]:
    memory = view.memory
    node, container = _taker(view, plan)
    attempt = {
        "contentHash": memory.attempt_hash,
        "source": retries.source(view, memory.attempts - 1) if memory.attempts else None,
        "method": transfer.method(view) if memory.attempts or transfer.under_way(view) else None,
        "taskID": memory.task_id,
        "node": node,
        "containerID": container,
        "lost": memory.lost,
        "count": memory.attempts,
        "nextAttemptTime": text(memory.next_attempt) if memory.next_attempt else None,
        "reason": memory.reason,
        "message": memory.cause,
        "rejected": memory.rejected,
        "terminal": memory.terminal,
        **transfer.remembered(view, plan),
    }
    attempt = _without_empty({k: v for k, v in attempt.items() if v != 0})
    return {"attempt": attempt} if attempt else {}


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
        "stores": [_store(view, plan, name, before.get(name, {})) for name in stores.targets(view)],
    }


def _store(view: View, plan: Plan, name: str, before: Mapping[str, Any]) -> dict[str, Any]:
    condition = _store_condition(view, plan, name)
    memory = view.memory.stores.get(name, StoreMemory())
    pending = condition.status != TRUE
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
        return Condition(name, FALSE, "ImportFailed", stores.hint())
    stopped = plan.state.phase is Phase.STALLED or view.memory.attempts
    return Condition(name, FALSE, plan.state.reason if stopped else "Pending")
