"""Which Glance image is ours: its id is chosen by us, and it carries a marker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum
from uuid import UUID, uuid5

from glance_operator.core.image.observed import GlanceImage, Kept, Memory, View
from glance_operator.core.plan import Plan, stalled, waiting

_WAYS_OUT = "delete it there, or create another Image with another spec.id"
PREFIX = "glance_operator_"
_INCARNATIONS = 1000  # so many of one object are known again without a word in their marker
RECHECK = 60.0  # seconds until it is looked whether its owner is gone
CLUSTER, OWNER, UID, CONTENT = PREFIX + "cluster", PREFIX + "owner", PREFIX + "uid", PREFIX + "content"
IMAGE = PREFIX + "image"  # Nova and Cinder copy properties: on a snapshot, the marker names another image's id


class Ownership(Enum):
    """Whose image it is."""

    OURS = "ours"
    RESTORED = "restored"  # of a same-named object that no longer exists here: taken over
    ELSEWHERE = "elsewhere"  # of another cluster, or of another object of this one
    NOBODY = "nobody"  # carries no marker
    ADOPTABLE = "adoptable"  # nobody's who lives, and spec.adopt asks for it


def image_id(uid: str, incarnation: int, fixed: str | None = None) -> str:
    """The Glance id of that incarnation: the same one however often it is asked for, so a repeated create is a 409."""
    if fixed and incarnation == 1:
        return fixed
    return str(uuid5(UUID(uid), str(incarnation)))


def adopts(view: View) -> bool:
    """Whether the image that is looked at is one that somebody else made, and none was made in its place yet."""
    return view.spec.adopt is not None and view.memory.incarnation == 1 and not rolling(view)


def expected_id(view: View) -> str:
    """Empty while it is not known which image spec.adopt means."""
    number = view.memory.incarnation
    if kept := next((one.id for one in view.memory.previous if one.incarnation == number), None):
        return kept
    found = view.candidates[0] if len(view.candidates) == 1 else ""
    if view.memory.incarnation == 1 and (known := view.memory.id or found):
        return known
    if not adopts(view):
        return image_id(view.uid, view.memory.incarnation, view.spec.id)
    return (view.spec.adopt.id if view.spec.adopt else None) or ""


def forgotten(view: View) -> bool:
    """Whether images of an earlier life may be there: a status can be lost, and an object restored has another uid."""
    memory, spec = view.memory, view.spec
    return not (memory.id or memory.incarnation > 1 or memory.served or spec.adopt or spec.id)


def found_again(view: View, left: Iterable[GlanceImage]) -> View:
    """The view with what bears this object's marker: of several that are left, the one that is not retired serves."""
    name = view.spec.name or view.name
    first, *others = sorted(left, key=lambda one: (one.hidden, one.name != name, one.id))
    kept = (Kept(one.id, i, one.properties.get(CONTENT, ""), one.hidden) for i, one in enumerate(others, 2))
    return replace(view, candidates=(first.id,), memory=replace(view.memory, previous=tuple(kept)))


def owner(view: View) -> str:
    """This object, as markers name it."""
    return f"{view.namespace}/{view.name}"


def rolling(view: View) -> bool:
    """Whether the image that is worked on shall take the place of another, which serves meanwhile."""
    return view.memory.served is not None


def predecessor(view: View) -> GlanceImage | None:
    """That other one, if it is still there."""
    old = view.others.get(view.memory.served.id) if view.memory.served else None
    return old if old and old.complete else None


def serving(view: View) -> GlanceImage | None:
    """The same, if it still serves."""
    old = predecessor(view)
    return old if old and old.status == "active" else None


def next_incarnation(memory: Memory) -> int:
    """One that no image remembered has. Had a forgotten one its id, Glance refuses it, and the next follows."""
    others = (memory.served, *memory.previous)
    return 1 + max(memory.incarnation, *(one.incarnation for one in others if one), 0)


