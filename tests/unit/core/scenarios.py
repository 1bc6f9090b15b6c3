"""What can be the matter with an Image, in words, and what is to be done about it: one row, one scenario."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tests.unit.core.builders import (
    EXPECTED_ID,
    OUTAGE,
    URL,
    glance_image,
    later,
    memory,
    queued,
    spec,
    task,
    tried,
    view,
)

from glance_operator.core.image import identity
from glance_operator.core.image.content import CreateImage, Discard, ImportFromUrl, NextIncarnation
from glance_operator.core.image.deletion import DeleteImage
from glance_operator.core.image.metadata import AddMember, RemoveMember, UpdateImage
from glance_operator.core.image.observed import Cause, Memory, Service, View
from glance_operator.core.image.stores import CopyToStores
from glance_operator.core.plan import AddFinalizer, LetGo, Phase, State, Step

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


LIMITS = [
    Row("suspended from the start", view(spec=spec(suspend=True), looked=False), "Suspended", "InProgress"),
    Row("suspended while served", served(spec=spec(suspend=True), looked=False, image=None), "Suspended", "Current"),
    Row(
        "a field without a controller",
        view(spec=spec(source={"http": {"url": URL}, "checksum": {"md5": "0" * 32}}), looked=False),
        "NotSupported",
        "Failed",
    ),
    Row(
        "a service of ours, without a controller yet",
        view(spec=spec(cloudCredentialsRef=None, glanceAPIRef={"name": "glance"}), looked=False),
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
        view(image=replace(glance_image(), properties={"os_distro": "ubuntu"})),
        "NotOurs",
        "Failed",
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
        view(service=Service(("central",), "central", frozenset({"glance-direct"}))),
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
    Row("deactivated by somebody", served(image=glance_image(status="deactivated")), "UnexpectedStatus", "Failed"),
    Row(
        "other content under the id that is served",
        served(spec=spec(source={"http": {"url": MIRROR}})),
        "ContentChanged",
        "Failed",
    ),
]

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
            members=frozenset({"p9"}),
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
            members=frozenset({"p2", "p9"}),
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
        "Available",
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
        "Available",
        "Current",
    ),
    Row(
        "a lock without a task holds up copies, not service",
        served(spec=EITHER, image=glance_image(lock="t0"), task=task(name="t0")),
        "Available",
        "Current",
    ),
    Row("served", served(), "Available", "Current"),
    Row(
        "served by one nameless store", served(service=ONE_STORE, image=glance_image(stores=())), "Available", "Current"
    ),
]

ALIVE = [*LIMITS, *IDENTITY, *CONTENT, *METADATA, *STORES]


def ending(seconds_ago: float = 1, **changes: object) -> View:
    """A served Image that somebody has deleted."""
    return served(**({"deleted_at": later(-seconds_ago)} | changes))


GONE = "Terminating"
PROTECTED = glance_image(protected=True)
LIFTED = UpdateImage(EXPECTED_ID, (("replace", "/protected", False),))
LOST = memory(cloud_lost_since=later(-301))

ENDING = [
    Row("suspended", ending(spec=spec(suspend=True), looked=False, image=None), "Released", GONE, LetGo()),
    Row("Retain", ending(spec=spec(deletionPolicy="Retain"), looked=False, image=None), "Released", GONE, LetGo()),
    Row(
        "the cloud is down",
        ending(600, looked=False, trouble=OUTAGE, cause=Cause.OUTAGE, image=None, memory=LOST),
        "GlanceUnavailable",
        GONE,
    ),
    Row(
        "the Secret vanished long ago, the object was deleted just now",
        ending(looked=False, trouble=MISSING, cause=Cause.MISSING, image=None, memory=LOST),
        "CredentialsNotFound",
        GONE,
    ),
    Row(
        "the Secret vanished just now, the object was deleted long ago",
        ending(600, looked=False, trouble=MISSING, cause=Cause.MISSING, image=None),
        "CredentialsNotFound",
        GONE,
    ),
    Row(
        "no Secret for five minutes",
        ending(301, looked=False, trouble=MISSING, cause=Cause.MISSING, image=None, memory=LOST),
        "LeftInGlance",
        GONE,
        LetGo(MISSING.message),
    ),
    Row("gone from Glance", ending(image=None), "Deleted", GONE, LetGo()),
    Row("somebody's image", ending(image=replace(glance_image(), properties={})), "Released", GONE, LetGo()),
    Row(
        "another cluster's image",
        ending(image=glance_image(properties={identity.CLUSTER: "there"})),
        "Released",
        GONE,
        LetGo(),
    ),
    Row("an import runs", ending(image=queued(lock="t1")), "ImportRunning", GONE),
    Row("an import runs on and on", ending(31, image=queued(lock="t1")), "Deleting", GONE, DeleteImage(EXPECTED_ID)),
    Row(
        "a lock without a task",
        ending(image=queued(lock="t1"), task=task("failure")),
        "Deleting",
        GONE,
        DeleteImage(EXPECTED_ID),
    ),
    Row("protected, and nothing said about it", ending(image=PROTECTED), "Protected", GONE),
    Row("protected, as the spec says", ending(spec=spec(protected=True), image=PROTECTED), "Protected", GONE),
    Row(
        "protected, but the spec says no", ending(spec=spec(protected=False), image=PROTECTED), "Deleting", GONE, LIFTED
    ),
    Row(
        "protected, to be deleted all the same",
        ending(spec=spec(protected=True, deletionPolicy="DeleteProtected"), image=PROTECTED),
        "Deleting",
        GONE,
        LIFTED,
    ),
    Row("ours", ending(), "Deleting", GONE, DeleteImage(EXPECTED_ID)),
    Row(
        "of the object's earlier life",
        ending(image=glance_image(properties={identity.UID: OTHER_UID})),
        "Deleting",
        GONE,
        DeleteImage(EXPECTED_ID),
    ),
]
