"""The image in the caches of the service's pods: put there, kept there, taken away. Being served depends on none of it.

Images have their turn in the order of their names; what does not fit beside those before is not put into any cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glance_operator.core.conditions import FALSE, TRUE, UNKNOWN, Condition, find
from glance_operator.core.image.caches import CacheList, CacheMemory
from glance_operator.core.image.observed import Node, View
from glance_operator.core.image.sizes import human
from glance_operator.core.plan import Plan, Step, doing

CACHED, NO_CACHE, TOO_SMALL = "Cached", "NoCache", "CacheTooSmall"
_SOON, _LATE = 0.5, 15.0  # seconds between two looks at what was asked for: they grow with the time since
_FETCHING = 60.0  # seconds for which a fetch that is no longer wanted is waited for, so that its file can be removed


@dataclass(frozen=True, slots=True)
class CacheImage(Step):
    """PUT /v2/cache/{id} at this pod."""

    image_id: str
    node: Node


@dataclass(frozen=True, slots=True)
class UncacheImage(Step):
    """DELETE /v2/cache/{id} at this pod."""

    image_id: str
    node: Node


def asked_for(spec: Mapping[str, Any]) -> bool:
    """Whether the spec of an Image, as the API server gives it, wants it in the caches."""
    return bool((spec.get("cache") or {}).get("prefetch", "None") == "AllNodes")


def wanted(view: View) -> bool:
    return view.spec.cache is not None and view.spec.cache.prefetch == "AllNodes"


def concerned(view: View) -> bool:
    """Whether caches have to be looked at: the image is to be there, or was put there."""
    return wanted(view) or bool(view.memory.cached)


def keep(view: View) -> bool:
    """Whether it is to be in the caches: it is wanted there, has content, and fits."""
    return wanted(view) and view.deleted_at is None and has_data(view) and fits(view)


def has_data(view: View) -> bool:
    return view.image is not None and view.image.status == "active"


def fits(view: View) -> bool:
    return view.caches.room is not None and view.caches.taken + size(view) <= view.caches.room


def size(view: View) -> int:
    return (view.image.size if view.image else None) or 0


def taken(sizes: Mapping[str, int], room: int) -> dict[str, int]:
    """For each image, how many bytes are used by the time it is its turn; one that is too large by then has none."""
    found, total = {}, 0
    for name, needs in sorted(sizes.items()):
        found[name] = total
        total += needs if total + needs <= room else 0
    return found


def concerns(view: View, node: Node) -> bool:
    """Whether that pod has to be asked what its cache lists, which must be believable."""
    return _usable(node) and (keep(view) or node.name in view.memory.cached)


def _usable(node: Node) -> bool:
    return node.open and bool(node.cache_ready)


def prefetch(view: View) -> Plan | None:
    """One pod after the other."""
    node = next((node for node in _lacking(view) if node.name not in view.caches.resting), None)
    if node is None or view.image is None:
        return None
    return doing(CacheImage(view.image.id, node), "Caching", f"Putting the image into the cache of {node.name}")


def remove(view: View) -> Plan | None:
    """It is no longer wanted there, or its place is another's now."""
    patient = view.caches.idle < _FETCHING
    due = (n for n in _left(view) if _listed(view, n) and not (patient and _is_queued(view, n)))
    return _remove(view, due)


def leave(view: View) -> Plan | None:
    """Before the image goes: Glance itself would clear the cache of one pod only. Who cannot be asked is not waited
    for; what stays there is pruned one day."""
    return _remove(view, (node for node in _left(view) if _listed(view, node)))


def _remove(view: View, due: Iterator[Node]) -> Plan | None:
    node = next((node for node in due if node.name not in view.caches.resting), None)
    if node is None or view.image is None:
        return None
    return doing(UncacheImage(view.image.id, node), "Uncaching", f"Removing the image from the cache of {node.name}")


def _lacking(view: View) -> list[Node]:
    """Pods that can be asked to fetch it."""
    if not keep(view):
        return []
    return [n for n in view.nodes or () if n.name in view.caches.lists and not _is_cached(view, n)]


def _left(view: View) -> list[Node]:
    """Pods of which nobody knows yet that it is gone from their caches. A new pod's cache is empty."""
    if keep(view) or not has_data(view):
        return []
    known = [n for n in view.nodes or () if n.cache_ready and n.name in view.memory.cached]
    return [n for n in known if n.name not in view.caches.lists or _listed(view, n)]


def _list(view: View, node: Node) -> CacheList:
    return view.caches.lists.get(node.name, CacheList())


def _is_cached(view: View, node: Node) -> bool:
    return view.image is not None and view.image.id in _list(view, node).cached


