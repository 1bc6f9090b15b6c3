"""The GlanceStore controller: what the engine asks of it, answered from Kubernetes and the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.core.conditions import TRUE, find
from glance_operator.core.glancestore import decide
from glance_operator.core.glancestore.observed import Api, Residents, View
from glance_operator.core.glancestore.proof import wanted
from glance_operator.core.glancestore.status import recall, status
from glance_operator.core.manifests import proofs
from glance_operator.core.manifests.plan import COMPONENT, INSTANCE
from glance_operator.core.past import past_of
from glance_operator.core.plan import Phase, Plan
from glance_operator.core.workload import Job, Pod
from glance_operator.runtime.census import Census
from glance_operator.runtime.engine import finalizer
from glance_operator.runtime.errors import Invalid
from glance_operator.runtime.making import Maker, beside
from glance_operator.runtime.parsing import parsed
from glance_operator.runtime.store import Body, Key
from glance_operator.runtime.world import World

AT_REST = 30.0  # seconds: credentials are looked at again
AT_WORK = 2.0
FRESH, AT_TIMES = 5.0, 600.0  # seconds for which a count of images is believed: at a deletion, and at rest


@dataclass(frozen=True, slots=True)
class Look:
    """One look: the view the rules had, and what they decided."""

    view: View
    plan: Plan


class GlanceStoreController(Maker):
    """What the engine asks for GlanceStores; see ``engine.Controller``."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._census = Census(world.clouds)

    def look(self, key: Key, body: Body) -> Look:
        return Look(*decide(self._view(key, body)))

    def status(self, look: Look, plan: Plan, body: Body) -> dict[str, Any] | None:
        return status(look.view, plan, body)

    def pace(self, key: Key, look: Look, plan: Plan) -> float:  # noqa: ARG002
        return AT_REST if plan.state.phase is not Phase.WORKING else AT_WORK

    def forget(self, key: Key) -> None:
        self._world.objects.forget(key.namespace, lambda name: proofs.is_proof(name, key.name))

    def _view(self, key: Key, body: Body) -> View:
        meta, spec = body["metadata"], parsed(GlanceStoreSpec, body)
        api = self._api(key, spec.glance_api_ref.name)
        quiet = spec.suspend or "deletionTimestamp" in meta
        jobs, pods = ({}, ()) if quiet else self._probes(key, spec.glance_api_ref.name)
        memory, rival = recall(body), self._rival(key, body)
        return View(
            spec=spec,
            namespace=key.namespace,
            name=key.name,
            uid=meta["uid"],
            generation=meta.get("generation", 0),
            now=self._world.now(),
            api=api,
            memory=memory,
            past=past_of(body),
            finalized=finalizer(key.kind) in (meta.get("finalizers") or ()),
            deleted="deletionTimestamp" in meta,
            found={} if quiet else self._world.inputs.read(key.namespace, wanted(spec, api)),
            kept=not quiet and self._proven(key, memory.hash) is not None,
            jobs=jobs,
            pods=pods,
            images=None if rival else self._images(key, spec, api, deleted="deletionTimestamp" in meta),
            rival=rival,
            refresh=timedelta(seconds=self._world.settings.probe_interval),
            in_place=self._world.objects.in_place,
        )

    def _images(self, key: Key, spec: GlanceStoreSpec, api: Api | None, *, deleted: bool) -> Residents | None:
        store_id = spec.store_id or key.name
        if api is None or store_id not in api.stores or spec.suspend:
            return None
        max_age = FRESH if deleted else AT_TIMES
        drains = deleted and spec.deletion_policy == "Drain"
        managed = self._managed(key.namespace, api.name, store_id) if drains else None
        return self._census.of(key.namespace, api.name, store_id, max_age, coming=deleted, managed=managed)

    def _managed(self, namespace: str, api: str, store_id: str) -> dict[str, str]:
        """By Glance's id, the images that Image objects move away, and what each says is in the way."""
        store = self._world.store
        keys = store.referrers("Image", namespace, "glanceAPI", api)
        return dict(_mover(body, store_id) for key in keys if (body := store.get(key)))

    def _api(self, key: Key, name: str) -> Api | None:
        """None also for one that cannot be understood: it says so itself."""
        body = self._world.store.get(Key("GlanceAPI", key.namespace, name))
        try:
            spec = parsed(GlanceAPISpec, body) if body else None
        except Invalid:
            spec = None
        if body is None or spec is None:
            return None
        stores = (body.get("status") or {}).get("stores") or ()
        image = spec.image or self._world.settings.glance_image
        proven = {one["name"]: one.get("hash", "") for one in stores}
        meta = body["metadata"]
        return Api(name, meta["uid"], spec, image, proven, ending="deletionTimestamp" in meta)

    def _probes(self, key: Key, api: str) -> tuple[dict[str, Job], tuple[Pod, ...]]:
        """Those of this store: they are named after it."""
        labels = f"{INSTANCE}={api},{COMPONENT}=probe"
        jobs, pods = beside(self._world.objects, key.namespace, labels)
        mine = {name: job for name, job in jobs.items() if proofs.is_proof(name, key.name)}
        return mine, tuple(pod for pod in pods if pod.job in mine)

    def _rival(self, key: Key, body: Body) -> str:
        """The GlanceStore of the same service that had the same id before, if there is one."""
        name = body["spec"]["glanceAPIRef"]["name"]
        keys = self._world.store.referrers("GlanceStore", key.namespace, "glanceAPI", name)
        others = [other for one in keys if one != key and (other := self._world.store.get(one))]
        mine = _store_id(body)
        older = sorted(_arrival(other) for other in others if _store_id(other) == mine)
        return older[0][1] if older and older[0] < _arrival(body) else ""


def _mover(image: Body, store_id: str) -> tuple[str, str]:
    """The id, and words; none while it goes on."""
    status, name = image.get("status") or {}, image["metadata"]["name"]
    stalled = find(status.get("conditions") or (), "Stalled")
    held = (one for one in status.get("stores") or () if one["name"] == store_id and one.get("status") == TRUE)
    words = next((one["message"] for one in held if one.get("message")), "")
    if image["spec"].get("suspend"):
        words = f"Image {name} is suspended"
    elif stalled.get("status") == TRUE:
        words = f"Image {name} says {stalled.get('reason')}"
    return status.get("id") or "", words


def _store_id(body: Body) -> str:
    return str(body["spec"].get("storeID") or body["metadata"]["name"])


def _arrival(body: Body) -> tuple[str, str]:
    """When it came, and its name; who came in the same second go by their names."""
    return body["metadata"]["creationTimestamp"], body["metadata"]["name"]
