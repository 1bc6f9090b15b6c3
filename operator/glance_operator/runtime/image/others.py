"""What other objects of ours say that an Image has to do with: those that it refers to, and its service's stores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from glance_operator.core.conditions import TRUE, find
from glance_operator.core.image import references
from glance_operator.core.image.backends import Backend, backend
from glance_operator.core.image.observed import View
from glance_operator.core.image.others import Referred
from glance_operator.runtime.store import Body, Index, Key, Store

KERNEL, RAMDISK = "kernel", "ramdisk"  # indexes of the store
_FARTHEST = 50  # Images that are looked at for a way back


def field_index(field: str) -> Index:
    """The name that an Image gives there."""

    def name_of(image: Body) -> str | None:
        name: str | None = (image["spec"].get(field) or {}).get("name")
        return name

    return name_of


def refers(body: Body) -> bool:
    """Whether an Image names others, whose ids it has to follow."""
    return bool(_named(body))


def with_others(view: View, store: Store) -> View:
    """Nobody is asked: what is known of them here will do, as a change of it is heard of."""
    found = {key: _referred(view, store, name) for key, name in references.named(view.spec).items()}
    return replace(view, referred=found, backends=_backends(view, store))


def _referred(view: View, store: Store, name: str) -> Referred:
    body = store.get(Key("Image", view.namespace, name))
    circle = _way_back(view, store, name)
    if body is None:
        return Referred(name, circle=circle)
    status = body.get("status") or {}
    ready = find(status.get("conditions") or (), "Ready").get("status") == TRUE
    return Referred(name, True, status.get("id") or "", ready, _place(body["spec"]) == _own_place(view), circle)


def _way_back(view: View, store: Store, first: str) -> tuple[str, ...]:
    """The names on the shortest way from there back to this object; empty if there is none."""
    seen = {first}
    ways: list[tuple[str, ...]] = [(first,)]
    for way in ways:  # grows as it is read
        if way[-1] == view.name:
            return way
        further = _named(store.get(Key("Image", view.namespace, way[-1])) or {"spec": {}})
        ways += [(*way, name) for name in further if name not in seen and len(seen) < _FARTHEST]
        seen.update(further)
    return ()


def _named(body: Body) -> list[str]:
    found = (field_index(field)(body) for field in references.FIELDS.values())
    return [name for name in found if name]


def _place(spec: dict[str, Any]) -> tuple[Any, ...]:
    """Where an Image is, in the words of its spec."""
    api, cloud = spec.get("glanceAPIRef") or {}, spec.get("cloudCredentialsRef") or {}
    return api.get("name"), cloud.get("secretName"), cloud.get("cloudName")


def _own_place(view: View) -> tuple[Any, ...]:
    return _place(view.spec.model_dump(mode="json", by_alias=True, include={"glance_api_ref", "cloud_credentials_ref"}))


def _backends(view: View, store: Store) -> dict[str, Backend]:
    """Of a service of ours, by the ids of its stores."""
    api = view.spec.glance_api_ref
    keys = store.referrers("GlanceStore", view.namespace, "glanceAPI", api.name) if api else ()
    return dict(backend(body) for key in keys if (body := store.get(key)))
