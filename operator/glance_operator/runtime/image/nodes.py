"""The pods of a service of ours, as its GlanceAPI's status names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glance_operator.core.image.observed import Node
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.store import Key, Store


def nodes_of(store: Store, namespace: str, api: str) -> tuple[Node, ...]:
    """As last seen, some seconds ago; none if there is no such GlanceAPI."""
    body = store.get(Key(SERVICE, namespace, api)) or {}
    return tuple(_node(one) for one in (body.get("status") or {}).get("nodes") or () if one.get("url"))


def _node(said: Mapping[str, Any]) -> Node:
    return Node(
        said["name"],
        said["url"],
        said.get("containerID") or "",
        bool(said.get("ready")),
        bool(said.get("leaving")),
    )
