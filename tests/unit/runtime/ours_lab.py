"""A service of ours for the Image controller: pods that the API server tells of, each with an address of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from tests.unit.core.builders import EXPECTED_ID
from tests.unit.core.scenarios.pods import ours
from tests.unit.runtime.image_lab import ImageLab, raw
from tests.unit.runtime.image_service import Answer, ImageService

from glance_operator.core.image.observed import View
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.image import ImageController, Look
from glance_operator.runtime.kinds import WIRING
from glance_operator.runtime.store import Body, Key, Store

QUEUED = raw(status="queued", stores=None)
IMPORT = f"POST /v2/images/{EXPECTED_ID}/import"


def pod(name: str, container: str, **meta: Any) -> Body:
    """A pod as the API server has it; without a container nothing runs in it."""
    running = {"containerID": container, "state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}}}
    return {
        "metadata": {"name": name, **meta},
        "spec": {"containers": [{"name": "glance-api", "image": "glance"}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if container else "False"}],
            "containerStatuses": [{"name": "glance-api", **(running if container else {})}],
        },
    }


class OursLab(ImageLab):
    """`pods`: what the API server has, by name; `at`: who answers for them; `lists`: how often it was asked."""

    def __init__(self, service: ImageService, *pods: ImageService) -> None:
        super().__init__(service)
        self.at = pods
        self.pods = {f"glance-{n}": pod(f"glance-{n}", f"containerd://a{n}") for n in range(len(pods))}
        self.lists = 0
        self.staging: dict[str, Any] | None = None
        self.world = replace(self.world, objects=cast("Any", self), store=Store(WIRING.indexes))
        self.controller = ImageController(self.world)
        self.tell()
        self.show(QUEUED)
        for one in pods:
            one.on(IMPORT, Answer(202))
            one.on(f"DELETE /v2/images/{EXPECTED_ID}", Answer(204))

    def tell(self, **spec: Any) -> None:
        """What the GlanceAPI says, as of now."""
        nodes = [
            {"name": name, "ready": True, "url": one.url, "containerID": f"containerd://a{n}"}
            for n, (name, one) in enumerate(zip(self.pods, self.at, strict=True))
        ]
        meta = {"name": "glance", "namespace": "default", "uid": "g", "resourceVersion": str(self.lists + 1)}
        body = {"kind": SERVICE, "metadata": meta, "spec": GLANCE | spec, "status": {"nodes": nodes}}
        self.world.store.drop(Key(SERVICE, "default", "glance"))
        self.world.store.put(Key(SERVICE, "default", "glance"), body | {"metadata": meta | {"uid": f"g{self.lists}"}})

    def find(self, *where: Any, **how: Any) -> Any:
        """Clouds and objects are both asked with this word: the first give a cloud, the others pods."""
        if where[0] != "Pod":
            return super().find(*where, **how)
        self.lists += 1
        assert how == {
            "labelSelector": "app.kubernetes.io/name=glance,app.kubernetes.io/instance=glance,"
            "app.kubernetes.io/component=api"
        }
        return list(self.pods.values())

    def seen(self, one: View | None = None, status: dict[str, Any] | None = None) -> Look:
        """A look at an Image on this service."""
        return self.look(one or ours(), status)


GLANCE: dict[str, Any] = {
    "database": {"connectionSecretRef": {"name": "db", "key": "connection"}},
    "auth": {"trusted": {}},
}


@contextmanager
def ours_lab() -> Iterator[OursLab]:
    with ImageService() as service, ImageService() as first, ImageService() as second:
        yield OursLab(service, first, second)
