"""What the rules' steps do: each is one mutating request to Glance."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from glance_operator.core.image import (
    adoption,
    content,
    deletion,
    metadata,
    methods,
    removal,
    rollout,
    stores,
    transfer,
)
from glance_operator.core.image.observed import Node
from glance_operator.core.plan import Note, Step
from glance_operator.runtime.errors import Refused, unavailable
from glance_operator.runtime.image.adopting import take_over
from glance_operator.runtime.image.track import Track

if TYPE_CHECKING:
    from glance_operator.runtime.glance import Glance


@singledispatch
def take(step: Step, track: Track) -> None:
    """Raises Refused or Unavailable."""
    raise AssertionError(f"no hand for {step} on {track.image_id}")


@take.register
def _note(step: Note, track: Track) -> None:
    pass


@take.register
def _fetch(step: content.ImportFromUrl, track: Track) -> None:
    method = {"name": methods.WEB_DOWNLOAD, "uri": step.url}
    _import(track, step.node, step.image_id, {"method": method, **_into(step.stores)})


@take.register
def _fetch_from_region(step: content.ImportFromRegion, track: Track) -> None:
    where = {
        "glance_region": step.region,
        "glance_image_id": step.source_id,
        "glance_service_interface": step.interface,
    }
    _import(
        track, step.node, step.image_id, {"method": {"name": methods.GLANCE_DOWNLOAD, **where}, **_into(step.stores)}
    )


@take.register
def _import_staged(step: transfer.ImportStaged, track: Track) -> None:
    body = {"method": {"name": methods.GLANCE_DIRECT}, **_into(step.stores)}
    _import(track, step.node, step.image_id, body)


@take.register
def _copy(step: stores.CopyToStores, track: Track) -> None:
    body = {"method": {"name": stores.COPY_IMAGE}, **_into(step.stores)}
    _import(track, step.node, step.image_id, body)


@take.register
def _take_over(step: adoption.TakeOver, track: Track) -> None:
    take_over(step, track)


@take.register
def _update(step: metadata.UpdateImage, track: Track) -> None:
    operations = [_json(*one) for one in step.operations]
    track.cloud.looks.put(step.image_id, track.cloud.glance.patch(step.image_id, operations))


@take.register
def _switch(step: rollout.Switch, track: Track) -> None:
    for change in filter(None, (step.new, step.old)):
        _update(change, track)


@take.register
def _add_member(step: metadata.AddMember, track: Track) -> None:
    track.cloud.glance.add_member(step.image_id, step.project)


@take.register
def _remove_member(step: metadata.RemoveMember, track: Track) -> None:
    track.cloud.glance.remove_member(step.image_id, step.project)


@take.register(deletion.DeleteImage)
@take.register(content.Discard)
def _delete(step: deletion.DeleteImage | content.Discard, track: Track) -> None:
    _glance(track, step.place).delete(step.image_id)
    track.cloud.looks.put(step.image_id, None)


@take.register
def _create(step: content.CreateImage, track: Track) -> None:
    glance, looks = track.cloud.glance, track.cloud.looks
    try:
        image = glance.create(dict(step.attributes))
    except Refused as error:
        looks.expire(track.image_id)
        track.burnt = error.status == 409 and glance.image(track.image_id) is None
        raise
    looks.put(image.id, image)
    track.untouched = True


def _glance(track: Track, url: str) -> Glance:
    """At this pod, where one is named."""
    return track.cloud.at(url) if url else track.cloud.glance


def _import(track: Track, node: Node | None, image_id: str, body: Mapping[str, Any]) -> None:
    track.begin(node.name if node else "")
    try:
        _glance(track, node.url if node else "").start_import(image_id, body)
    except Refused:
        track.cloud.forget_service()  # perhaps it no longer has the store or the method
        raise
    finally:
        track.cloud.looks.expire(image_id)  # begun or not, the image is no longer what it was


@take.register
def _delete_from_store(step: removal.DeleteFromStore, track: Track) -> None:
    """The rules have seen the image some seconds ago. An import that somebody has begun since would bring the location
    back without its data."""
    glance, looks = track.cloud.glance, track.cloud.looks
    image = glance.image(step.image_id)
    looks.put(step.image_id, image)
    if image is None or image.lock or image.status != "active":
        text = f"the image has changed just before its data was removed from {step.store}: looking again"
        raise unavailable("Conflict", text)
    try:
        glance.delete_from_store(step.store, step.image_id)
    finally:
        looks.expire(step.image_id)


def _json(op: str, path: str, value: object) -> dict[str, Any]:
    return {"op": op, "path": path} | ({} if op == "remove" else {"value": value})


def _into(names: tuple[str, ...]) -> dict[str, Any]:
    """The stores of an import request. Into several, one may fail without taking the others with it; into one, a
    failure must be one, or Glance leaks the import's lock (both measured on Glance 33)."""
    return {"stores": list(names), "all_stores_must_succeed": len(names) == 1} if names else {}
