"""From nothing to an image with its content, and what is in the way."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.core.builders import (
    EXPECTED_ID,
    FULL,
    OUTAGE,
    URL,
    glance_image,
    later,
    marker,
    queued,
    spec,
    task,
    view,
)
from tests.unit.core.scenarios.row import EITHER, MIRROR, MISSING, OTHER_UID, Row, served

from glance_operator.core.image import identity
from glance_operator.core.image.content import CreateImage, Discard, ImportFromRegion, ImportFromUrl, NextIncarnation
from glance_operator.core.image.metadata import UpdateImage
from glance_operator.core.image.observed import Cause, Memory, Service
from glance_operator.core.image.rollout import Begin
from glance_operator.core.plan import AddFinalizer

LIMITS = [
    Row("suspended from the start", view(spec=spec(suspend=True), looked=False), "Suspended", "InProgress"),
    Row("suspended while served", served(spec=spec(suspend=True), looked=False, image=None), "Suspended", "Current"),
    Row(
        "a field without a controller",
        view(spec=spec(source={"http": {"url": URL, "refresh": "1h"}}), looked=False),
        "NotSupported",
        "Failed",
    ),
    Row(
        "the cloud is down before anything was made",
        view(looked=False, trouble=OUTAGE, cause=Cause.OUTAGE),
        "GlanceUnavailable",
        "InProgress",
    ),
    Row(
        "the cloud is down while the image is served",
        served(looked=False, trouble=OUTAGE, cause=Cause.OUTAGE, image=None),
        "GlanceUnavailable",
        "Current",
    ),
    Row(
        "the Secret vanished, and the spec is new",
        served(looked=False, trouble=MISSING, cause=Cause.MISSING, image=None, settled=False),
        "CredentialsNotFound",
        "InProgress",
    ),
    Row("not held yet", view(finalized=False), "Preparing", "InProgress", AddFinalizer()),
    Row("held no longer, by somebody's edit", served(finalized=False), "Preparing", "InProgress", AddFinalizer()),
]

IDENTITY = [
    Row(
        "somebody's image has the id",
        view(spec=spec(id=EXPECTED_ID), image=replace(glance_image(), properties={"os_distro": "ubuntu"})),
        "NotOurs",
        "Failed",
    ),
    Row(
        "an image that is being deleted shows neither lock nor marker",
        view(image=replace(queued(status="importing"), properties={})),
        "Recreating",
        "InProgress",
    ),
    Row(
        "somebody removed the marker of what is served",
        served(image=replace(glance_image(), properties={})),
        "Updating",
        "InProgress",
        UpdateImage,
    ),
    Row(
        "another cluster's image has the id",
        view(image=glance_image(properties={identity.CLUSTER: "there"})),
        "OwnedElsewhere",
        "Failed",
    ),
    Row(
        "an image of the object's earlier life is taken over",
        served(image=glance_image(properties={identity.UID: OTHER_UID})),
        "Updating",
        "InProgress",
        UpdateImage(EXPECTED_ID, (("add", f"/{identity.UID}", view().uid),)),
    ),
]

CONTENT = [
    Row("deleted behind our back", served(image=None), "Recreating", "InProgress", NextIncarnation()),
    Row("an id that Glance has buried", view(burnt=True), "Recreating", "InProgress", NextIncarnation()),
    Row("Glance is downloading", view(image=queued(lock="t1")), "Downloading", "InProgress"),
    Row(
        "Glance has been downloading for longer than it may",
        view(spec=spec(downloadTimeout="1h"), image=queued(lock="t1", status="importing"), running_for=3601),
        "Recreating",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "Glance has been downloading for as long as it may",
        view(spec=spec(downloadTimeout="1h"), image=queued(lock="t1", status="importing"), running_for=3599),
        "Downloading",
        "InProgress",
    ),
    Row(
        "the lock is gone, the task not over yet",
        view(image=queued(), task=task("processing")),
        "Downloading",
        "InProgress",
    ),
    Row(
        "some stores have the data, others get it",
        view(spec=EITHER, image=glance_image(lock="t1", importing=("dcn0",))),
        "Importing",
        "InProgress",
    ),
    Row(
        "nothing is changed under a running copy, whatever differs",
        served(spec=spec(name="noble"), image=glance_image(lock="t2")),
        "Importing",
        "InProgress",
    ),
    Row(
        "a lock that outlives its task",
        view(image=queued(lock="t1", failed=("central",)), task=task("failure")),
        "Recreating",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "importing for ever",
        view(image=queued(status="importing"), task=task("failure")),
        "Recreating",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "remains of other content",
        view(image=queued(properties={identity.CONTENT: "other"})),
        "Recreating",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row("a store that is not there", view(spec=spec(stores={"names": ["nope"]})), "UnknownStore", "Failed"),
    Row(
        "no web-download",
        view(service=Service(("central",), "central", frozenset({"copy-image"}))),
        "MethodNotEnabled",
        "Failed",
    ),
    Row("given up", view(image=queued(), memory=Memory(attempts=5)), "RetryLimitExceeded", "Failed"),
    Row(
        "between two attempts",
        view(image=queued(), memory=Memory(attempts=1, next_attempt=later(3))),
        "ImportFailed",
        "InProgress",
    ),
    Row(
        "an import has just failed",
        view(image=queued(failed=("central",)), task=task("failure")),
        "ImportFailed",
        "InProgress",
    ),
    Row(
        "the only attempt has just failed",
        view(spec=spec(retryLimit=0), image=queued(), task=task("failure")),
        "RetryLimitExceeded",
        "Failed",
    ),
    Row("nothing there yet", view(), "Creating", "InProgress", CreateImage),
    Row(
        "made, without content",
        view(image=queued()),
        "Downloading",
        "InProgress",
        ImportFromUrl(EXPECTED_ID, URL, ("central",)),
    ),
    Row(
        "made, without content, which another region has",
        view(
            spec=spec(source={"glance": {"region": "north", "imageID": OTHER_UID}}),
            image=queued(properties=marker(spec(source={"glance": {"region": "north", "imageID": OTHER_UID}}))),
            service=replace(FULL, methods=FULL.methods | {"glance-download"}),
        ),
        "Downloading",
        "InProgress",
        ImportFromRegion(EXPECTED_ID, "north", OTHER_UID, "public", ("central",)),
    ),
    Row(
        "the second attempt takes the mirror",
        view(
            spec=spec(source={"http": {"url": URL, "mirrors": [MIRROR]}}),
            image=queued(),
            memory=Memory(attempts=1, next_attempt=later(-1)),
        ),
        "Downloading",
        "InProgress",
        ImportFromUrl(EXPECTED_ID, MIRROR, ("central",)),
    ),
    Row("somebody uploads to it", served(image=queued(status="uploading")), "UnexpectedStatus", "Failed"),
    Row(
        "other content under the id that is served",
        served(spec=spec(source={"http": {"url": MIRROR}})),
        "RollingOut",
        "InProgress",
        Begin(2),
    ),
]