def marker(view: View, content_hash: str) -> dict[str, str]:
    """The properties by which an image is known as this object's."""
    return {
        CLUSTER: view.cluster,
        OWNER: owner(view),
        UID: view.uid,
        CONTENT: content_hash,
        **({IMAGE: expected_id(view)} if _has_another_id(view) else {}),
    }


def _has_another_id(view: View) -> bool:
    """Not the one that follows from uid and incarnation: adopted, or made in an earlier life."""
    return bool(view.spec.adopt) or expected_id(view) != image_id(view.uid, view.memory.incarnation, view.spec.id)


def is_genuine(image: GlanceImage) -> bool:
    """Whether its marker was made for it. Snapshots get a copy of it, and are their users'."""
    try:
        uid = str(UUID(image.properties.get(UID, "")))
    except ValueError:
        return False
    made = (image_id(uid, number) for number in range(1, _INCARNATIONS + 1))
    return image.properties.get(IMAGE) == image.id or image.id in made


def ownership(view: View, image: GlanceImage) -> Ownership:
    mine: Mapping[str, str] = image.properties
    if UID not in mine:  # an id derived from our uid is nobody else's, marker or not
        if adopts(view):
            return Ownership.ADOPTABLE
        return Ownership.NOBODY if image.id == view.spec.id else Ownership.OURS
    if mine[UID] == view.uid and mine.get(CLUSTER) == view.cluster:
        return Ownership.OURS
    if mine.get(OWNER) == owner(view) and mine.get(CLUSTER) == view.cluster:  # names are unique: that uid's is gone
        return Ownership.RESTORED
    return Ownership.ADOPTABLE if _is_free(view, image) else Ownership.ELSEWHERE


def _is_free(view: View, image: GlanceImage) -> bool:
    """Its owner is gone, or is of another cluster and shall lose it; what was taken from us is not taken back."""
    adopt = view.spec.adopt
    if adopt is None or not adopts(view):
        return False
    if image.properties.get(CLUSTER) == view.cluster:
        return view.owner_gone
    return adopt.force and view.memory.id != image.id


def is_held(view: View) -> bool:
    """Whether the image bears our marker, now or of an earlier life, or is ours by its id."""
    return view.image is not None and ownership(view, view.image) in (Ownership.OURS, Ownership.RESTORED)


def only_what_is_ours(view: View) -> Plan | None:
    """An image that is not marked as ours is never changed."""
    if view.image is None or is_held(view) or ownership(view, view.image) is Ownership.ADOPTABLE:
        return None
    if ownership(view, view.image) is Ownership.NOBODY:
        return stalled(
            "NotOurs",
            f"Glance image {view.image.id} exists and was not made by this object: {_WAYS_OUT}",
        )
    return _owned_elsewhere(view, view.image)


def _owned_elsewhere(view: View, image: GlanceImage) -> Plan:
    whose = image.properties.get(OWNER, "another object")
    if not adopts(view):
        return stalled(
            "OwnedElsewhere", f"Glance image {image.id} belongs to {whose} of another cluster or uid: {_WAYS_OUT}"
        )
    if image.properties.get(CLUSTER) == view.cluster:
        words = f"Image {whose} of this cluster: delete that one with deletionPolicy Retain, or adopt another image"
    else:
        words = f"Image {whose} of another cluster: create another Image with adopt.force: true to take it from there"
    return stalled("OwnedElsewhere", f"Glance image {image.id} belongs to {words}", after=RECHECK)


def await_marker(view: View) -> Plan | None:
    """While Glance deletes an image it shows it without its properties, lock and marker among them: such a look says
    nothing about the import."""
    image = view.image
    if image is None or image.status == "active" or UID in image.properties:
        return None
    message = f"Glance image {image.id} shows no properties: it is being deleted, or somebody removed them"
    return replace(waiting("Recreating", message, passing=True), backoff=True)
