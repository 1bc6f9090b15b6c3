"""Whether an import fits into the room where its bytes wait for their stores. What is not known is not compared."""

from __future__ import annotations

from glance_operator.core.image.observed import Node, View
from glance_operator.core.image.sizes import human
from glance_operator.core.plan import Plan, stalled, waiting

_FULL = "StagingFull"
_RECHECK = 60.0  # seconds until it is looked whether the room has grown
_LOOK = 5.0


def content_needs(view: View) -> int | None:
    """Bytes that bringing the content in takes; with conversion, source and result lie there together."""
    if view.found.size is None:
        return None
    return view.found.size + (view.found.virtual_size or 0 if _converts(view) else 0)


def copy_needs(view: View) -> int | None:
    """Bytes that copying the data to further stores takes."""
    return view.image.size if view.image else None


def _converts(view: View) -> bool:
    """Only a raw result has a size that can be known before."""
    return view.room is not None and view.room.converts_to == "raw" != view.spec.disk_format


def too_much(view: View, needs: int | None) -> bool:
    """Not even an idle service has the room."""
    return needs is not None and view.room is not None and needs > view.room.size


def fits(view: View, node: Node, needs: int | None) -> bool:
    """Whether the pod has the room beside what is in flight."""
    if needs is None or view.room is None:
        return True
    taken = sum(one.needs for one in view.flights if view.room.shared or one.node in ("", node.name))
    return taken + needs <= view.room.size


def refuse_too_much(view: View) -> Plan | None:
    """More than there is, whoever else is there."""
    needs = content_needs(view)
    if _has_content(view) or not too_much(view, needs):
        return None
    return stalled(_FULL, f"{_demand(view, needs)}: set {_field(view)} to more", after=_RECHECK)


def await_room(view: View) -> Plan | None:
    """It fits, but not now."""
    needs, pods = content_needs(view), [one for one in view.nodes or () if one.open]
    if _has_content(view) or not pods or any(fits(view, one, needs) for one in pods):
        return None
    taken = human(sum(one.needs for one in view.flights))
    message = f"{_demand(view, needs)}, and other imports need {taken} of it: this one begins when they are done"
    return waiting(_FULL, message, after=_LOOK, passing=True)


def narrow(view: View) -> str:
    """Why copies to further stores are not even begun; empty if it is not for the room."""
    needs = copy_needs(view)
    if needs is None or view.room is None or not too_much(view, needs):
        return ""
    return (
        f"copying takes {human(needs)} of staging space, there is {human(view.room.size)}: set {_field(view)} to more"
    )


def _has_content(view: View) -> bool:
    return view.image is not None and view.image.status != "queued"


def _demand(view: View, needs: int | None) -> str:
    room, found = view.room, view.found
    if room is None or needs is None or found.size is None:
        raise AssertionError("what is not known is not compared")
    source = f"The source has {human(found.size)}"
    if needs > found.size:
        source += f" and takes {human(needs - found.size)} more once it is {room.converts_to}"
    elif room.converts_to and room.converts_to != view.spec.disk_format:
        source += f" (nobody knows how much more it takes once it is {room.converts_to})"
    return f"{source}, the staging space {'of all pods' if room.shared else 'of a pod'} has {human(room.size)}"


def _field(view: View) -> str:
    api = view.spec.glance_api_ref
    room = view.room
    return f"spec.staging.{room.field if room else ''} of GlanceAPI {api.name if api else ''}"
