"""Who else uses the database of a GlanceAPI: others of its namespace, by the connections in their Secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.core import inputs, manifests, seen
from glance_operator.core.glanceapi.observed import Peer
from glance_operator.core.glanceapi.schema import Place, place
from glance_operator.core.manifests.plan import COMPONENT, INSTANCE, NAME
from glance_operator.core.workload import Job, Pod
from glance_operator.runtime.errors import Invalid
from glance_operator.runtime.parsing import parsed
from glance_operator.runtime.store import Body, Key
from glance_operator.runtime.world import World


@dataclass(frozen=True, slots=True)
class _Other:
    """Another GlanceAPI, and its connection: None if nobody can tell, empty if it has no server."""

    name: str
    body: Body
    spec: GlanceAPISpec
    connection: str | None


class Peers:
    """What a pass over a GlanceAPI needs to know of the others on its database."""

    def __init__(self, world: World) -> None:
        self._world = world

    def around(self, key: Key, spec: GlanceAPISpec, image: str, jobs: Mapping[str, Job]) -> dict[str, Any]:
        """`peers` and `foreign` of the view."""
        mine = self._connection(key.namespace, spec)
        if not mine:
            return {}
        here, others = place(mine, key.namespace), list(self._others(key))
        peers = tuple(self._peer(key.namespace, one, spec) for one in others if self._place(key, one) == here)
        contraction = jobs.get(manifests.schema_job(key.name, "contract", image, manifests.schema_of(mine)))
        if not spec.database.manage_schema or (contraction and contraction.done):
            return {"peers": peers}
        elsewhere = {one.name for one in others if self._place(key, one) not in (here, None)}
        return {"peers": peers, "foreign": tuple(self._pods(key, elsewhere))}

    def _others(self, key: Key) -> Iterator[_Other]:
        """Those that cannot be understood change nothing; the pods that they had count as anybody's."""
        for one in self._world.store.keys(key.kind):
            body = self._world.store.get(one) if one.namespace == key.namespace and one != key else None
            try:
                spec = parsed(GlanceAPISpec, body) if body else None
            except Invalid:
                continue
            if body and spec:
                yield _Other(one.name, body, spec, self._connection(key.namespace, spec))

    def _connection(self, namespace: str, spec: GlanceAPISpec) -> str | None:
        ref = spec.database.connection_secret_ref
        if ref is None:
            return ""
        wanted = [one for one in inputs.of_api(spec) if one.word == "connection"]
        found = self._world.inputs.read(namespace, wanted)
        return None if inputs.missing(wanted, found) else inputs.values(wanted, found)["connection"]

    def _place(self, key: Key, other: _Other) -> Place | None:
        return None if other.connection is None else place(other.connection, key.namespace)

    def _peer(self, namespace: str, other: _Other, ours: GlanceAPISpec) -> Peer:
        image, owner = other.spec.image or self._world.settings.glance_image, other.spec.database.manage_schema
        name = manifests.schema_job(other.name, "prepare", image, manifests.schema_of(other.connection or ""))
        asked = owner and not ours.database.manage_schema
        return Peer(
            name=other.name,
            born=other.body["metadata"]["creationTimestamp"],
            image=image,
            owner=owner,
            prepared=asked and self._done(namespace, other.name, name),
            suspended=other.spec.suspend,
        )

    def _done(self, namespace: str, api: str, job: str) -> bool:
        labels = f"{INSTANCE}={api},{COMPONENT}={manifests.DATABASE}"
        found = (seen.job(one) for one in self._world.objects.find("Job", namespace, labelSelector=labels))
        return any(one.done for one in found if one.name == job)

    def _pods(self, key: Key, elsewhere: set[str]) -> Iterator[Pod]:
        """Of all services that are not known to use another database, those of deleted GlanceAPIs among them."""
        labels = f"{NAME}=glance,{COMPONENT}=api,{INSTANCE}!={key.name}"
        for body in self._world.objects.find("Pod", key.namespace, labelSelector=labels):
            if body["metadata"]["labels"][INSTANCE] not in elsewhere:
                yield seen.pod(body)
