"""Content that has just arrived, and imports that do not end."""

from __future__ import annotations

from tests.unit.core.builders import EXPECTED_ID, glance_image, later, memory, queued, spec, view
from tests.unit.core.scenarios.row import EITHER, Row

from glance_operator.core.image.content import Discard
from glance_operator.core.image.metadata import UpdateImage
from glance_operator.core.image.observed import Memory
from glance_operator.core.image.sources import Answer, Fate

PUBLIC = spec(visibility="public")
ARRIVED = glance_image(disk_format="qcow2")
LARGER = Answer(Fate.ANSWERED, code=206, size=4096)

ARRIVALS = [
    Row(
        "its source has not said how large it must be",
        view(spec=PUBLIC, image=ARRIVED, answer=Answer()),
        "Verifying",
        "InProgress",
    ),
    Row(
        "less than its source has",
        view(spec=PUBLIC, image=ARRIVED, answer=LARGER),
        "SourceTruncated",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "less than its source has, as the only attempt",
        view(spec=spec(retryLimit=0), image=ARRIVED, answer=LARGER),
        "SourceTruncated",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "nothing at all",
        view(spec=PUBLIC, image=glance_image(size=0)),
        "SourceEmpty",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "as much as its source has",
        view(spec=PUBLIC, image=glance_image(disk_format="qcow2", size=4096), answer=LARGER),
        "Updating",
        "InProgress",
        UpdateImage(EXPECTED_ID, (("replace", "/visibility", "public"),)),
    ),
    Row(
        "between two attempts at a source that breaks off",
        view(image=queued(), memory=Memory(attempts=1, next_attempt=later(3), reason="SourceTruncated", cause="x")),
        "SourceTruncated",
        "InProgress",
    ),
    Row(
        "the download stands still while it is stored",
        view(image=queued(lock="t1", status="importing"), silent_for=7201),
        "Recreating",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "a copy stands still",
        view(spec=EITHER, image=glance_image(lock="t1"), memory=memory(), silent_for=7201),
        "CopyStuck",
        "Failed",
    ),
]
