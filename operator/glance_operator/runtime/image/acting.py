"""What the rules' steps do: each is one mutating request to Glance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from glance_operator.core.image import content, deletion, metadata, methods, stores, transfer
from glance_operator.core.image.observed import Node
from glance_operator.core.plan import Step
from glance_operator.runtime.errors import Refused
from glance_operator.runtime.image.track import Track

if TYPE_CHECKING:
    from glance_operator.runtime.glance import Glance


def take(step: Step, track: Track) -> None:
    """Raises Refused or Unavailable."""
    glance, looks = track.cloud.glance, track.cloud.looks
    match step:
        case content.CreateImage():
            _create(step, track)
        case content.ImportFromUrl() | transfer.ImportStaged() | stores.CopyToStores():
            _import(track, step.node, step.image_id, {"method": _method(step), **_into(step.stores)})
        case metadata.UpdateImage(image_id=image_id, operations=operations):
            looks.put(image_id, glance.patch(image_id, [_json(*o) for o in operations]))
        case metadata.AddMember(image_id=image_id, project=project):
            glance.add_member(image_id, project)
        case metadata.RemoveMember(image_id=image_id, project=project):
            glance.remove_member(image_id, project)
        case deletion.DeleteImage(image_id=image_id, place=url) | content.Discard(image_id=image_id, place=url):
            _glance(track, url).delete(image_id)
            looks.put(image_id, None)
        case content.NextIncarnation():
            pass  # the status, written already, is the step
        case _:
            raise AssertionError(f"no hand for {step}")


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


def _method(step: content.ImportFromUrl | transfer.ImportStaged | stores.CopyToStores) -> dict[str, str]:
    match step:
        case content.ImportFromUrl(url=url):
            return {"name": methods.WEB_DOWNLOAD, "uri": url}
        case transfer.ImportStaged():
            return {"name": methods.GLANCE_DIRECT}
        case stores.CopyToStores():
            return {"name": stores.COPY_IMAGE}


def _json(op: str, path: str, value: object) -> dict[str, Any]:
    return {"op": op, "path": path} | ({} if op == "remove" else {"value": value})


def _into(names: tuple[str, ...]) -> dict[str, Any]:
    """The stores of an import request. Into several, one may fail without taking the others with it; into one, a
    failure must be one, or Glance leaks the import's lock (both measured on Glance 33)."""
    return {"stores": list(names), "all_stores_must_succeed": len(names) == 1} if names else {}
