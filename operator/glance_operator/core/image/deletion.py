"""How a deleted object ends: what we made is removed, unless it shall stay or is held by somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from glance_operator.core.image import caching, content, identity, nodes, transfer
from glance_operator.core.image.metadata import UpdateImage
from glance_operator.core.image.observed import Cause, View
from glance_operator.core.plan import LetGo, Plan, Step, doing, waiting

GRACE_FOR_IMPORT = timedelta(seconds=30)  # a short import ends well; a longer one is cut


@dataclass(frozen=True, slots=True)
class DeleteImage(Step):
    """``place``: address of the pod that has what an import has left; empty = any."""

    image_id: str
    place: str = ""


def release_untouched(view: View) -> Plan | None:
    """What was made shall stay, and nobody is asked."""
    if view.spec.suspend:
        return doing(LetGo(), "Released", "Suspended: let go without touching Glance")
    if view.spec.deletion_policy == "Retain":
        return doing(LetGo(), "Released", "deletionPolicy is Retain: the image stays in Glance")
    return None


def release_without_cloud(view: View) -> Plan | None:
    """Nobody can be asked. Credentials that no longer exist may come back, but are not awaited for ever."""
    if view.trouble is None:
        return None
    if view.cause is not Cause.MISSING:
        return waiting(view.trouble.reason, f"Deletion waits: {view.trouble.message}")
    since = max(view.memory.cloud_lost_since or view.now, view.deleted_at or view.now)
    left = view.lost_grace - (view.now - since).total_seconds()
    if left <= 0:
        return doing(LetGo(view.trouble.message), "LeftInGlance", view.trouble.message)
    return waiting(
        view.trouble.reason,
        f"{view.trouble.message}. Deletion waits {view.lost_grace:g} s for it, then leaves the image in Glance; "
        f"spec.suspend: true or deletionPolicy: Retain lets go at once",
        after=min(left + 0.1, 15.0),
    )


def release_when_gone(view: View) -> Plan | None:
    if view.image is None:
        return doing(LetGo(), "Deleted", "The image is gone from Glance")
    if not identity.is_held(view):
        return doing(LetGo(), "Released", "The image in Glance is not ours and stays")
    return None


def await_import(view: View) -> Plan | None:
    """Deleting while Glance writes to a store would leave the bytes there for ever: give a short import time.

    A protected image cannot be deleted, and until the import is over nothing can be changed: it waits to the end.
    """
    if view.image is None or not content.running(view):
        return None
    left = ((view.deleted_at or view.now) + GRACE_FOR_IMPORT - view.now).total_seconds()
    if left <= 0 and not view.image.protected:
        return None
    after = min(left, 2.0) if left > 0 else 10.0
    return waiting("ImportRunning", "Deletion waits for the running import to end", after=after)


def lift_protection(view: View) -> Plan | None:
    image = view.image
    if image is None or not image.protected:
        return None
    if view.spec.deletion_policy == "DeleteProtected" or view.spec.protected is False:
        return doing(UpdateImage(image.id, (("replace", "/protected", False),)), "Deleting", "Lifting the protection")
    return waiting(
        "Protected",
        f"Glance image {image.id} is protected: set spec.protected to false to delete it, or spec.deletionPolicy "
        f"to DeleteProtected (deletes it) or Retain (leaves it in Glance)",
    )


def delete(view: View) -> Plan:
    if view.image is None:
        raise AssertionError("release_when_gone answers before")
    return doing(DeleteImage(view.image.id, nodes.place(view)), "Deleting", "Deleting the image from Glance")


RULES = (
    release_untouched,
    release_without_cloud,
    release_when_gone,
    transfer.stop,
    await_import,
    lift_protection,
    caching.leave,
    delete,
)
