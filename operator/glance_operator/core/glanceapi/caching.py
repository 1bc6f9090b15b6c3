"""The caches of the pods: cleared of what an earlier pod had, pruned and cleaned. Nothing else waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from glance_operator.api.base import seconds
from glance_operator.core.glanceapi.observed import Care, View
from glance_operator.core.plan import Plan, Step, doing
from glance_operator.core.workload import Pod

AGAIN = timedelta(minutes=1)  # so long a pod is left alone that could not be dealt with


@dataclass(frozen=True, slots=True)
class TendCache(Step):
    """Have a pod prune and clean its cache.

    clear: have it forget everything instead, and note that on the pod. Its volume is new, but in Glance's tables pods
    are known by their addresses, and there an earlier pod's files are still listed.
    """

    pod: str
    uid: str
    url: str
    clear: bool


def tend(view: View) -> Plan | None:
    """One pod after the other, whatever else is going on."""
    if not view.memory.serving:  # nobody finds the pods before the status tells where they are
        return None
    due = next((pod for pod in view.pods_of("api") if _is_due(view, pod)), None)
    if due is None:
        return None
    step = TendCache(due.name, due.uid, view.url_of(due), clear=not due.cleared)
    return doing(step, "TendingCache", f"Tending the cache of pod {due.name}")


def _is_due(view: View, pod: Pod) -> bool:
    if view.spec.cache is None or not pod.caching or not pod.ready or pod.leaving:
        return False
    care = view.care.get(pod.uid)
    return care is None or care.due <= view.now


def next_time(view: View, trouble: str = "") -> Care:
    """What is to be remembered of a pod that was just tended, or could not be."""
    every = timedelta(seconds=seconds(view.spec.cache.maintenance_interval)) if view.spec.cache else AGAIN
    return Care(view.now + (min(every, AGAIN) if trouble else every), trouble)


def to_be_cleared(view: View) -> bool:
    """Whether a cache is about to become usable."""
    fresh = (pod for pod in view.pods_of("api") if pod.cache_ready is False and pod.uid not in view.care)
    return view.spec.cache is not None and any(fresh)


def troubles(view: View) -> list[str]:
    """What went wrong the last time, by pod."""
    known = ((pod, view.care.get(pod.uid)) for pod in view.pods_of("api") if pod.ready)
    return sorted(f"{pod.name}: {care.trouble}" for pod, care in known if care and care.trouble)
