"""What a refused request means: per step and HTTP code, and said so that the reader can go on."""

from __future__ import annotations

import pytest
from tests import support_kstatus
from tests.unit.core.builders import EXPECTED_ID, URL, body_of, glance_image, queued, view
from tests.unit.core.scenarios import BOTH, EITHER, served
from tests.unit.core.scenarios.leaving import left, placed

from glance_operator.core.image import refusals
from glance_operator.core.image.content import CreateImage, Discard, ImportFromUrl
from glance_operator.core.image.deletion import DeleteImage
from glance_operator.core.image.metadata import AddMember, RemoveMember, UpdateImage
from glance_operator.core.image.observed import View
from glance_operator.core.image.removal import DeleteFromStore
from glance_operator.core.image.status import status
from glance_operator.core.image.stores import CopyToStores
from glance_operator.core.plan import Step

CREATE = CreateImage((("name", "jammy"),), hidden=False)
IMPORT = ImportFromUrl(EXPECTED_ID, URL, ("central",))
COPY = CopyToStores(EXPECTED_ID, ("dcn0",))
UPDATE = UpdateImage(EXPECTED_ID, (("add", "/os_distro", "x"), ("replace", "/min_disk", 3)))
ADD, REMOVE = AddMember(EXPECTED_ID, "p2"), RemoveMember(EXPECTED_ID, "p2")
DELETE, DISCARD = DeleteImage(EXPECTED_ID), Discard(EXPECTED_ID)
EMPTY = DeleteFromStore(EXPECTED_ID, "dcn1")
STEPS: list[Step] = [CREATE, IMPORT, COPY, UPDATE, ADD, REMOVE, DELETE, DISCARD, EMPTY]

NEW, MADE, DEMANDED, ENOUGH = view(), view(image=queued()), view(spec=BOTH, image=glance_image()), served(spec=EITHER)
LEFT = left(placed("central", "dcn1"))
SOON = 4.5  # seconds, give or take
FILTERED = "URI for web-download does not pass filtering: http://10.0.0.1/x"
BUSY = "Image has active task"

# words, view, step, code, what Glance said -> reason, kstatus, look again after
Row = tuple[str, View, Step, int, str, str, str, float | None]
TABLE: list[Row] = [
    ("the id exists", NEW, CREATE, 409, "already exists!", "Recreating", "InProgress", None),
    ("create: quota", NEW, CREATE, 413, "image_count_total", "QuotaExceeded", "InProgress", 60),
    ("create: policy", NEW, CREATE, 403, "not permitted", "Forbidden", "Failed", 60),
    ("create: value", NEW, CREATE, 400, "Invalid disk format", "Refused", "Failed", 60),
    ("create: server", NEW, CREATE, 500, "oops", "GlanceError", "InProgress", None),
    ("import: filter", MADE, IMPORT, 400, FILTERED, "SourceRefused", "Failed", 60),
    ("import: other 400", MADE, IMPORT, 400, "All_stores parameter", "Refused", "Failed", 60),
    ("import: image gone", MADE, IMPORT, 404, "No image", "Recreating", "InProgress", None),
    ("import: locked", MADE, IMPORT, 409, BUSY, "Conflict", "InProgress", None),
    ("import: policy", MADE, IMPORT, 403, "not permitted", "Forbidden", "Failed", 60),
    ("import: server", MADE, IMPORT, 500, "cannot schedule", "GlanceError", "InProgress", None),
    ("copy: locked", DEMANDED, COPY, 409, BUSY, "Conflict", "InProgress", None),
    ("copy: policy", DEMANDED, COPY, 403, "not permitted", "Forbidden", "Failed", 60),
    ("copy: already there", DEMANDED, COPY, 400, "already present", "Refused", "Failed", 60),
    ("copy: policy, but one is enough", ENOUGH, COPY, 403, "not permitted", "PartialFailure", "Current", 60),
    ("copy: locked, but one is enough", ENOUGH, COPY, 409, BUSY, "PartialFailure", "Current", 60),
    ("copy: gone", ENOUGH, COPY, 404, "No image", "Recreating", "InProgress", None),
    ("update: value", served(), UPDATE, 400, "bad", "MetadataRefused", "Failed", 60),
    ("update: policy", served(), UPDATE, 403, "reserved", "Forbidden", "Failed", 60),
    ("update: conflict", served(), UPDATE, 409, "busy", "Conflict", "InProgress", None),
    ("update: too many properties", served(), UPDATE, 413, "The limit is 128", "QuotaExceeded", "InProgress", 60),
    ("update: gone", served(), UPDATE, 404, "No image", "Recreating", "InProgress", None),
    ("member: public image", served(), ADD, 403, "Only shared", "Forbidden", "Failed", 60),
    ("member: there already", served(), ADD, 409, "duplicate", "Conflict", "InProgress", None),
    ("member: gone", served(), REMOVE, 404, "not found", "Recreating", "InProgress", None),
    ("delete: in use", served(), DELETE, 409, "in use", "InUse", "InProgress", None),
    ("delete: a store is read-only", served(), DELETE, 403, "You cannot", "DeletionRefused", "InProgress", None),
    ("delete: half done", served(), DELETE, 500, "oops", "GlanceError", "InProgress", None),
    ("discard: in use", MADE, DISCARD, 409, "in use", "InUse", "InProgress", None),
    ("empty: the last copy", LEFT, EMPTY, 403, "the only store", "RemovalRefused", "Current", SOON),
    ("empty: in use", LEFT, EMPTY, 409, "in use", "RemovalRefused", "Current", SOON),
    ("empty: a store is read-only", LEFT, EMPTY, 500, "You cannot", "RemovalRefused", "Current", SOON),
    ("discard: policy", MADE, DISCARD, 403, "no", "DeletionRefused", "InProgress", None),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_what_it_means(row: Row) -> None:
    _, one, step, code, said, reason, kstatus, after = row
    plan = refusals.explain(one, step, code, said)
    assert plan.state.reason == reason
    assert plan.after == (after if after is None else pytest.approx(after, abs=1.5))
    body = body_of(one)
    assert support_kstatus.compute(body | {"status": status(one, plan, body)}) == kstatus


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
@pytest.mark.parametrize("code", [400, 403, 409, 413, 415, 422, 500, 501])
def test_no_refusal_is_taken_for_done(step: Step, code: int) -> None:
    """It is told in Glance's own words, and looked at again: nothing is lost by a request that was refused."""
    plan = refusals.explain(DEMANDED, step, code, "Because we can")
    assert plan.step is None
    assert plan.after or plan.backoff
    assert "Because we can" in plan.state.message


def test_the_words_name_the_field_and_the_way_out() -> None:
    told = refusals.explain(MADE, IMPORT, 400, FILTERED).state.message
    assert all(word in told for word in ("spec.source.http.url", URL, FILTERED, "widen the filter"))
    told = refusals.explain(served(), UPDATE, 400, "bad").state.message
    assert "os_distro, min_disk" in told
    assert "bad" in told


def test_what_is_served_elsewhere_stays_ready_when_a_copy_is_refused() -> None:
    told = refusals.explain(served(spec=EITHER), COPY, 403, "not permitted").state.message
    assert "Served from 1 of 2 stores" in told
    assert "dcn0" in told
