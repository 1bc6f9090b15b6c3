"""Name, visibility, properties, tags and members: what is ours is kept as the spec says, what is others' stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from glance_operator.core.image import identity, references, stores
from glance_operator.core.image.observed import GlanceImage, View
from glance_operator.core.plan import Phase, Plan, State, Step, doing

_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class UpdateImage(Step):
    """One PATCH /v2/images/{id}: JSON-patch operations as (op, path, value)."""

    image_id: str
    operations: tuple[tuple[str, str, object], ...]

    def fields(self) -> tuple[str, ...]:
        """What it changes, for people."""
        return tuple(path.lstrip("/").replace("~1", "/").replace("~0", "~") for _, path, _ in self.operations)


@dataclass(frozen=True, slots=True)
class AddMember(Step):
    image_id: str
    project: str


@dataclass(frozen=True, slots=True)
class RemoveMember(Step):
    image_id: str
    project: str


def name_of(view: View) -> str:
    """Of an image that is made."""
    adopt = view.spec.adopt
    return view.spec.name or (adopt.name if adopt else None) or view.name


def numbered(view: View, incarnation: int) -> str:
    """The name of an image that does not serve: not yet, or no more."""
    mark = f" ({incarnation})"
    return name_of(view)[: _LONGEST_NAME - len(mark)] + mark


def properties(view: View) -> dict[str, str]:
    """The free properties the spec asks for, signature and other Images' ids included, and no marker."""
    wanted = dict(view.spec.properties or {}) | references.properties(view)
    if signature := view.spec.signature:
        wanted |= {
            "img_signature": signature.value,
            "img_signature_hash_method": signature.hash_method,
            "img_signature_key_type": signature.key_type,
            "img_signature_certificate_uuid": signature.certificate_uuid,
        }
    return wanted


def attributes(view: View) -> dict[str, object]:
    """Glance's own attributes which the spec sets. Absent in the spec = left alone (the name is ours, unless the image
    was another's)."""
    spec = view.spec
    wanted = {
        "name": spec.name if spec.adopt else name_of(view),
        "owner": spec.owner,
        "min_disk": spec.min_disk_gb,
        "min_ram": spec.min_ram_mb,
        "os_hidden": spec.hidden,
    }
    return {k: v for k, v in wanted.items() if v is not None}


def creation(view: View, content_hash: str) -> dict[str, Any]:
    """The body of POST /v2/images: private and unprotected until the content has proven itself."""
    view = inheriting(view)
    name = numbered(view, view.memory.incarnation) if identity.rolling(view) else name_of(view)
    return {
        "id": identity.expected_id(view),
        "visibility": "private",
        "disk_format": view.spec.disk_format,
        "container_format": view.spec.container_format,
        "tags": sorted({*(view.spec.tags or ()), *_foreign_tags(view)}),
        **attributes(view),
        "name": name,
        **_foreign_properties(view),
        **properties(view),
        **identity.marker(view, content_hash),
    }


def inheriting(view: View) -> View:
    """Where the spec is silent, it says what the image that serves has: its successor shall be no other."""
    old = identity.predecessor(view)
    if old is None:
        return view
    spec = view.spec
    silent = {f: value for f, value in _fields(old).items() if getattr(spec, f) is None and value != ""}
    return replace(view, spec=spec.model_copy(update=silent))


def _foreign_properties(view: View) -> dict[str, str]:
    """Those of the image that serves which others set."""
    old, ours = identity.predecessor(view), view.memory.applied_properties
    found = old.properties.items() if old else ()
    return {k: v for k, v in found if k not in ours and not k.startswith(identity.PREFIX)}


def _foreign_tags(view: View) -> frozenset[str]:
    old = identity.predecessor(view)
    return old.tags - view.memory.applied_tags if old else frozenset()


def _last(view: View) -> dict[str, object]:
    """What is set only once the content is good: before, nobody but us should find it or be held up by it."""
    visibility = view.spec.visibility
    unfinished = not stores.enough(view) or references.awaited(view)
    if visibility != "private" and unfinished:  # users wait until it is everywhere they may ask for it
        visibility = None
    wanted = {"protected": view.spec.protected, "visibility": visibility}
    return {k: v for k, v in wanted.items() if v is not None}


