"""The GlanceAPI controller: what the engine asks of it, answered from Kubernetes and the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.core import inputs
from glance_operator.core.conditions import FALSE, TRUE, find
from glance_operator.core.glanceapi import decide
from glance_operator.core.glanceapi.caching import TendCache, to_be_cleared
from glance_operator.core.glanceapi.drawing import Drawing
from glance_operator.core.glanceapi.observed import Member, View
from glance_operator.core.glanceapi.status import recall, status
from glance_operator.core.manifests import Record
from glance_operator.core.manifests.plan import INSTANCE, NAME
from glance_operator.core.plan import Phase, Plan
from glance_operator.runtime.caches import PREFETCHED
from glance_operator.runtime.caretaker import Caretaker
from glance_operator.runtime.engine import finalizer
from glance_operator.runtime.errors import Invalid
from glance_operator.runtime.making import Maker, beside, workload
from glance_operator.runtime.parsing import parsed
from glance_operator.runtime.queue import Lane
from glance_operator.runtime.store import Body, Key, key_of
from glance_operator.runtime.world import World

AT_REST = 10.0  # seconds between two looks at the pods of a service that serves
AT_WORK = 2.0
PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Look:
    """One look: the view the rules had, what was drawn from it, and what they decided."""

    view: View
    drawn: Drawing | None
    plan: Plan


class GlanceAPIController(Maker):
    """What the engine asks for GlanceAPIs; see ``engine.Controller``."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._caretaker = Caretaker(world.clouds, world.objects, self._wake_prefetched)

    def look(self, key: Key, body: Body) -> Look:
        view = self._view(key, body)
        return Look(view, *decide(view))

    def act(self, key: Key, look: Look) -> None:
        if isinstance(look.plan.step, TendCache):
            self._caretaker.tend(look.view, look.plan.step)
        else:
            super().act(key, look)

    def status(self, look: Look, plan: Plan, body: Body) -> dict[str, Any] | None:
        return status(look.view, look.drawn, plan, body)

    def pace(self, key: Key, look: Look, plan: Plan) -> float:  # noqa: ARG002
        return AT_REST if plan.state.phase is not Phase.WORKING and not to_be_cleared(look.view) else AT_WORK

    def forget(self, key: Key) -> None:
        self._caretaker.forget(key.namespace, key.name)
        self._world.objects.forget(key.namespace, lambda name: name == key.name or name.startswith(f"{key.name}-"))

    def _wake_prefetched(self, namespace: str, api: str) -> None:
        """They look whether they are still in the caches."""
        for key in self._world.store.referrers("Image", namespace, PREFETCHED, api):
            self._world.queue.add(key, Lane.RESYNC)

    def _view(self, key: Key, body: Body) -> View:
        meta, spec = body["metadata"], parsed(GlanceAPISpec, body)
        members = tuple(self._members(key))
        wanted = [*inputs.of_api(spec), *(one for member in members for one in inputs.of_store(member.spec))]
        deleted = "deletionTimestamp" in meta
        quiet = spec.suspend or deleted
        return View(
            spec=spec,
            namespace=key.namespace,
            name=key.name,
            uid=meta["uid"],
            generation=meta.get("generation", 0),
            now=self._world.now(),
            image=spec.image or self._world.settings.glance_image,
            memory=recall(body),
            finalized=finalizer(key.kind) in (meta.get("finalizers") or ()),
            deleted=deleted,
            members=members,
            found={} if quiet else self._world.inputs.read(key.namespace, wanted),
            dependents=tuple(self._dependents(key)) if deleted else (),
            operator=_ourselves(self._world.settings.lease_namespace),
            care=self._caretaker.care(key.namespace, key.name),
            in_place=self._world.objects.in_place,
            **self._seen(key),
        )

    def _seen(self, key: Key) -> dict[str, Any]:
        """What Kubernetes has made of it."""
        served = workload(self._world.objects, key.namespace, key.name)
        policy = self._world.objects.get("Secret", key.namespace, f"{key.name}-policy")
        jobs, pods = beside(self._world.objects, key.namespace, f"{NAME}=glance,{INSTANCE}={key.name}")
        record = Record.read(policy) if policy else Record()
        return {"workload": served, "jobs": jobs, "pods": pods, "record": record}

    def _members(self, key: Key) -> list[Member]:
        store = self._world.store
        keys = store.referrers("GlanceStore", key.namespace, "glanceAPI", key.name)
        return [m for one in keys if (body := store.get(one)) and (m := _member(one, body, self._world.now()))]

    def _dependents(self, key: Key) -> list[str]:
        store = self._world.store
        keys = [
            one
            for kind in ("Image", "GlanceStore")
            for one in store.referrers(kind, key.namespace, "glanceAPI", key.name)
        ]
        bodies = [body for one in keys if (body := store.get(one)) and "deletionTimestamp" in body["metadata"]]
        return [f"{key_of(body).kind} {key_of(body).name}" for body in bodies]


def _ourselves(namespace: str) -> dict[str, Any]:
    """The operator's pods, as a NetworkPolicy names them."""
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "podSelector": {"matchLabels": {NAME: "glance-operator"}},
    }


def _member(key: Key, body: Body, now: datetime) -> Member | None:
    """None for a store that cannot be understood: it says so itself."""
    try:
        spec = parsed(GlanceStoreSpec, body)
    except Invalid:
        return None
    conditions = (body.get("status") or {}).get("conditions") or ()
    in_use = find(conditions, "InUse")
    deleted = "deletionTimestamp" in body["metadata"]
    since = in_use.get("observedGeneration") == body["metadata"].get("generation")  # a deletion counts as one
    return Member(
        name=key.name,
        id=spec.store_id or key.name,
        spec=spec,
        usable=find(conditions, "Usable").get("status") == TRUE,
        deleted=deleted,
        empty=deleted and since and in_use.get("status") == FALSE,
        probing=_probing(body, now),
    )


def _probing(body: Body, now: datetime) -> bool:
    """What takes longer than a minute is not waited for by others."""
    usable = find((body.get("status") or {}).get("conditions") or (), "Usable")
    since = usable.get("lastTransitionTime") or body["metadata"]["creationTimestamp"]
    fresh = usable.get("reason", "Probing") == "Probing"
    return fresh and now - datetime.fromisoformat(since) < PATIENCE
