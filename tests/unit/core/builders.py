"""Views and images for tests: a plain case, and only what a test says differs from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from glance_operator.api.image import ImageSpec
from glance_operator.core.image import content, identity
from glance_operator.core.image.memory import recall, text
from glance_operator.core.image.observed import FINALIZER, GlanceImage, Memory, Service, StoreMemory, Task, View
from glance_operator.core.plan import Phase, State

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
UID = "5f3f8a52-7c1e-4a57-9df3-0a3a4e8b6c11"
URL = "https://images.example.org/jammy.img"
FULL = Service(("central", "dcn0", "dcn1"), "central", frozenset({"web-download", "copy-image"}))
OUTAGE = State(Phase.WORKING, "GlanceUnavailable", "ns/secret/cloud: the cloud does not answer")


def spec(**changes: Any) -> ImageSpec:
    """As the models read it; names as in the manifest or in Python."""
    plain = {
        "cloudCredentialsRef": {"secretName": "openstack", "cloudName": "lab"},
        "source": {"http": {"url": URL}},
        "diskFormat": "qcow2",
    }
    return ImageSpec.model_validate(plain | changes)


def view(**changes: Any) -> View:
    """An Image that is held by our finalizer, with a cloud that answers and has nothing for it yet."""
    plain: dict[str, Any] = {
        "spec": spec(),
        "namespace": "default",
        "name": "jammy",
        "uid": UID,
        "generation": 1,
        "now": NOW,
        "memory": Memory(),
        "cluster": "here",
        "finalized": True,
        "looked": True,
        "service": FULL,
    }
    return View(**(plain | changes))


EXPECTED_ID = identity.expected_id(view())


def marker(spec_: ImageSpec | None = None) -> dict[str, str]:
    """The properties of an image that is ours and holds what `spec_` (the plain one) asks for."""
    return identity.marker(view(), content.content_hash(spec_ or spec()))


def glance_image(**changes: Any) -> GlanceImage:
    """Our image, active in the default store and as the plain spec says; `properties` are added to the marker."""
    properties = marker() | changes.pop("properties", {})
    plain: dict[str, Any] = {
        "id": EXPECTED_ID,
        "name": "jammy",
        "status": "active",
        "owner": "p1",
        "size": 1536,
        "stores": ("central",),
        "properties": properties,
    }
    return GlanceImage(**(plain | changes))


def queued(**changes: Any) -> GlanceImage:
    """Our image without content."""
    return glance_image(**({"status": "queued", "size": None, "stores": ()} | changes))


def memory(**changes: Any) -> Memory:
    """That of an Image whose content was imported; `changes` as in Memory."""
    plain: dict[str, Any] = {"id": EXPECTED_ID, "imported": True, "was_ready": True, "task_id": "t0", "source": URL}
    return Memory(**(plain | changes))


def tried(attempts: int, due_in: float) -> StoreMemory:
    """A store that failed so often, due again in so many seconds."""
    return StoreMemory(attempts, later(due_in))


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def task(status: str = "success", name: str = "t1") -> Task:
    return Task(name, status, "2026-03-01T11:59:00Z")


def body_of(one: View, status: dict[str, Any] | None = None) -> dict[str, Any]:
    """The object as the API server would give it."""
    meta: dict[str, Any] = {"name": one.name, "namespace": one.namespace, "uid": one.uid, "generation": one.generation}
    meta["finalizers"] = [FINALIZER] if one.finalized else []
    if one.deleted_at:
        meta["deletionTimestamp"] = text(one.deleted_at)
    return {
        "apiVersion": "glance-operator.io/v1alpha1",
        "kind": "Image",
        "metadata": meta,
        "spec": one.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
        "status": status or {"observedGeneration": -1},
    }


def read_again(one: View, body: dict[str, Any]) -> View:
    """The view of the next pass in the same world: all that is remembered comes from `body`."""
    remembered = recall(body)
    known = body["status"].get("observedGeneration") == one.generation
    return replace(one, memory=remembered, settled=remembered.was_ready and known)
