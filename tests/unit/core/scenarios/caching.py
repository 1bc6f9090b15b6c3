"""An image in the caches of the service's pods."""

from __future__ import annotations

from tests.unit.core.builders import EXPECTED_ID, later, memory, spec
from tests.unit.core.caches import FILLED, HAVE, NODES, NOT, ROOM, world
from tests.unit.core.scenarios.row import Row

from glance_operator.core.image.caching import CacheImage, UncacheImage
from glance_operator.core.image.deletion import DeleteImage

HELD = memory(cached=FILLED)
CACHES = [
    Row("a cache lacks it", world(HAVE, NOT), "Caching", "InProgress", CacheImage(EXPECTED_ID, NODES[1])),
    Row("every cache has it", world(HAVE, HAVE), "Available", "Current"),
    Row("no room in the caches", world(NOT, NOT, caches={"taken": ROOM}), "Available", "Current"),
    Row("a service without caches", world(caches={"room": None}), "Available", "Current"),
    Row(
        "no longer wanted in the caches",
        world(HAVE, HAVE, spec=spec(), memory=HELD),
        "Uncaching",
        "InProgress",
        UncacheImage(EXPECTED_ID, NODES[0]),
    ),
]
CACHES_AT_ITS_END = [
    Row(
        "still in a cache",
        world(NOT, HAVE, memory=HELD, deleted_at=later(-1)),
        "Uncaching",
        "Terminating",
        UncacheImage(EXPECTED_ID, NODES[1]),
    ),
    Row(
        "caches cannot be asked",
        world(memory=HELD, deleted_at=later(-1)),
        "Deleting",
        "Terminating",
        DeleteImage(EXPECTED_ID),
    ),
]
