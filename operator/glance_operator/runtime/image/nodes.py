"""The pods of a service of ours: as its GlanceAPI's status names them, and as the API server tells now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from glance_operator.core import seen
from glance_operator.core.image.observed import Node
from glance_operator.core.manifests.plan import COMPONENT, INSTANCE, NAME
from glance_operator.core.workload import Pod
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.objects import Objects
from glance_operator.runtime.store import Key, Store

_KEPT = 600.0  # seconds


def nodes_of(store: Store, namespace: str, api: str) -> tuple[Node, ...]:
    """As last seen, some seconds ago; none if there is no such GlanceAPI."""
    body = store.get(Key(SERVICE, namespace, api)) or {}
    return tuple(_node(one) for one in (body.get("status") or {}).get("nodes") or () if one.get("url"))


def _node(said: Mapping[str, Any]) -> Node:
    return Node(
        said["name"],
        said["url"],
        said.get("containerID") or "",
        bool(said.get("ready")),
        bool(said.get("leaving")),
        said.get("cacheReady"),
    )


def fresh(known: Iterable[Node], pods: Iterable[Pod]) -> tuple[Node, ...]:
    """The pods of now; where they are is known from before, and of a new one not yet."""
    urls = {one.name: one.url for one in known}
    return tuple(
        Node(pod.name, urls.get(pod.name, ""), pod.container_id, pod.ready, pod.leaving, pod.cache_ready)
        for pod in sorted(pods, key=lambda pod: pod.name)
    )


class Pods:
    """What the API server tells of the pods of a service, asked once for all who want to know. Thread-safe."""

    def __init__(self, objects: Objects, clock: Callable[[], float] = time.monotonic) -> None:
        self._objects, self._clock = objects, clock
        self._lock = threading.Lock()
        self._turns: dict[tuple[str, str], threading.Lock] = {}
        self._seen: dict[tuple[str, str], tuple[float, tuple[Pod, ...]]] = {}

    def now(self, namespace: str, api: str, max_age: float) -> tuple[Pod, ...]:
        """As they were at most so many seconds before this call. Raises ApiError or Unreachable."""
        service, since = (namespace, api), self._clock() - max_age
        with self._lock:
            turn = self._turns.setdefault(service, threading.Lock())
        with turn:  # who comes meanwhile finds what this one brings
            at, pods = self._seen.get(service, (float("-inf"), ()))
            return pods if at >= since else self._ask(service)

    def _ask(self, service: tuple[str, str]) -> tuple[Pod, ...]:
        at, (namespace, api) = self._clock(), service
        labels = f"{NAME}=glance,{INSTANCE}={api},{COMPONENT}=api"
        pods = tuple(seen.pod(body) for body in self._objects.find("Pod", namespace, labelSelector=labels))
        with self._lock:
            self._seen = {one: found for one, found in self._seen.items() if at - found[0] < _KEPT}
            self._seen[service] = (at, pods)
        return pods
