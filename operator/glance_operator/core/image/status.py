"""What is said about an Image: the whole status, computed afresh at each look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glance_operator.core.conditions import FALSE, TRUE, UNKNOWN, Condition, find, merged, standard, truth
from glance_operator.core.image import (
    caching,
    content,
    digests,
    identity,
    metadata,
    removal,
    retries,
    stores,
    verification,
)
from glance_operator.core.image.digests import Mismatch
from glance_operator.core.image.memory import CLOUD_READY, GONE, text
from glance_operator.core.image.observed import GlanceImage, Memory, View
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


_OWN = (
    "Imported",
    verification.VERIFIED,
    "StoresReady",
    removal.NO_CENTRAL_COPY,
    "MetadataSynced",
    "UpToDate",
    caching.CACHED,
)


def _kept(old: Mapping[str, Any], *more: str) -> list[Condition]:
    """The kind's own conditions as they were."""
    found = (find(old.get("conditions") or (), kind) for kind in (*_OWN, *more))
    return [Condition(c["type"], c["status"], c["reason"], c.get("message", "")) for c in found if c]


def _own(view: View, plan: Plan) -> list[Condition]:
    found = [
        _imported(view, plan),
        verification.condition(view),
        _stores_ready(view, plan),
        removal.central_condition(view),
        _synced(view),
        _up_to_date(view),
        caching.condition(view),
    ]
    return [one for one in found if one is not None]


def has_content(view: View) -> bool:
    """The image has its data, as far as can be told the right one, and no import is at work on it."""
    return content.arrived(view) and not verification.is_rejected(view)


def _imported(view: View, plan: Plan) -> Condition:
    if has_content(view):
        return Condition("Imported", TRUE, "Imported")
    return Condition("Imported", FALSE, plan.state.reason, plan.state.message)


def _stores_ready(view: View, plan: Plan) -> Condition:
    done, wanted = stores.ready(view)
    said = removal.served(view)
    if removal.drained(view) and has_content(view):
        return Condition("StoresReady", FALSE, removal.DRAINING, said)
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
    same = content.is_as_described(view)
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


def _content(view: View, image: GlanceImage) -> dict[str, str]:
    return _without_empty({"hash": image.properties.get(identity.CONTENT), "source": retries.shown(view.memory.source)})


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
            "stores": removal.filled(view),
        }
    )


def _attempt(view: View, plan: Plan) -> dict[str, Any]:
    memory = view.memory
    node, container = _taker(view, plan)
    begun = _begun(view, plan)
    last = begun or retries.tried(view) or (retries.source(view, memory.attempts - 1) if memory.attempts else "")
    attempt = {
        "contentHash": content.content_hash(view.spec) if begun else memory.attempt_hash,
        "source": retries.shown(last),
        "sourceHash": retries.fingerprint(begun) if begun else memory.tried,
        "method": content.WEB_DOWNLOAD if last else None,
        "taskID": memory.task_id,
        "node": node,
        "containerID": container,
        "lost": memory.lost,
        "count": memory.attempts,
        "nextAttemptTime": text(memory.next_attempt) if memory.next_attempt else None,
        "mismatched": [_mismatch(one) for one in memory.mismatched],
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


def _taker(view: View, plan: Plan) -> tuple[str, str]:
    """Pod and container that have the import: written before it is sent, and kept as long as its lock is there."""
    if isinstance(plan.step, content.ImportFromUrl | stores.CopyToStores) and (node := plan.step.node):
        return node.name, node.container_id
    locked = view.nodes is not None and view.image is not None and view.image.lock
    return (view.memory.node, view.memory.container_id) if locked else ("", "")


def _stores(view: View, plan: Plan, old: Mapping[str, Any]) -> dict[str, Any]:
    done, wanted = stores.ready(view)
    before = {s["name"]: s for s in old.get("stores") or ()}
    return {
        "storesReady": f"{done}/{wanted}",
        "progress": f"{100 * done // wanted}%" if done else None,
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
        return Condition(name, FALSE, "ImportFailed", stores.hint())
    stopped = plan.state.phase is Phase.STALLED or view.memory.attempts
    return Condition(name, FALSE, plan.state.reason if stopped else "Pending")
