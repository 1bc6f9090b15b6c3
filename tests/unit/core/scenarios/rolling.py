"""Other content under the same name: what is made ready, what serves meanwhile, and what stays of it."""

from __future__ import annotations

from typing import Any

from tests.unit.core.builders import EXPECTED_ID, UID, URL, glance_image, marker, memory, spec, tried, view
from tests.unit.core.scenarios.row import MIRROR, TWO, Row, served

from glance_operator.core.image import content, identity
from glance_operator.core.image.content import CreateImage, Discard, NextIncarnation
from glance_operator.core.image.metadata import AddMember, UpdateImage
from glance_operator.core.image.observed import GlanceImage, Kept, View
from glance_operator.core.image.rollout import Begin, CallOff, DeletePrevious, Promote, Switch
from glance_operator.core.image.stores import CopyToStores

SECOND, THIRD = (identity.image_id(UID, number) for number in (2, 3))
OTHER: dict[str, Any] = {"source": {"http": {"url": MIRROR}}}
OLD = Kept(EXPECTED_ID, 1, content.content_hash(spec()))
RETIRED = UpdateImage(EXPECTED_ID, (("replace", "/name", "jammy (1)"), ("replace", "/os_hidden", True)))
NAMED = UpdateImage(SECOND, (("replace", "/name", "jammy"),))


def successor(**changes: Any) -> GlanceImage:
    """The image with the other content, complete, private and not yet named as the one that serves."""
    plain = {"id": SECOND, "name": "jammy (2)", "properties": marker(spec(**OTHER))}
    return glance_image(**(plain | changes))


def rolling(old: GlanceImage | None = None, wanted: dict[str, Any] = OTHER, **changes: Any) -> View:
    """While `old` serves, its successor (`image`, none at first) is made ready for the spec `wanted`."""
    remembered = memory(id="", imported=False, incarnation=2, served=OLD, **changes.pop("remembered", {}))
    plain = {"spec": spec(**wanted), "memory": remembered, "others": {EXPECTED_ID: old or glance_image()}}
    return view(**(plain | changes))


def keeping(*images: GlanceImage, **changes: Any) -> View:
    """The third content is served, two earlier ones are remembered, and `images` of them are there."""
    previous = (Kept(SECOND, 2, "second"), Kept(EXPECTED_ID, 1, "first"))
    remembered = memory(id=THIRD, incarnation=3, previous=previous)
    others: dict[str, GlanceImage | None] = {EXPECTED_ID: None}
    return served(
        **({"image": glance_image(id=THIRD), "memory": remembered} | changes),
        others=others | {image.id: image for image in images},
    )


SHARED = {**OTHER, "visibility": "shared", "members": [{"projectID": "p2"}]}
FAILED = {"stores": {"dcn0": tried(1, 9)}}

ROLLOUTS = [
    Row(
        "back to content that is kept",
        served(
            spec=spec(**OTHER),
            memory=memory(incarnation=3, previous=(Kept(SECOND, 2, content.content_hash(spec(**OTHER))),)),
        ),
        "RollingOut",
        "InProgress",
        Begin(2),
    ),
    Row("nothing is there of what shall follow", rolling(), "Creating", "InProgress", CreateImage),
    Row("its id is used up", rolling(burnt=True), "Recreating", "InProgress", NextIncarnation),
    Row(
        "complete, and the other still has the name",
        rolling(image=successor()),
        "RollingOut",
        "InProgress",
        Switch(NAMED, RETIRED),
    ),
    Row(
        "complete, and nothing serves any more",
        rolling(glance_image(status="deleted"), image=successor()),
        "RollingOut",
        "InProgress",
        Switch(NAMED),
    ),
    Row("two of the name", rolling(image=successor(name="jammy")), "RollingOut", "InProgress", RETIRED),
    Row(
        "the other is retired",
        rolling(glance_image(name="jammy (1)", hidden=True), image=successor(name="jammy")),
        "Available",
        "Current",
        Promote(),
    ),
    Row("the other is locked", rolling(glance_image(lock="t9"), image=successor()), "RollingOut", "InProgress"),
    Row(
        "the spec says again what is served, when nothing was made yet",
        rolling(wanted={}),
        "Available",
        "Current",
        CallOff(),
    ),
    Row(
        "the spec says again what is served",
        rolling(wanted={}, image=successor(status="queued", stores=())),
        "RollingOut",
        "InProgress",
        Discard(SECOND),
    ),
    Row(
        "the spec says other content again, when the successor is complete",
        rolling(wanted={"source": {"http": {"url": URL + "-3"}}}, image=successor()),
        "RollingOut",
        "InProgress",
        Discard(SECOND),
    ),
    Row(
        "not in every store yet",
        rolling(wanted=OTHER | {"stores": TWO}, image=successor()),
        "Copying",
        "InProgress",
        CopyToStores(SECOND, ("dcn0",)),
    ),
    Row(
        "not in every store, as one fails, and that is not allowed",
        rolling(wanted=OTHER | {"stores": TWO | {"allowFailure": False}}, image=successor(), remembered=FAILED),
        "StoreImportFailed",
        "InProgress",
    ),
    Row(
        "not in every store, as one fails, and that is allowed",
        rolling(wanted=OTHER | {"stores": TWO}, image=successor(), remembered=FAILED),
        "RollingOut",
        "InProgress",
        Switch(NAMED, RETIRED),
    ),
    Row(
        "to be shared before anybody looks for it",
        rolling(wanted=SHARED, image=successor()),
        "RollingOut",
        "InProgress",
        UpdateImage(SECOND, (("replace", "/visibility", "shared"),)),
    ),
    Row(
        "shared, but not yet with its members",
        rolling(wanted=SHARED, image=successor(visibility="shared"), members={}),
        "Updating",
        "InProgress",
        AddMember(SECOND, "p2"),
    ),
    Row(
        "more earlier images than shall stay",
        keeping(glance_image()),
        "Pruning",
        "InProgress",
        DeletePrevious(EXPECTED_ID),
    ),
    Row(
        "more earlier images than shall stay, protected",
        keeping(glance_image(protected=True)),
        "Pruning",
        "InProgress",
        UpdateImage(EXPECTED_ID, (("replace", "/protected", False),)),
    ),
    Row("more earlier images than shall stay, but they are gone", keeping(), "Available", "Current"),
]

__all__ = ["ROLLOUTS"]
