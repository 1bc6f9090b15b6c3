"""An image with content: its metadata and its stores are kept as the spec says."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.core.builders import (
    EXPECTED_ID,
    glance_image,
    memory,
    spec,
    task,
    tried,
    view,
)
from tests.unit.core.scenarios.row import BOTH, EITHER, NO_COPY, ONE_STORE, Row, served

from glance_operator.core.image.metadata import AddMember, RemoveMember, UpdateImage
from glance_operator.core.image.stores import CopyToStores

METADATA = [
    Row(
        "renamed in Glance",
        served(image=glance_image(name="focal")),
        "Updating",
        "InProgress",
        UpdateImage(EXPECTED_ID, (("replace", "/name", "jammy"),)),
    ),
    Row(
        "shown to all once it is in enough stores",
        view(spec=EITHER.model_copy(update={"visibility": "public"}), image=glance_image()),
        "Updating",
        "InProgress",
        UpdateImage(EXPECTED_ID, (("replace", "/visibility", "public"),)),
    ),
    Row(
        "not shown before it is in all stores that are demanded",
        view(spec=BOTH.model_copy(update={"visibility": "public"}), image=glance_image()),
        "Copying",
        "InProgress",
        CopyToStores(EXPECTED_ID, ("dcn0",)),
    ),
    Row(
        "shared with one more project",
        served(
            spec=spec(visibility="shared", members=[{"projectID": "p2"}]),
            image=glance_image(visibility="shared"),
            members={"p9": "accepted"},
        ),
        "Updating",
        "InProgress",
        AddMember(EXPECTED_ID, "p2"),
    ),
    Row(
        "shared with one project less",
        served(
            spec=spec(visibility="shared"),
            image=glance_image(visibility="shared"),
            members={"p2": "pending", "p9": "accepted"},
            memory=memory(applied_members=frozenset({"p2"})),
        ),
        "Updating",
        "InProgress",
        RemoveMember(EXPECTED_ID, "p2"),
    ),
    Row(
        "drift is only reported",
        served(spec=spec(driftPolicy="Report"), image=glance_image(name="focal")),
        "Drifted",
        "Current",
    ),
    Row(
        "a new spec is no drift",
        served(spec=spec(driftPolicy="Report"), image=glance_image(name="focal"), settled=False),
        "Updating",
        "InProgress",
        UpdateImage,
    ),
]

STORES = [
    Row("a store was added", served(spec=EITHER), "Copying", "InProgress", CopyToStores(EXPECTED_ID, ("dcn0",))),
    Row(
        "all stores of the service",
        served(spec=spec(stores={"all": {"except": ["dcn0"]}})),
        "Copying",
        "InProgress",
        CopyToStores(EXPECTED_ID, ("dcn1",)),
    ),
    Row(
        "one store failed, one is enough",
        served(spec=EITHER, memory=memory(stores={"dcn0": tried(1, 3)})),
        "PartialFailure",
        "Current",
    ),
    Row(
        "one store failed, all are demanded",
        view(spec=BOTH, image=glance_image(), memory=memory(was_ready=False, stores={"dcn0": tried(1, 3)})),
        "StoreImportFailed",
        "InProgress",
    ),
    Row(
        "given up on a store that is demanded",
        view(spec=BOTH, image=glance_image(), memory=memory(was_ready=False, stores={"dcn0": tried(5, -3)})),
        "RetryLimitExceeded",
        "Failed",
    ),
    Row(
        "a demanded store cannot be filled",
        view(spec=BOTH, image=glance_image(), service=NO_COPY),
        "MethodNotEnabled",
        "Failed",
    ),
    Row(
        "a demanded store has left the service",
        view(spec=BOTH, image=glance_image(), service=replace(NO_COPY, stores=("central",))),
        "UnknownStore",
        "Failed",
    ),
    Row(
        "a store more cannot be filled, one is enough",
        served(spec=EITHER, service=NO_COPY, memory=memory(stores={"dcn0": tried(1, -3)})),
        "PartialFailure",
        "Current",
    ),
    Row(
        "a lock without a task holds up copies, not service",
        served(spec=EITHER, image=glance_image(lock="t0"), task=task(name="t0")),
        "PartialFailure",
        "Current",
    ),
    Row("served", served(), "Available", "Current"),
    Row(
        "served by one nameless store", served(service=ONE_STORE, image=glance_image(stores=())), "Available", "Current"
    ),
]