def _fields(image: GlanceImage) -> dict[str, object]:
    """What an image has of that which a spec may leave unsaid, by the spec's field."""
    return {
        "owner": image.owner,
        "min_disk_gb": image.min_disk,
        "min_ram_mb": image.min_ram,
        "hidden": image.hidden,
        "protected": image.protected,
        "visibility": image.visibility,
    }


def _shown(image: GlanceImage) -> dict[str, object]:
    return {
        "name": image.name,
        "owner": image.owner,
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "os_hidden": image.hidden,
        "protected": image.protected,
        "visibility": image.visibility,
    }


def operations(view: View, image: GlanceImage) -> tuple[tuple[str, str, object], ...]:
    """The JSON patch that makes the image as the spec says; empty when it is."""
    return (*_attribute_changes(view, image), *_property_changes(view, image), *_tag_change(view, image))


def _attribute_changes(view: View, image: GlanceImage) -> Iterator[tuple[str, str, object]]:
    shown = _shown(image)
    for key, value in (attributes(view) | _last(view)).items():
        if shown[key] != value:
            yield "replace", f"/{key}", value


def _property_changes(view: View, image: GlanceImage) -> Iterator[tuple[str, str, object]]:
    content = image.properties.get(identity.CONTENT, "")
    wanted = properties(view)
    for key, value in (wanted | identity.marker(view, content)).items():
        if value != image.properties.get(key, "" if key == identity.CONTENT else None):
            yield "add", _pointer(key), value
    for key in sorted(view.memory.applied_properties - set(wanted) - set(references.awaited(view))):
        if key in image.properties:
            yield "remove", _pointer(key), None


def _tag_change(view: View, image: GlanceImage) -> Iterator[tuple[str, str, object]]:
    wanted = frozenset(view.spec.tags or ())
    tags = (image.tags - (view.memory.applied_tags - wanted)) | wanted
    if tags != image.tags:
        yield "replace", "/tags", sorted(tags)


def _pointer(key: str) -> str:
    """A property's name as a JSON pointer."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def member_steps(view: View, image: GlanceImage) -> Iterator[Step]:
    """Sharing: only with visibility ``shared``; members that others added stay."""
    if view.members is None:
        return
    wanted = {m.project_id for m in view.spec.members or ()}
    for project in sorted(wanted - view.members.keys()):
        yield AddMember(image.id, project)
    for project in sorted((view.memory.applied_members - wanted) & view.members.keys()):
        yield RemoveMember(image.id, project)


def differences(view: View) -> tuple[str, ...]:
    """Names of what is not as the spec says, for people."""
    if view.image is None:
        return ()
    patch = UpdateImage(view.image.id, operations(view, view.image)).fields()
    return (*patch, *(["members"] if any(True for _ in member_steps(view, view.image)) else []))


def correct(view: View) -> Plan | None:
    """Bring the metadata to what the spec says, or, when drift shall only be reported, what the spec newly says."""
    image = view.image
    if image is None or reports_only(view):
        return None
    changes = operations(view, image)
    if not changes:
        return share(view)
    return doing(UpdateImage(image.id, changes), "Updating", f"Updating {', '.join(differences(view))}")


def share(view: View) -> Plan | None:
    """Bring the members to what the spec says."""
    step = next(member_steps(view, view.image), None) if view.image else None
    return doing(step, "Updating", "Updating members") if step else None


def reports_only(view: View) -> bool:
    """Drift is reported instead of corrected once this generation of the spec has been applied in full."""
    return view.spec.drift_policy == "Report" and view.settled


def drifted(view: View) -> State | None:
    """The state to show for drift that is only reported."""
    names = differences(view)
    if not (names and reports_only(view)):
        return None
    message = f"Changed outside: {', '.join(names)} (spec.driftPolicy is Report: set it to Correct to change them back)"
    return State(Phase.READY, "Drifted", message)
