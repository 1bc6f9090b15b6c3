"""The kinds that have a controller, what they refer to, and how the engine is put together from them."""

from __future__ import annotations

from glance_operator.core.conditions import find
from glance_operator.runtime.caches import PREFETCHED
from glance_operator.runtime.engine import Engine
from glance_operator.runtime.glanceapi import GlanceAPIController
from glance_operator.runtime.glancestore import GlanceStoreController
from glance_operator.runtime.image import ImageController
from glance_operator.runtime.image.others import KERNEL, RAMDISK, field_index
from glance_operator.runtime.image.prefetching import prefetched
from glance_operator.runtime.intake import Wiring
from glance_operator.runtime.store import Body
from glance_operator.runtime.world import Parts, make_world


def _secret(image: Body) -> str | None:
    name: str | None = (image["spec"].get("cloudCredentialsRef") or {}).get("secretName")
    return name


def _glance_api(body: Body) -> str | None:
    name: str | None = (body["spec"].get("glanceAPIRef") or {}).get("name")
    return name


def _state(image: Body) -> str:
    """``state/reason`` for the metric of images by state."""
    ready = find((image.get("status") or {}).get("conditions") or (), "Ready")
    return f"{ready.get('status', 'Unknown')}/{ready.get('reason', 'Pending')}"


WIRING = Wiring(
    controllers=frozenset({"GlanceAPI", "GlanceStore", "Image"}),
    indexes={
        "GlanceStore": {"glanceAPI": _glance_api},
        "Image": {
            "secret": _secret,
            "glanceAPI": _glance_api,
            "state": _state,
            PREFETCHED: prefetched,
            KERNEL: field_index("kernelRef"),
            RAMDISK: field_index("ramdiskRef"),
        },
    },
    references={
        "GlanceAPI": [("GlanceStore", "glanceAPI"), ("Image", "glanceAPI")],
        "Image": [("Image", KERNEL), ("Image", RAMDISK)],
    },
    parents={"GlanceStore": ("GlanceAPI", _glance_api)},
    siblings={"Image": PREFETCHED},
    cousins={"GlanceStore": ("Image", "glanceAPI", _glance_api)},
)


def make_engine(parts: Parts) -> Engine:
    """The engine with all controllers."""
    world = make_world(parts)
    parts.metrics.watch_images(lambda: _by_state(parts.store.counts("Image", "state")))
    return Engine(
        world,
        {
            "GlanceAPI": GlanceAPIController(world),
            "GlanceStore": GlanceStoreController(world),
            "Image": ImageController(world),
        },
    )


def _by_state(counts: dict[str, int]) -> dict[tuple[str, str], int]:
    return {(state, reason): n for text, n in counts.items() for state, _, reason in [text.partition("/")]}
