"""Which Glance image is ours: its id is chosen by us, and it carries a marker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from uuid import UUID, uuid5

from glance_operator.core.image.observed import GlanceImage, Memory, View
from glance_operator.core.plan import Plan, stalled, waiting

_WAYS_OUT = "delete it there, or create another Image with another spec.id"
PREFIX = "glance_operator_"
CLUSTER, OWNER, UID, CONTENT = PREFIX + "cluster", PREFIX + "owner", PREFIX + "uid", PREFIX + "content"


class Ownership(Enum):
    """Whose image it is."""

    OURS = "ours"
    RESTORED = "restored"  # of a same-named object that no longer exists here: taken over
    ELSEWHERE = "elsewhere"  # of another cluster, or of another object of this one
    NOBODY = "nobody"  # carries no marker


def image_id(uid: str, incarnation: int, fixed: str | None = None) -> str:
    """The Glance id of that incarnation: the same one however often it is asked for, so a repeated create is a 409."""
    if fixed and incarnation == 1:
        return fixed
    return str(uuid5(UUID(uid), str(incarnation)))


def expected_id(view: View) -> str:
    return image_id(view.uid, view.memory.incarnation, view.spec.id)


def rolling(view: View) -> bool:
    """Whether the image that is worked on shall take the place of another, which serves meanwhile."""
    return view.memory.served is not None


def serving(view: View) -> GlanceImage | None:
    """That other one, if it still serves."""
    old = view.others.get(view.memory.served.id) if view.memory.served else None
    return old if old and old.status == "active" else None


def next_incarnation(memory: Memory) -> int:
    """One that no image remembered has. Had a forgotten one its id, Glance refuses it, and the next follows."""
    others = (memory.served, *memory.previous)
    return 1 + max(memory.incarnation, *(one.incarnation for one in others if one), 0)


def marker(view: View, content_hash: str) -> dict[str, str]:
    """The properties by which an image is known as this object's."""
    return {
        CLUSTER: view.cluster,
        OWNER: f"{view.namespace}/{view.name}",
        UID: view.uid,
        CONTENT: content_hash,
    }


def ownership(view: View, image: GlanceImage) -> Ownership:
    mine: Mapping[str, str] = image.properties
    if UID not in mine:  # an id derived from our uid is nobody else's, marker or not
        return Ownership.NOBODY if image.id == view.spec.id else Ownership.OURS
    if mine[UID] == view.uid and mine.get(CLUSTER) == view.cluster:
        return Ownership.OURS
    same_name = mine.get(OWNER) == f"{view.namespace}/{view.name}"
    if same_name and mine.get(CLUSTER) == view.cluster:  # names are unique: that uid's object is gone
        return Ownership.RESTORED
    return Ownership.ELSEWHERE


def only_what_is_ours(view: View) -> Plan | None:
    """An image that is not marked as ours is never changed."""
    if view.image is None or ownership(view, view.image) in (Ownership.OURS, Ownership.RESTORED):
        return None
    if ownership(view, view.image) is Ownership.NOBODY:
        return stalled(
            "NotOurs",
            f"Glance image {view.image.id} exists and was not made by this object: {_WAYS_OUT}",
        )
    owner = view.image.properties.get(OWNER, "another object")
    message = f"Glance image {view.image.id} belongs to {owner} of another cluster or uid: {_WAYS_OUT}"
    return stalled("OwnedElsewhere", message)


def await_marker(view: View) -> Plan | None:
    """While Glance deletes an image it shows it without its properties, lock and marker among them: such a look says
    nothing about the import."""
    image = view.image
    if image is None or image.status == "active" or UID in image.properties:
        return None
    message = f"Glance image {image.id} shows no properties: it is being deleted, or somebody removed them"
    return replace(waiting("Recreating", message, passing=True), backoff=True)
