"""Each step of the rules is one request to Glance, and what its answer shows is known at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from tests.unit.core.builders import EXPECTED_ID, URL
from tests.unit.runtime.image_lab import PATH, ImageLab, image_lab, raw
from tests.unit.runtime.image_service import Answer

from glance_operator.core.image.content import CreateImage, Discard, ImportFromUrl, NextIncarnation
from glance_operator.core.image.deletion import DeleteImage
from glance_operator.core.image.metadata import AddMember, RemoveMember, UpdateImage
from glance_operator.core.image.observed import GlanceImage
from glance_operator.core.image.removal import DeleteFromStore
from glance_operator.core.image.stores import CopyToStores
from glance_operator.core.plan import Step
from glance_operator.runtime.errors import Refused, Unavailable
from glance_operator.runtime.image.acting import take

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
CREATE = CreateImage((("id", EXPECTED_ID), ("name", "jammy")), hidden=False)
DOWNLOAD = {"name": "web-download", "uri": URL}
COPY = {"name": "copy-image"}
MEMBERS = f"{PATH}/members"


@pytest.fixture
def lab() -> Iterator[ImageLab]:
    with image_lab() as running:
        yield running


# a step, the request it is, the request's body, the answer
STEPS: list[tuple[Step, str, Any, Answer]] = [
    (CREATE, "POST /v2/images", {"id": EXPECTED_ID, "name": "jammy"}, Answer(201, raw(status="queued"))),
    (ImportFromUrl(EXPECTED_ID, URL, ()), f"POST {PATH}/import", {"method": DOWNLOAD}, Answer(202)),
    (
        ImportFromUrl(EXPECTED_ID, URL, ("central",)),
        f"POST {PATH}/import",
        {"method": DOWNLOAD, "stores": ["central"], "all_stores_must_succeed": True},
        Answer(202),
    ),
    (
        ImportFromUrl(EXPECTED_ID, URL, ("central", "dcn0")),
        f"POST {PATH}/import",
        {"method": DOWNLOAD, "stores": ["central", "dcn0"], "all_stores_must_succeed": False},
        Answer(202),
    ),
    (
        CopyToStores(EXPECTED_ID, ("dcn0",)),
        f"POST {PATH}/import",
        {"method": COPY, "stores": ["dcn0"], "all_stores_must_succeed": True},
        Answer(202),
    ),
    (
        UpdateImage(EXPECTED_ID, (("replace", "/name", "x"), ("remove", "/a~1b", None))),
        f"PATCH {PATH}",
        [{"op": "replace", "path": "/name", "value": "x"}, {"op": "remove", "path": "/a~1b"}],
        Answer(200, raw(name="x")),
    ),
    (AddMember(EXPECTED_ID, "p2"), f"POST {MEMBERS}", {"member": "p2"}, Answer(200, {})),
    (RemoveMember(EXPECTED_ID, "p2"), f"DELETE {MEMBERS}/p2", None, Answer(204)),
    (DeleteImage(EXPECTED_ID), f"DELETE {PATH}", None, Answer(204)),
    (Discard(EXPECTED_ID), f"DELETE {PATH}", None, Answer(204)),
]


@pytest.mark.parametrize(("step", "request_", "body", "answer"), STEPS, ids=[type(row[0]).__name__ for row in STEPS])
def test_a_step_is_one_request(lab: ImageLab, step: Step, request_: str, body: Any, answer: Answer) -> None:
    lab.service.on(request_, answer)
    take(step, lab.track)
    (asked,) = lab.service.asked
    assert (f"{asked.method} {asked.path}", asked.body) == (request_, body)


EMPTY = DeleteFromStore(EXPECTED_ID, "dcn1")
LEAVES = f"/v2/stores/dcn1/{EXPECTED_ID}"
TWO = raw(stores="central,dcn1")


@pytest.mark.parametrize("code", [204, 404])
def test_a_store_is_emptied_after_a_last_look(lab: ImageLab, code: int) -> None:
    lab.show(TWO)
    lab.service.on(f"DELETE {LEAVES}", Answer(code, {"message": "x"} if code == 404 else None))
    take(EMPTY, lab.track)
    assert [one for one in lab.told() if "/v2/stores" in one or one.startswith("GET /v2/images/")] == [
        "GET /v2/images/ID",
        "DELETE /v2/stores/dcn1/ID",
    ]
    lab.cloud.looks.get(EXPECTED_ID, 9)
    assert lab.told() == ["GET /v2/images/ID"], "it is no longer what it was"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("somebody imports", TWO | {"os_glance_import_task": "t9"}),
        ("deactivated", TWO | {"status": "deactivated"}),
        ("gone", None),
    ],
)
def test_a_store_is_not_emptied_when_the_image_has_changed_meanwhile(
    lab: ImageLab, words: str, found: dict[str, Any] | None
) -> None:
    lab.show(found)
    with pytest.raises(Unavailable, match="changed"):
        take(EMPTY, lab.track)
    assert not [one for one in lab.told() if one.startswith("DELETE")]


@pytest.mark.parametrize("code", [403, 409, 500])
def test_what_glance_says_about_a_store_that_it_does_not_empty_is_passed_on(lab: ImageLab, code: int) -> None:
    lab.show(TWO)
    lab.service.on(f"DELETE {LEAVES}", Answer(code, {"message": "no"}))
    with pytest.raises(Refused, match="no"):
        take(EMPTY, lab.track)


def test_the_next_incarnation_is_none(lab: ImageLab) -> None:
    take(NextIncarnation(), lab.track)
    assert lab.service.asked == []


def test_a_step_without_a_hand_is_a_bug(lab: ImageLab) -> None:
    with pytest.raises(AssertionError, match="no hand"):
        take(Step(), lab.track)


@pytest.mark.parametrize(
    ("step", "request_", "answer", "known"),
    [
        (CREATE, "POST /v2/images", Answer(201, raw(name="new")), raw(name="new")),
        (UpdateImage(EXPECTED_ID, ()), f"PATCH {PATH}", Answer(200, raw(name="new")), raw(name="new")),
        (DeleteImage(EXPECTED_ID), f"DELETE {PATH}", Answer(204), None),
    ],
)
def test_what_the_answer_shows_is_not_asked_for(
    lab: ImageLab, step: Step, request_: str, answer: Answer, known: dict[str, Any] | None
) -> None:
    lab.service.on(request_, answer)
    take(step, lab.track)
    lab.told()
    assert lab.cloud.looks.get(EXPECTED_ID, 9) == (GlanceImage.parse(known) if known else None)
    assert lab.told() == []


@pytest.mark.parametrize("code", [202, 409, 500, 503])
def test_after_an_import_was_asked_for_the_image_is_looked_at_anew(lab: ImageLab, code: int) -> None:
    lab.cloud.looks.get(EXPECTED_ID, 9)
    lab.service.on(f"POST {PATH}/import", Answer(code, {"message": "x"}))
    with suppress(Refused, Unavailable):
        take(ImportFromUrl(EXPECTED_ID, URL, ()), lab.track)
    lab.cloud.gate.passed()
    lab.told()
    lab.cloud.looks.get(EXPECTED_ID, 9)
    assert lab.told() == ["GET /v2/images/ID"]
    assert lab.track.since > 0


@pytest.mark.parametrize(
    ("words", "code", "there", "burnt"),
    [
        ("made before, by us or somebody", 409, raw(), False),
        ("an id that Glance has buried", 409, None, True),
        ("refused for another reason", 403, None, False),
    ],
)
def test_a_create_that_is_refused(
    lab: ImageLab, words: str, code: int, there: dict[str, Any] | None, burnt: bool
) -> None:
    lab.show(there)
    lab.service.on("POST /v2/images", Answer(code, {"message": "no"}))
    with pytest.raises(Refused):
        take(CREATE, lab.track)
    assert (lab.track.burnt, lab.track.untouched) == (burnt, False)


def test_what_we_have_just_made_has_no_task_until_an_import_is_asked_for(lab: ImageLab) -> None:
    lab.service.on("POST /v2/images", Answer(201, raw(status="queued")))
    lab.service.on(f"POST {PATH}/import", Answer(202))
    take(CREATE, lab.track)
    assert lab.track.untouched
    take(ImportFromUrl(EXPECTED_ID, URL, ()), lab.track)
    assert not lab.track.untouched
