"""What is asked of Glance at a look: as little as will do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.core.builders import EXPECTED_ID, memory, spec, view
from tests.unit.core.scenarios import EITHER
from tests.unit.runtime.image_lab import PATH, ImageLab, image_lab, raw, settled_view
from tests.unit.runtime.image_service import Answer

from glance_operator.core.image.observed import Memory, View
from glance_operator.runtime.image import looking
from glance_operator.runtime.image.looking import seen

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
IMAGE, TASKS, LIST, MEMBERS = (
    "GET /v2/images/ID",
    "GET /v2/images/ID/tasks",
    "GET /v2/images",
    "GET /v2/images/ID/members",
)
EARLIER = [LIST, LIST]  # for what an earlier life of an object has left, once a process
SHARED = {"visibility": "shared"}
QUEUED = raw(status="queued", stores=None)


@pytest.fixture
def lab() -> Iterator[ImageLab]:
    with image_lab() as running:
        running.service.on(f"GET {PATH}/members", Answer(200, {"members": [{"member_id": "p2", "status": "accepted"}]}))
        yield running


# words, the object, what Glance has, is it at rest, what is asked
QUESTIONS: list[tuple[str, View, dict[str, Any] | None, bool, list[str]]] = [
    ("nothing was ever made", view(finalized=False), None, False, EARLIER),
    ("an id of the user's may be taken", view(finalized=False, spec=spec(id=EXPECTED_ID)), None, False, [IMAGE]),
    ("held, and perhaps made before a crash", view(), None, False, [*EARLIER, IMAGE]),
    ("without content: how did the last import end", view(), QUEUED, False, [*EARLIER, IMAGE, TASKS]),
    ("its data is in every store: the import is over", view(), raw(), False, [*EARLIER, IMAGE]),
    ("at rest", settled_view(), raw(), True, [LIST, LIST]),
    ("woken", settled_view(), raw(), False, [IMAGE]),
    ("a store lacks the data", settled_view(spec=EITHER), raw(), False, [IMAGE, TASKS]),
    ("an import has begun", view(), QUEUED | {"os_glance_import_task": "t1"}, False, [*EARLIER, IMAGE]),
    (
        "a lock looks abandoned",
        view(),
        QUEUED | {"os_glance_import_task": "t1", "os_glance_failed_import": "central"},
        False,
        [*EARLIER, IMAGE, TASKS],
    ),
    ("shared with nobody of ours", settled_view(), raw(**SHARED), False, [IMAGE]),
    ("shared", settled_view(spec=spec(members=[], **SHARED)), raw(**SHARED), False, [IMAGE, MEMBERS]),
    (
        "was shared by us",
        settled_view(memory=memory(applied_members=frozenset({"p2"}))),
        raw(**SHARED),
        False,
        [IMAGE, MEMBERS],
    ),
    ("not shared yet", settled_view(spec=spec(members=[], **SHARED)), raw(), False, [IMAGE]),
]


@pytest.mark.parametrize(("words", "one", "there", "rest", "asked"), QUESTIONS, ids=[row[0] for row in QUESTIONS])
def test_what_is_asked(
    lab: ImageLab, words: str, one: View, there: dict[str, Any] | None, rest: bool, asked: list[str]
) -> None:
    lab.track.found_running()
    lab.show(there)
    found = seen(one, lab.track, rest)
    assert lab.told() == asked
    assert found.looked
    assert (found.image is None) is (there is None)
    assert (found.members == {"p2": "accepted"}) is (MEMBERS in asked)


def test_a_second_look_within_moments_asks_nothing(lab: ImageLab) -> None:
    seen(settled_view(), lab.track, False)
    lab.told()
    seen(settled_view(), lab.track, False)
    assert lab.told() == []


def test_what_we_have_just_made_has_no_tasks(lab: ImageLab) -> None:
    lab.show(QUEUED)
    lab.track.untouched = True
    assert seen(view(), lab.track, False).task is None
    assert lab.told() == [*EARLIER, IMAGE]


ABANDONED = QUEUED | {"os_glance_import_task": "t1", "os_glance_failed_import": "central"}
T1, T2 = ({"id": f"t{n}", "status": "failure", "created_at": f"2026-01-0{n}"} for n in (1, 2))


@pytest.mark.parametrize(
    ("words", "image", "tasks", "judged", "wanted"),
    [
        ("none", QUEUED, [], "", None),
        ("the newest", QUEUED, [T2, T1], "", "t2"),
        ("of the same second: the one not judged yet", QUEUED, [T1, T2 | {"created_at": "2026-01-01"}], "t1", "t2"),
        ("the lock's", ABANDONED, [T1, T2], "", "t1"),
        (
            "the lock's is not there",
            QUEUED | {"os_glance_import_task": "t9", "os_glance_failed_import": "x"},
            [T1],
            "",
            None,
        ),
    ],
)
def test_which_task_counts(
    lab: ImageLab, words: str, image: dict[str, Any], tasks: list[dict[str, Any]], judged: str, wanted: str | None
) -> None:
    lab.show(image, *tasks)
    found = seen(view(memory=Memory(task_id=judged)), lab.track, False).task
    assert (found.id if found else None) == wanted


def test_a_lock_is_checked_against_its_task_now_and_then(lab: ImageLab, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(looking, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr("glance_operator.runtime.image.track.time", SimpleNamespace(monotonic=lambda: now[0]))
    lab.show(QUEUED | {"os_glance_import_task": "t1"})
    lab.track.begin()
    counts = []
    for _ in range(7):
        now[0] += 10
        lab.cloud.looks.expire(EXPECTED_ID)
        seen(view(), lab.track, False)
        counts.append(lab.told().count(TASKS))
    assert counts == [0, 0, 0, 1, 0, 0, 0]


def test_another_incarnation_is_another_image(lab: ImageLab) -> None:
    lab.track.burnt = True
    lab.track.begin()
    assert seen(view(), lab.track, False).burnt
    again = seen(view(memory=Memory(incarnation=2)), lab.track, False)
    assert (again.burnt, again.image, lab.track.since) == (False, None, 0.0)


def test_what_the_service_lacks_is_asked_again(lab: ImageLab, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("glance_operator.runtime.clouds.time", SimpleNamespace(monotonic=lambda: now[0]))
    unknown = replace(view(), spec=spec(stores={"names": ["new"]}))
    seen(unknown, lab.track, False)
    lab.service.on("GET /v2/info/stores", Answer(200, {"stores": [{"id": "new"}]}))
    now[0] += 6
    assert seen(view(), lab.track, False).service.default_store == "central"
    assert seen(unknown, lab.track, False).service.stores == ("new",)
