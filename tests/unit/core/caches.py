"""A served image and the caches of the service's pods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.core.builders import EXPECTED_ID, glance_image, memory, spec, view

from glance_operator.core.image.caches import CacheList, CacheMemory, Caches
from glance_operator.core.image.observed import Node, View

WANTED = spec(cloudCredentialsRef=None, glanceAPIRef={"name": "glance"}, cache={"prefetch": "AllNodes"})
ROOM = 4096  # the image has 1536 bytes
HAVE, COMING, NOT = CacheList(frozenset({EXPECTED_ID})), CacheList(queued=frozenset({EXPECTED_ID})), CacheList()


def node(number: int = 0, **changes: Any) -> Node:
    name = f"glance-{number}"
    return replace(Node(name, f"http://{name}", f"c{number}", ready=True, cache_ready=True), **changes)


NODES = (node(0), node(1))
FILLED = {"glance-0": CacheMemory(True, "c0"), "glance-1": CacheMemory(True, "c1")}


def world(*lists: CacheList | None, nodes: tuple[Node, ...] = NODES, **changes: Any) -> View:
    """A served image that is wanted in the caches, and what its pods list; None: that one was not asked."""
    caches = Caches(ROOM, lists={n.name: told for n, told in zip(nodes, lists, strict=False) if told is not None})
    caches = replace(caches, **changes.pop("caches", {}))
    plain = {"spec": WANTED, "image": glance_image(), "memory": memory(), "settled": True, "nodes": nodes}
    return view(**plain | {"caches": caches} | changes)
