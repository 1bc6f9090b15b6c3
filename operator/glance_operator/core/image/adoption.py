"""Taking over an image that somebody else made: found, marked before anything else, and else left as it is."""

from __future__ import annotations

from dataclasses import dataclass

from glance_operator.core.image import content, identity, limits
from glance_operator.core.image.identity import Ownership
from glance_operator.core.image.observed import GlanceImage, View
from glance_operator.core.plan import Plan, Step, doing, stalled, waiting

_LATER = 60.0  # seconds until it is looked again for what somebody else must bring
_NAMED = 10  # so many ids are told of images of the same name


@dataclass(frozen=True, slots=True)
class TakeOver(Step):
    """One PATCH /v2/images/{id} with the marker, as (property, value). ``before``: the uid in the marker that was
    seen; empty = none. Who finds another one there was too late."""

    image_id: str
    marker: tuple[tuple[str, str], ...]
    before: str = ""


def await_target(view: View) -> Plan | None:
    """There is no image to take over (yet), or it is not clear which."""
    adopt = view.spec.adopt
    if adopt is None or view.image is not None or view.memory.id or not identity.adopts(view):
        return None
    if len(view.candidates) > 1:
        return _ambiguous(view)
    what = f"with the id {adopt.id}" if adopt.id else f"named {adopt.name}{_of(adopt.owner)}"
    message = (
        f"These credentials see no Glance image {what} (spec.adopt): it is awaited and looked for every minute; "
        f"if that is not what was meant, create another Image"
    )
    return waiting("AdoptionTargetNotFound", message, after=_LATER)


def _ambiguous(view: View) -> Plan:
    adopt, found = view.spec.adopt, view.candidates
    ids = ", ".join(found[:_NAMED]) + (", …" if len(found) > _NAMED else "")
    name, whose = (adopt.name, _of(adopt.owner)) if adopt else ("", "")
    message = (
        f"{len(found)} Glance images are named {name}{whose}, hidden ones included: {ids}; create another Image with "
        f"adopt.id{'' if whose else ' or adopt.owner'}, or rename the others"
    )
    return stalled("AmbiguousName", message, after=_LATER)


def _of(owner: str | None) -> str:
    return f" of owner {owner}" if owner else ""


def say_gone(view: View) -> Plan | None:
    """What was taken over has vanished, and nobody has said how to make it again."""
    known = view.memory.id or not identity.adopts(view)
    if view.image is not None or view.spec.source is not None or not known:
        return None
    return stalled(
        "Gone",
        f"Glance image {view.memory.id or identity.expected_id(view)} is gone, and nothing says how to make it again: "
        f"set spec.source to have another one made in its place, or delete this object",
    )


def _wanted(view: View) -> GlanceImage | None:
    """The image that is to be marked."""
    image = view.image
    if image is None or not identity.adopts(view) or identity.ownership(view, image) is Ownership.OURS:
        return None
    return image


def await_others(view: View) -> Plan | None:
    """What somebody else imports is taken over when that is done: a marker set before would be undone. An image
    without content is not filled, and never discarded: it may be waiting for its maker."""
    image = view.image
    if image is None or not identity.adopts(view) or (image.complete and not _wanted(view)):
        return None
    if content.running(view):
        message = f"Glance image {image.id} is locked by an import that somebody else began: it is awaited"
        return waiting("AdoptionTargetBusy", message)
    if image.complete:
        return None
    return stalled(
        "AdoptionTargetEmpty",
        f"Glance image {image.id} has no content (its status is {image.status}), and nothing is imported into an image "
        f"that somebody else made: upload it there, or create an Image without adopt",
        after=_LATER,
    )


def refuse_other_content(view: View) -> Plan | None:
    """What the spec says of the content cannot be made true of an image that has another."""
    image = _wanted(view)
    differ = _differences(view, image) if image else []
    if not differ or image is None:
        return None
    return stalled(
        "AdoptionTargetDiffers",
        f"Glance image {image.id} is not what the spec says: {'; '.join(differ)}. Its content cannot be changed and "
        f"nothing was touched: correct the spec, or create another Image",
    )


def _differences(view: View, image: GlanceImage) -> list[str]:
    """In words. A digest is compared where Glance keeps one of that kind, and of the same bytes."""
    source = view.spec.source
    checksum = source.checksum if source and source.decompress == "None" else None
    pairs = {
        "diskFormat": (view.spec.disk_format, image.disk_format),
        "containerFormat": (view.spec.container_format, image.container_format),
        image.hash_algo: ((getattr(checksum, image.hash_algo, None) or "").lower(), image.hash_value),
    }
    return [
        f"{name} {there}, not {asked}" for name, (asked, there) in pairs.items() if asked and there and asked != there
    ]


def take_over(view: View) -> Plan | None:
    """Mark it, before anything of it is changed; what is right is never imported again."""
    image = _wanted(view)
    if image is None:
        return None
    if held := limits.hold(view):
        return held
    hash_ = content.content_hash(view.spec)
    if identity.ownership(view, image) is Ownership.RESTORED:
        hash_ = image.properties.get(identity.CONTENT, hash_)  # it was taken over in an earlier life
    step = TakeOver(image.id, tuple(identity.marker(view, hash_).items()), image.properties.get(identity.UID, ""))
    return doing(step, "Adopting", f"Taking over Glance image {image.id}")
