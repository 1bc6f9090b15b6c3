"""Stores that shall hold the data no longer, and stores that are drained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.core.builders import EXPECTED_ID, FULL, glance_image, memory, spec, task, tried
from tests.unit.core.scenarios.row import BOTH, EITHER, Row, served

from glance_operator.core.image.observed import GlanceImage, StoreMemory, View
from glance_operator.core.image.removal import DeleteFromStore
from glance_operator.core.image.stores import CopyToStores

FILLED = frozenset({"central", "dcn0", "dcn1"})
ONE = spec(stores={"names": ["central"]})
EMPTY = DeleteFromStore(EXPECTED_ID, "dcn1")
DRAINS = frozenset({"dcn1"})


def placed(*stores: str, **more: Any) -> GlanceImage:
    return glance_image(stores=stores, **more)


def left(image: GlanceImage, **more: Any) -> View:
    """central alone is asked for, and we have filled all."""
    return served(**({"spec": ONE, "image": image, "memory": memory(filled=FILLED)} | more))


def refused(attempts: int, due_in: float) -> dict[str, StoreMemory]:
    return {"dcn1": replace(tried(attempts, due_in), message="Glance refuses to remove it (HTTP 500): read-only")}


LEAVING_STORES = [
    Row("a store was taken out", left(placed("central", "dcn1")), "Removing", "Current", EMPTY),
    Row(
        "a store is left out now",
        left(placed("central", "dcn0", "dcn1"), spec=spec(stores={"all": {"except": ["dcn1"]}})),
        "Removing",
        "Current",
        EMPTY,
    ),
    Row("somebody else has filled it", left(placed("central", "dcn1"), memory=memory()), "Available", "Current"),
    Row(
        "that the default store is another now takes nothing away",
        left(placed("central", "dcn1"), spec=spec()),
        "Available",
        "Current",
    ),
    Row(
        "spec.stores was taken out as a whole",
        left(placed("central", "dcn1"), spec=spec(), memory=memory(filled=FILLED, respecified=True)),
        "Removing",
        "Current",
        EMPTY,
    ),
    Row(
        "first the data goes where it shall be",
        left(placed("dcn1")),
        "Copying",
        "InProgress",
        CopyToStores(EXPECTED_ID, ("central",)),
    ),
    Row(
        "as long as a store lacks the data no other loses it",
        left(placed("central", "dcn1"), spec=EITHER, memory=memory(filled=FILLED, stores={"dcn0": tried(1, 3)})),
        "PartialFailure",
        "Current",
    ),
    Row(
        "not under a lock",
        left(placed("central", "dcn1", lock="t0"), task=task(name="t0")),
        "Removing",
        "Current",
    ),
    Row(
        "not where the service does not know the store",
        left(placed("central", "dcn1"), service=replace(FULL, stores=("central", "dcn0"))),
        "Removing",
        "Current",
    ),
    Row(
        "Glance has refused it, the next attempt follows",
        left(placed("central", "dcn1"), memory=memory(filled=FILLED, stores=refused(2, 9))),
        "RemovalRefused",
        "Current",
    ),
    Row(
        "its time has come",
        left(placed("central", "dcn1"), memory=memory(filled=FILLED, stores=refused(2, -1))),
        "Removing",
        "Current",
        EMPTY,
    ),
    Row(
        "a store that is drained, whoever filled it",
        served(image=placed("central", "dcn1"), draining=DRAINS),
        "Removing",
        "Current",
        EMPTY,
    ),
    Row(
        "a store that is drained is not filled",
        served(spec=spec(stores={"names": ["central", "dcn1"]}), draining=DRAINS),
        "StoreDraining",
        "Current",
    ),
    Row(
        "the only store that is named is drained",
        served(spec=spec(stores={"names": ["dcn1"]}), image=placed("dcn1"), draining=DRAINS),
        "Copying",
        "InProgress",
        CopyToStores(EXPECTED_ID, ("central",)),
    ),
    Row(
        "drained once the default store has it",
        served(spec=spec(stores={"names": ["dcn1"]}), image=placed("dcn1", "central"), draining=DRAINS),
        "Removing",
        "Current",
        EMPTY,
    ),
    Row(
        "a protected image leaves no store that is drained",
        served(spec=spec(protected=True), image=placed("central", "dcn1", protected=True), draining=DRAINS),
        "Removing",
        "Current",
    ),
    Row(
        "there is nowhere to go to",
        served(spec=spec(stores={"names": ["central"]}), draining=frozenset({"central"})),
        "StoreDraining",
        "Current",
    ),
    Row(
        "nor is there for a new image",
        served(
            spec=spec(stores={"names": ["central"]}),
            image=None,
            memory=memory(id="", imported=False, was_ready=False),
            settled=False,
            draining=frozenset({"central"}),
        ),
        "StoreDraining",
        "InProgress",
    ),
    Row(
        "taken out, and the last copy",
        left(
            placed("dcn1"),
            spec=BOTH,
            memory=memory(filled=FILLED, stores={s: tried(1, 9) for s in ("central", "dcn0")}),
        ),
        "StoreImportFailed",
        "InProgress",
    ),
]
