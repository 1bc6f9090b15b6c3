"""kernelRef and ramdiskRef: other Images of the namespace whose ids this one carries as properties."""

from __future__ import annotations

from glance_operator.api.image import ImageSpec
from glance_operator.core.image.observed import View
from glance_operator.core.image.others import Referred
from glance_operator.core.plan import Plan, stalled, waiting

FIELDS = {"kernel_id": "kernelRef", "ramdisk_id": "ramdiskRef"}
_REASONS = {"kernel_id": "KernelNotReady", "ramdisk_id": "RamdiskNotReady"}
_PATIENCE = 60.0  # seconds between two looks; that the other one has become Ready is told at once


def named(spec: ImageSpec) -> dict[str, str]:
    """Names of the Images that the spec refers to, by the property that is to have the id."""
    found = {"kernel_id": spec.kernel_ref, "ramdisk_id": spec.ramdisk_ref}
    return {key: ref.name for key, ref in found.items() if ref}


def properties(view: View) -> dict[str, str]:
    """The ids that can be relied on. One that is there stays, whatever becomes of the other Image meanwhile."""
    there = view.image.properties if view.image else {}
    known = {key: one.image_id for key, one in view.referred.items() if one.exists and one.image_id and one.near}
    return {key: id_ for key, id_ in known.items() if view.referred[key].ready or there.get(key) == id_}


def awaited(view: View) -> dict[str, Referred]:
    """Those whose ids are not known yet, or not any more: what the image has in their places is left there."""
    resolved = properties(view)
    return {key: one for key, one in view.referred.items() if key not in resolved}


def refuse(view: View) -> Plan | None:
    """References that never come to an end, or lead to another cloud."""
    for key, one in view.referred.items():
        field = f"spec.{FIELDS[key]}"
        if one.circle:
            way = " → ".join((view.name, *one.circle))
            return stalled("ReferenceCircle", f"{field}: the references lead back here ({way}): remove one of them")
        if one.exists and not one.near:
            return stalled(
                "OtherCloud",
                f"{field}: Image {one.name} is on another cloud, where its id is worth nothing here: refer to one with "
                f"the same glanceAPIRef or cloudCredentialsRef, or set the property {key} instead",
            )
    return None


def await_them(view: View) -> Plan | None:
    """The image is complete but for the ids of the others: until then nobody but its owner sees it."""
    for key, one in awaited(view).items():
        who = f"Image {one.name} (spec.{FIELDS[key]})"
        words = f"{who} is not Ready yet: see its conditions" if one.exists else f"{who} does not exist: create it"
        return waiting(_REASONS[key], words, after=_PATIENCE)
    return None
