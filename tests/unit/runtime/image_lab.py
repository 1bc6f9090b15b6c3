"""The Image controller on a real client, with a tiny image service on loopback behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from tests.unit.core.builders import EXPECTED_ID, NOW, body_of, marker, memory, view
from tests.unit.runtime.image_service import Answer, ImageService

from glance_operator.core.image.observed import View
from glance_operator.core.image.sources import Answer as Told
from glance_operator.core.image.sources import Fate
from glance_operator.runtime.clouds import Cloud
from glance_operator.runtime.endpoint import Endpoint
from glance_operator.runtime.gate import Gate
from glance_operator.runtime.glance import Glance
from glance_operator.runtime.image import ImageController, Look
from glance_operator.runtime.image.track import Track
from glance_operator.runtime.kinds import WIRING
from glance_operator.runtime.looks import Looks
from glance_operator.runtime.metrics import Metrics
from glance_operator.runtime.queue import Queue
from glance_operator.runtime.slots import Slots
from glance_operator.runtime.sources import Sources
from glance_operator.runtime.store import Key, Store
from glance_operator.runtime.world import World
from glance_operator.settings import Settings

KEY = Key("Image", "default", "jammy")
PATH = f"/v2/images/{EXPECTED_ID}"
STORES = [{"id": "central", "default": "true"}, {"id": "dcn0"}, {"id": "dcn1"}]


def raw(**changes: Any) -> dict[str, Any]:
    """Our image in Glance's JSON, served from the default store; a value of None is left out."""
    plain = {"id": EXPECTED_ID, "name": "jammy", "status": "active", "stores": "central", **marker()}
    return {name: value for name, value in (plain | changes).items() if value is not None}


class NearSources(Sources):
    """They know this machine only, so that no test asks the Internet."""

    def ask(self, url: str, *how: Any, **more: Any) -> Told:
        return super().ask(url, *how, **more) if "//127.0.0.1:" in url else Told(Fate.UNKNOWN)


class ImageLab:
    """A cloud with room for one import and one that is prepared, a controller, and what was asked of the service."""

    def __init__(self, service: ImageService) -> None:
        self.service = service
        self.error: Exception | None = None
        self.fresh: list[bool] = []
        self.woken: list[Key] = []
        self.queue = Queue()
        self.cloud = self.new_cloud()
        self.track = Track(self.cloud, EXPECTED_ID)
        self.world = World(
            settings=Settings(retry_base=3, lost_grace=60),
            kube=cast("Any", SimpleNamespace(cluster_id=lambda: "here")),
            store=Store(WIRING.indexes),
            queue=self.queue,
            events=cast("Any", None),
            metrics=Metrics(),
            clouds=cast("Any", self),
            objects=cast("Any", None),
            inputs=cast("Any", None),
            sources=NearSources(("127.0.0.0/8",)),
            now=lambda: NOW,
        )
        self.controller = ImageController(self.world)
        self.show(raw())
        service.on("GET /v2/info/stores", Answer(200, {"stores": STORES}))
        self.offer("web-download", "copy-image")

    def new_cloud(self) -> Cloud:
        gate = Gate()
        endpoint = Endpoint({"auth_type": "none", "image_endpoint_override": self.service.url}, None)
        glance = Glance(endpoint, gate)
        return Cloud(
            "lab",
            glance,
            gate,
            Slots(1, self.woken.append, ahead=1),
            Looks(glance, {"glance_operator_cluster": "here"}),
        )

    def find(self, namespace: str, secret: str, cloud: str, *, fresh: bool = False) -> Cloud:
        """In place of the registry of clouds."""
        self.fresh.append(fresh)
        if self.error:
            raise self.error
        return self.cloud

    def offer(self, *methods: str) -> None:
        self.service.on("GET /v2/info/import", Answer(200, {"import-methods": {"value": methods}}))

    def show(self, image: dict[str, Any] | None, *tasks: dict[str, Any]) -> None:
        """What Glance has of our image from now on."""
        found = Answer(200, image) if image else Answer(404, {"message": "no image"})
        self.service.on(f"GET {PATH}", found)
        self.service.on("GET /v2/images", Answer(200, {"images": [image] if image else []}))
        self.service.on(f"GET {PATH}/tasks", Answer(200, {"tasks": list(tasks)}))

    def told(self) -> list[str]:
        """What was asked of the service since this was asked last, but for what it offers."""
        asked = [one.split("?")[0].replace(EXPECTED_ID, "ID") for one in self.service.requests() if "/info/" not in one]
        self.service.asked.clear()
        return asked

    def look(self, one: View | None = None, status: dict[str, Any] | None = None, **meta: Any) -> Look:
        """A look at the object of `one` (the plain one); `meta` is added to its metadata."""
        body = body_of(one or view(), status)
        body["metadata"] |= meta
        return self.controller.look(KEY, body)


def settled_view(**changes: Any) -> View:
    """A view of an Image that is Ready."""
    return replace(view(memory=memory(), settled=True), **changes)


@contextmanager
def image_lab() -> Iterator[ImageLab]:
    with ImageService() as service:
        yield ImageLab(service)
