"""What a service of ours knows of its stores beyond Glance's own words: their GlanceStores tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from glance_operator.api.base import bytes_of
from glance_operator.core.conditions import FALSE, find
from glance_operator.core.image.sizes import human

_DOUBTED = "LastGood"  # it is used as it was proven last; what came since has failed


@dataclass(frozen=True, slots=True)
class Backend:
    """A store's GlanceStore. trouble: why it cannot be used, in its own words. total, available: bytes. kind: its
    spec.type."""

    name: str
    trouble: str = ""
    total: int | None = None
    available: int | None = None
    kind: str = ""


def backend(body: Mapping[str, Any]) -> tuple[str, Backend]:
    """Glance's id of the store, and what is known of it, from the GlanceStore as the API server gives it."""
    name, status = body["metadata"]["name"], body.get("status") or {}
    usable = find(status.get("conditions") or (), "Usable")
    bad = usable.get("status") == FALSE or usable.get("reason") == _DOUBTED
    trouble = f"Usable={usable['status']}, {usable['reason']}: {usable.get('message', '')}" if bad else ""
    capacity = status.get("capacity") or {}
    room = {part: bytes_of(capacity[part]) for part in ("total", "available") if part in capacity}
    spec = body["spec"]
    return str(spec.get("storeID") or name), Backend(name, trouble, **room, kind=str(spec.get("type") or ""))


def words(backends: Mapping[str, Backend], stores: Iterable[str], needs: int | None) -> str:
    """What is wrong with these stores for an image of so many bytes; empty where nothing is known to be."""
    known = ((store, backends[store]) for store in stores if store in backends)
    return "; ".join(told for store, one in known if (told := _words(store, one, needs)))


def _words(store: str, one: Backend, needs: int | None) -> str:
    if one.trouble:
        return f"store {store}: GlanceStore {one.name} says {one.trouble}"
    if needs is None or one.available is None or needs <= one.available:
        return ""
    left = human(one.available) + (f" of {human(one.total)}" if one.total is not None else "")
    return f"store {store} is full: at its last proof it had {left} left, the image has {human(needs)}"
