"""Which image spec.adopt means and whose it is; and the hand that marks it, never two at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from glance_operator.api.image.spec import Adopt
from glance_operator.core.image import identity
from glance_operator.core.image.adoption import TakeOver
from glance_operator.core.image.observed import GlanceImage, View
from glance_operator.runtime.errors import Refused
from glance_operator.runtime.image.track import Track
from glance_operator.runtime.kube import ApiError, Kube

if TYPE_CHECKING:
    from glance_operator.runtime.glance import Glance

_FORBIDDEN = 403
_lock = threading.Lock()
_being_marked: set[str] = set()


def sought(view: View, track: Track) -> View:
    """The view with the images that spec.adopt may mean, as long as none is known to be ours. What was marked by this
    object comes first: a status can be lost. May raise what the image service's client raises."""
    adopt, glance = view.spec.adopt, track.cloud.glance
    if adopt is None or view.memory.id or not identity.adopts(view):
        return view
    if adopt.id and glance.image(adopt.id):
        return view
    return replace(view, candidates=_marked(view, glance) or _named(adopt, glance))


def _marked(view: View, glance: Glance) -> tuple[str, ...]:
    """The one that bears this object's marker, of this life or an earlier one; not a snapshot that was given a copy."""
    found = _all(glance, {identity.CLUSTER: view.cluster, identity.OWNER: identity.owner(view)})
    ours = [image for image in found if image.properties.get(identity.IMAGE) == image.id]
    ours.sort(key=lambda image: (image.properties.get(identity.UID) != view.uid, image.hidden, image.id))
    return tuple(image.id for image in ours[:1])


def _named(adopt: Adopt, glance: Glance) -> tuple[str, ...]:
    """All of that name. Glance takes what stands before a colon for an operator, unless the name is in quotes, where it
    knows no escapes: a name that has some is looked for among all."""
    if not adopt.name:
        return ()
    name = {} if '"' in adopt.name else {"name": f'in:"{adopt.name}"'}
    found = _all(glance, name | ({"owner": adopt.owner} if adopt.owner else {}))
    return tuple(sorted(one.id for one in found if one.name == adopt.name and adopt.owner in (None, one.owner)))


def _all(glance: Glance, query: Mapping[str, str]) -> list[GlanceImage]:
    """A list has the hidden ones or the others, never both."""
    return [image for hidden in (False, True) for image in glance.images(hidden, **query)]


def judged(view: View, kube: Kube) -> View:
    """The view with whether another object of this cluster that has marked the image has it still. May raise what the
    API server's client raises."""
    image = view.image
    if image is None or not identity.adopts(view):
        return view
    if identity.ownership(view, image) is not identity.Ownership.ELSEWHERE:
        return view
    return replace(view, owner_gone=image.properties.get(identity.CLUSTER) == view.cluster and _left(image, kube))


def _left(image: GlanceImage, kube: Kube) -> bool:
    """Of whom nobody can tell is taken to have it still."""
    namespace, _, name = image.properties.get(identity.OWNER, "").partition("/")
    if not (namespace and name):
        return False
    try:
        body = kube.get("Image", namespace, name)
    except ApiError as error:
        if error.status == _FORBIDDEN:  # a namespace that is not ours to see
            return False
        raise
    return body is None or body["metadata"]["uid"] != image.properties.get(identity.UID) or not _claims(body, image.id)


def _claims(body: Mapping[str, Any], image_id: str) -> bool:
    """It has this image, or has not said yet which; what a snapshot's marker says is of another one."""
    status = body.get("status") or {}
    earlier = (one["id"] for one in status.get("previous") or ())
    return not status.get("id") or image_id in (status["id"], *earlier)


def take_over(step: TakeOver, track: Track) -> None:
    """Raises Refused if it is not as it was seen, or just now another object's; Unavailable."""
    glance, looks = track.cloud.glance, track.cloud.looks
    with _alone(step.image_id):
        looks.expire(step.image_id)
        image = glance.image(step.image_id)
        if image is None or image.lock or image.properties.get(identity.UID, "") != step.before:
            raise Refused(409, "the image was changed just before it was taken over")
        marks = [{"op": "add", "path": f"/{name}", "value": value} for name, value in step.marker]
        looks.put(step.image_id, glance.patch(step.image_id, marks))


@contextmanager
def _alone(image_id: str) -> Iterator[None]:
    """Whoever comes meanwhile is refused: of two objects the first has it."""
    with _lock:
        if image_id in _being_marked:
            raise Refused(409, "another Image is taking it over at this moment")
        _being_marked.add(image_id)
    try:
        yield
    finally:
        with _lock:
            _being_marked.discard(image_id)