def _is_queued(view: View, node: Node) -> bool:
    return view.image is not None and view.image.id in _list(view, node).queued


def _listed(view: View, node: Node) -> bool:
    return _is_cached(view, node) or _is_queued(view, node)


def done(view: View) -> bool:
    """Whether all that can be asked have it, or have it no more."""
    return not _lacking(view) and not _left(view)


def until_next(view: View) -> float | None:
    """Seconds until the next look at what was asked for; None if nothing was, or only pods' return is awaited."""
    awaited = _lacking(view) or [n for n in _left(view) if n.ready]
    silent = keep(view) and any(concerns(view, n) and n.name not in view.caches.lists for n in view.nodes or ())
    return max(_SOON, min(_LATE, 0.15 * view.caches.idle)) if awaited or silent else None


def quiet(body: Mapping[str, Any], nodes: Iterable[Node], fitting: bool | None) -> bool:
    """Whether nothing is to be done about caches, as far as an Image itself tells. fitting: None without a cache."""
    status = body.get("status") or {}
    cached = {one["node"]: one for one in status.get("cached") or ()}
    reason = find(status.get("conditions") or (), CACHED).get("reason")
    if not asked_for(body["spec"]):
        return not cached and reason is None
    if not fitting:
        return not cached and reason == (NO_CACHE if fitting is None else TOO_SMALL)
    by_name = {node.name: node for node in nodes}
    told = cached.keys() == by_name.keys() and reason not in (NO_CACHE, TOO_SMALL)
    return told and all(_rests(by_name[name], entry) for name, entry in cached.items())


def _rests(node: Node, entry: Mapping[str, Any]) -> bool:
    """It has the image, or cannot be asked for it."""
    if entry.get("status") == TRUE:
        return bool(entry.get("containerID") == node.container_id)
    return not _usable(node)


# What is said


def entries(view: View) -> list[dict[str, str]]:
    """status.cached."""
    nodes = list(view.nodes or ()) if keep(view) else _left(view)
    return [_entry(view, node) for node in sorted(nodes, key=lambda node: node.name)]


def _entry(view: View, node: Node) -> dict[str, str]:
    before = view.memory.cached.get(node.name, CacheMemory())
    if node.name in view.caches.lists:
        there = _is_cached(view, node)
    else:  # its file is where it was as long as the container is the same
        there = before.cached and before.container_id == node.container_id
    status, reason = (TRUE, CACHED) if there else (FALSE, _why_not(view, node))
    told = {"node": node.name, "status": status, "reason": reason, "containerID": node.container_id}
    return {name: value for name, value in told.items() if value}


def _why_not(view: View, node: Node) -> str:
    if not keep(view):
        return "Removing"
    if node.name in view.caches.lists:
        return "Caching"
    return "PodNotAnswering" if _usable(node) else "PodNotReady"


def condition(view: View) -> Condition | None:
    """None where nobody has asked for caches."""
    if not wanted(view):
        left = ", ".join(_told(view, one) for one in entries(view))
        return Condition(CACHED, FALSE, "Removing", f"Still in caches of pods; {left}") if left else None
    if not has_data(view):
        return Condition(CACHED, UNKNOWN, "NotImported", "Put into the caches once the content is there")
    if refused := _refused(view):
        return refused
    pods = entries(view)
    lacking = [_told(view, one) for one in pods if one["status"] != TRUE]
    said = "; ".join([f"In the caches of {len(pods) - len(lacking)} of {len(pods)} pods", *lacking])
    if pods and not lacking:
        return Condition(CACHED, TRUE, "AllNodes", said)
    return Condition(CACHED, FALSE, "Caching" if pods else "NoPods", said)


def _told(view: View, entry: Mapping[str, str]) -> str:
    words = view.caches.words.get(entry["node"])
    return f"{entry['node']}: {entry['reason']}" + (f" ({words})" if words else "")


def _refused(view: View) -> Condition | None:
    """Why it is put into no cache."""
    room, api = view.caches.room, view.spec.glance_api_ref.name if view.spec.glance_api_ref else ""
    if room is None:
        return Condition(CACHED, FALSE, NO_CACHE, f"GlanceAPI {api} runs without a cache: set its spec.cache")
    if fits(view):
        return None
    return Condition(
        CACHED,
        FALSE,
        TOO_SMALL,
        f"The image has {human(size(view))}. Of {human(room)} (GlanceAPI {api}, spec.cache.maxSize) "
        f"{human(view.caches.taken)} are for images with names before it: enlarge maxSize and volumeSize, or take "
        f"spec.cache.prefetch from another Image",
    )
