"""What a scenario is, and the worlds that many of them share."""

from __future__ import annotations

from typing import NamedTuple

from tests.unit.core.builders import (
    glance_image,
    memory,
    spec,
    view,
)

from glance_operator.core.image.observed import Service, View
from glance_operator.core.plan import Phase, State, Step

MIRROR = "https://mirror.example.org/jammy.img"
MISSING = State(Phase.WORKING, "CredentialsNotFound", "Secret default/openstack does not exist: create it")
NO_COPY = Service(("central", "dcn0"), "central", frozenset({"web-download"}))
ONE_STORE = Service((), "", frozenset({"web-download"}))
TWO = {"names": ["central", "dcn0"]}
BOTH = spec(stores=TWO | {"allowFailure": False})
EITHER = spec(stores=TWO)
OTHER_UID = "00000000-0000-4000-8000-000000000000"


class Row(NamedTuple):
    """`kstatus`: what GitOps tools make of it; `step`: equal to this one, or of this type."""

    words: str
    view: View
    reason: str
    kstatus: str
    step: Step | type[Step] | None = None


def served(**changes: object) -> View:
    """Content imported and Ready before; nothing to do unless `changes` says so."""
    return view(**({"image": glance_image(), "memory": memory(), "settled": True} | changes))
