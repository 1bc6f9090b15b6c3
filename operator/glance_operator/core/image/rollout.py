"""Other content under the same name: a new image is made ready beside the one that serves, and then takes its place.

Glance images are immutable. Until the successor is complete nothing changes for users; it is private and has a name of
its own. Then one request gives it name and visibility, and the next takes them from the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from glance_operator.core.image import content, identity, metadata, references, stores
from glance_operator.core.image.deletion import DeleteImage
from glance_operator.core.image.identity import predecessor, rolling
from glance_operator.core.image.metadata import UpdateImage, inheriting
from glance_operator.core.image.observed import GlanceImage, Kept, Memory, View
from glance_operator.core.plan import Note, Phase, Plan, State, Step, doing, waiting

ROLLING_OUT = "RollingOut"
_IN_USE = 600.0  # seconds until it is tried again to delete an image that need not stay
_UNLOCKED = 10.0  # seconds between two looks for the end of a lock on the image that serves


@dataclass(frozen=True, slots=True)
class Begin(Note):
    """Which incarnation shall follow."""

    incarnation: int


@dataclass(frozen=True, slots=True)
class CallOff(Note):
    """What serves is wanted again, and nothing shall follow it."""


@dataclass(frozen=True, slots=True)
class Promote(Note):
    """The successor has name and visibility, and is from now on what the status speaks of."""


@dataclass(frozen=True, slots=True)
class Switch(Step):
    """Two PATCHes, one right after the other: between them two images have the name, never none."""

    new: UpdateImage
    old: UpdateImage | None = None


@dataclass(frozen=True, slots=True)
class DeletePrevious(DeleteImage):
    """The same for an image of earlier content that need not stay."""


def remove_double(view: View) -> Plan | None:
    """Two of the name are there between two requests only; after a crash there, this comes first of all."""
    image = view.image
    if image is None or not (rolling(view) and _has_taken_over(view, image)):
        return None
    if old := _retirement(view):
        return doing(old, ROLLING_OUT, "The new content is served: retiring the image that served before")
    return _noted(Promote(), f"The new content is served as {image.id}")


def _noted(step: Note, message: str) -> Plan:
    """What serves does so before and after."""
    return Plan(State(Phase.READY, "Available", message), step=step, after=0, record=True)


def _has_taken_over(view: View, image: GlanceImage) -> bool:
    return image.status == "active" and image.name == metadata.name_of(view) and content.is_as_described(view)


def _retirement(view: View) -> UpdateImage | None:
    """What takes name and place in lists from the image that served; None if it has neither."""
    served, old = view.memory.served, predecessor(view)
    if served is None or old is None:
        return None
    wanted: dict[str, object] = {"name": metadata.numbered(view, served.incarnation)}
    if _hides(view):
        wanted |= {"os_hidden": True}
    shown = {"name": old.name, "os_hidden": old.hidden}
    changes = tuple(("replace", f"/{key}", value) for key, value in wanted.items() if shown[key] != value)
    return UpdateImage(old.id, changes) if changes else None


def _hides(view: View) -> bool:
    return view.spec.rollout is None or view.spec.rollout.previous == "Hide"


def call_off(view: View) -> Plan | None:
    """The spec describes what serves, again."""
    served, image = view.memory.served, view.image
    if served is None or served.content != content.content_hash(view.spec):
        return None
    if image is not None and not _is_kept(view, image):
        return doing(content.Discard(image.id), ROLLING_OUT, "spec describes again what is served: nothing follows it")
    return _noted(CallOff(), "spec describes again what is served")


def _is_kept(view: View, image: GlanceImage) -> bool:
    return any(kept.id == image.id for kept in view.memory.previous)


def begin(view: View) -> Plan | None:
    """The image is complete, but the spec describes other content now."""
    image = view.image
    if image is None or content.is_as_described(view):
        return None
    if rolling(view) and not _is_kept(view, image):
        return doing(content.Discard(image.id), ROLLING_OUT, "spec describes other content now: starting again")
    message = "The content that spec describes is made ready beside the image that serves"
    return replace(doing(Begin(_follower(view)), ROLLING_OUT, message), record=True)


def _follower(view: View) -> int:
    """The incarnation that has the content already, or the next one."""
    wanted = content.content_hash(view.spec)
    kept = (one.incarnation for one in view.memory.previous if one.content == wanted)
    return next(kept, identity.next_incarnation(view.memory))


def fill_first(view: View) -> Plan | None:
    """The successor is where it shall be before anybody sees it. With ``allowFailure`` each store is tried once."""
    if not rolling(view) or _in_place(view):
        return None
    short = waiting(ROLLING_OUT, f"New content: {stores.summary(view)}", after=stores.until_next(view))
    return stores.fill_missing(view) or stores.demand_all(view) or short


def _in_place(view: View) -> bool:
    tried = (store in view.memory.stores for store in stores.missing(view))
    return stores.enough(view) and all(tried)


def share_first(view: View) -> Plan | None:
    """Those who may use the image that serves may use its successor from its first moment."""
    image = view.image
    if image is None or not rolling(view) or inheriting(view).spec.visibility != "shared":
        return None
    if image.visibility != "shared":
        step = UpdateImage(image.id, (("replace", "/visibility", "shared"),))
        return doing(step, ROLLING_OUT, "Sharing the new content with the members")
    return metadata.share(view)


def switch(view: View) -> Plan | None:
    """The successor takes name and visibility, and the other gives up its name."""
    image, old = view.image, predecessor(view)
    if image is None or not rolling(view):
        return None
    if wait := references.await_them(view):
        return wait
    if old is not None and old.lock:  # what is changed now would be undone
        return waiting(ROLLING_OUT, f"Image {old.id} still serves, and is locked by an import", after=_UNLOCKED)
    new = UpdateImage(image.id, metadata.operations(inheriting(view), image))
    return doing(Switch(new, _retirement(view)), ROLLING_OUT, "The new content takes the place of the old")


def prune(view: View) -> Plan | None:
    """Of earlier contents, so many stay as ``rollout.historyLimit`` says; what is protected is ours to release."""
    for kept in reversed(excess(view)):
        if image := view.others.get(kept.id):
            step = UpdateImage(image.id, (("replace", "/protected", False),)) if image.protected else None
            return doing(step or DeletePrevious(image.id), "Pruning", f"Deleting image {image.id} of earlier content")
    return None


def refused(view: View, step: DeletePrevious, said: str) -> Plan:
    """The plan after Glance did not delete it: what serves does so all the same."""
    message = f"{stores.summary(view)}. Image {step.image_id} of earlier content stays for now: {said}"
    return Plan(State(Phase.READY, "Available", message), after=_IN_USE)


def excess(view: View) -> tuple[Kept, ...]:
    """Images of earlier content that need not stay."""
    limit = view.spec.rollout.history_limit if view.spec.rollout else 1
    return view.memory.previous[limit:]


def promoted(view: View) -> Memory:
    """What is remembered once the successor has taken over."""
    memory, served = view.memory, view.memory.served
    if served is None:
        return memory
    others = tuple(kept for kept in memory.previous if kept.incarnation != memory.incarnation)
    return replace(memory, served=None, previous=(replace(served, hidden=_hides(view)), *others))
