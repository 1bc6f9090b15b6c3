"""Why: the Kubernetes objects that we make for ours: applied as a whole, found by their labels, deleted by name."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from glance_operator.runtime.kube import Transport
from glance_operator.runtime.rest import Request, Resource
from glance_operator.runtime.store import Body

MANAGER = "glance-operator"
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
_SURE_FOR = 60.0  # seconds for which what was applied is taken to be there; then it is applied again: drift is undone

RESOURCES = {
    "ConfigMap": Resource("", "v1", "configmaps"),
    "CronJob": Resource("batch", "v1", "cronjobs"),
    "Event": Resource("events.k8s.io", "v1", "events"),
    "Ingress": Resource("networking.k8s.io", "v1", "ingresses"),
    "Job": Resource("batch", "v1", "jobs"),
    "NetworkPolicy": Resource("networking.k8s.io", "v1", "networkpolicies"),
    "PersistentVolumeClaim": Resource("", "v1", "persistentvolumeclaims"),
    "Pod": Resource("", "v1", "pods"),
    "PodDisruptionBudget": Resource("policy", "v1", "poddisruptionbudgets"),
    "Secret": Resource("", "v1", "secrets"),
    "Service": Resource("", "v1", "services"),
    "ServiceAccount": Resource("", "v1", "serviceaccounts"),
    "StatefulSet": Resource("apps", "v1", "statefulsets"),
}


class Objects:
    """Reads, applies and deletes them. Thread-safe; each call may raise ApiError or Unreachable."""

    def __init__(self, transport: Transport, clock: Callable[[], float] = time.monotonic) -> None:
        self._transport, self._clock = transport, clock
        self._lock = threading.Lock()
        self._applied: dict[tuple[str, str, str], tuple[str, float]] = {}

    def get(self, kind: str, namespace: str, name: str) -> Body | None:
        """None if there is none."""
        return self._transport.find(Request("GET", RESOURCES[kind].path(namespace, name)))

    def find(self, kind: str, namespace: str, **query: str) -> list[Body]:
        """All that a labelSelector or fieldSelector finds; there are never many."""
        page = self._transport.call(Request("GET", f"{RESOURCES[kind].path(namespace)}?{urlencode(query)}"))
        return [{"kind": kind, **item} for item in page["items"] or ()]

    def log(self, namespace: str, pod: str, container: str, lines: int) -> str:
        """The last lines that the container has written."""
        query = urlencode({"container": container, "tailLines": lines})
        return self._transport.text(Request("GET", f"{RESOURCES['Pod'].path(namespace, pod, 'log')}?{query}"))

    def apply(self, wanted: Body) -> Body:
        """Server-side apply: ours is ours even if somebody else has changed it, theirs stays theirs."""
        made = self._transport.call(Request("PATCH", _application(wanted), wanted, APPLY, fenced=True))
        with self._lock:
            self._applied[_place(wanted)] = (_digest(wanted), self._clock())
        return made

    def foreseen(self, wanted: Body) -> Body:
        """What the object would be, were it applied; nothing is changed."""
        return self._transport.call(Request("PATCH", _application(wanted, dryRun="All"), wanted, APPLY))

    def in_place(self, wanted: Body) -> bool:
        """Whether exactly this was applied by this process a short while ago."""
        digest, when = self._applied.get(_place(wanted), ("", 0.0))
        return digest == _digest(wanted) and self._clock() - when < _SURE_FOR

    def annotate(self, kind: str, namespace: str, name: str, annotations: Mapping[str, str]) -> None:
        """Of an object that somebody else makes; that it is gone is no error."""
        self.merge(kind, namespace, name, {"metadata": {"annotations": dict(annotations)}})

    def merge(self, kind: str, namespace: str, name: str, patch: Body) -> None:
        """Change these fields alone; that the object is gone is no error."""
        path = RESOURCES[kind].path(namespace, name)
        self._transport.find(Request("PATCH", path, patch, MERGE, fenced=True))

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """With what it owns; that it is gone already is no error."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        with self._lock:
            self._applied.pop((kind, namespace, name), None)
        self._transport.find(Request("DELETE", RESOURCES[kind].path(namespace, name), options, fenced=True))

    def forget(self, namespace: str, names: Callable[[str], bool]) -> None:
        """Of objects of a namespace whose names say so: their owner is gone."""
        with self._lock:
            self._applied = {p: a for p, a in self._applied.items() if not (p[1] == namespace and names(p[2]))}


def _application(wanted: Body, **more: str) -> str:
    meta = wanted["metadata"]
    query = urlencode({"fieldManager": MANAGER, "force": "true", **more})
    return f"{RESOURCES[wanted['kind']].path(meta['namespace'], meta['name'])}?{query}"


def _place(wanted: Body) -> tuple[str, str, str]:
    return wanted["kind"], wanted["metadata"]["namespace"], wanted["metadata"]["name"]


def _digest(wanted: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
