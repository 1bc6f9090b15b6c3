"""How a deleted object ends."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.core.builders import (
    EXPECTED_ID,
    OUTAGE,
    glance_image,
    later,
    memory,
    queued,
    spec,
    task,
)
from tests.unit.core.scenarios.row import MISSING, OTHER_UID, Row, served

from glance_operator.core.image import identity
from glance_operator.core.image.deletion import DeleteImage
from glance_operator.core.image.metadata import UpdateImage
from glance_operator.core.image.observed import Cause, View
from glance_operator.core.plan import LetGo


def ending(seconds_ago: float = 1, **changes: object) -> View:
    """A served Image that somebody has deleted."""
    return served(**({"deleted_at": later(-seconds_ago)} | changes))


GONE = "Terminating"
PROTECTED = glance_image(protected=True)
LIFTED = UpdateImage(EXPECTED_ID, (("replace", "/protected", False),))
LOST = memory(cloud_lost_since=later(-301))

DELETED = [
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
    Row(
        "somebody's image",
        ending(spec=spec(id=EXPECTED_ID), image=replace(glance_image(), properties={})),
        "Released",
        GONE,
        LetGo(),
    ),
    Row(
        "ours by its id, though without a marker",
        ending(image=replace(glance_image(), properties={})),
        "Deleting",
        GONE,
        DeleteImage(EXPECTED_ID),
    ),
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
        "an import runs on and on, and the image is protected",
        ending(600, spec=spec(protected=False), image=replace(PROTECTED, lock="t1")),
        "ImportRunning",
        GONE,
    ),
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
