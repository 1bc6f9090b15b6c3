"""On which pod of a service of ours an import runs, and whether it can still be running there."""

from __future__ import annotations

import hashlib

from glance_operator.core.image import staging
from glance_operator.core.image.observed import Node, View
from glance_operator.core.plan import Plan, waiting

SPARED = 3  # imports that ended with their pod before each further one counts as a failed attempt: it may be its doing
_PATIENCE = 30.0  # seconds for which a pod that carries on the lost one's name is waited for
LOOK = 2.0  # seconds between two looks for a pod


def followed(view: View) -> bool:
    """Whether the image is locked by an import of which is known where it runs: its pods are looked at afresh then."""
    return view.nodes is not None and view.image is not None and bool(view.image.lock and view.memory.container_id)


def lost(view: View) -> bool:
    """Nothing of the import runs any more, although its lock is there: its container is gone, and ids never return."""
    over = view.task is not None and view.task.over
    return followed(view) and not over and all(n.container_id != view.memory.container_id for n in view.nodes or ())


def cut_off(view: View) -> bool:
    """The lock is of a copy that is over for sure: lost, or judged before. Glance tells when it counts no longer."""
    image = view.image
    if image is None or image.status != "active" or not followed(view):
        return False
    return lost(view) or image.lock == view.memory.task_id


def choose(view: View, needs: int | None) -> Node | None:
    """The pod that has room and the fewest imports of ours; among equals, each image has its own order."""
    image_id = view.image.id if view.image else view.uid

    def rank(one: Node) -> tuple[bool, int, bytes]:
        flights = sum(flight.node == one.name for flight in view.flights)
        order = hashlib.sha256(f"{image_id}/{one.name}".encode()).digest()
        return not staging.fits(view, one, needs), flights, order

    return min((one for one in view.nodes or () if one.open), key=rank, default=None)


def await_one(view: View) -> Plan | None:
    """A service of ours of which no pod can take an import now."""
    if view.nodes is None or any(one.open for one in view.nodes):
        return None
    said = ", ".join(f"{one.name} {'is ending' if one.leaving else 'does not answer'}" for one in view.nodes)
    message = f"No pod of GlanceAPI {api(view)} takes imports now ({said or 'there is none'}): see its WorkloadReady"
    return waiting("NoPodServes", message, after=LOOK)


def api(view: View) -> str:
    return view.spec.glance_api_ref.name if view.spec.glance_api_ref else ""


def place(view: View) -> str:
    """Address of the pod that has what the import has left, if it serves, or another of its name; else empty."""
    return next((one.url for one in view.nodes or () if one.open and one.name == view.memory.node), "")


def settled(view: View) -> bool:
    """Whether what the lost import has left can be removed: by a pod of the same name, which has its volume, or, if
    none comes, by any. So the last container of the name is gone for sure, too: an ended pod may outlive its object."""
    return bool(place(view)) or view.gone_for >= _PATIENCE


def replaced(view: View) -> bool:
    """Whether the pod that was given something is ending, or runs another container by now."""
    given = view.memory.container_id if view.nodes is not None else ""
    return bool(given) and all(one.container_id != given or one.leaving for one in view.nodes or ())


def ended(view: View) -> str:
    return f"Pod {view.memory.node} of GlanceAPI {api(view)} ended during the import, and the import with it"
