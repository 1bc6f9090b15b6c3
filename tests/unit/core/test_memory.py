"""Attempts: each is counted once, repeated in its time, and forgotten when it should be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core.builders import (
    NOW,
    URL,
    body_of,
    glance_image,
    later,
    memory,
    queued,
    read_again,
    spec,
    task,
    tried,
    view,
)
from tests.unit.core.scenarios import BOTH, EITHER, MIRROR, served

from glance_operator.core.image.content import content_hash
from glance_operator.core.image.memory import judged, moment, recall, text
from glance_operator.core.image.observed import Memory, StoreMemory
from glance_operator.core.image.retries import LONGEST, delay
from glance_operator.core.past import RETRY_ANNOTATION, is_fresh_start, is_retried

ONE = view()


class TestDelay:
    @given(st.uuids().map(str), st.integers(0, 10**6), st.text(max_size=8), st.floats(0.01, 600))
    def test_is_bounded_and_the_same_at_each_look(self, uid: str, attempts: int, salt: str, base: float) -> None:
        one = replace(ONE, uid=uid, retry_base=base)
        wait = delay(one, attempts, salt)
        assert 0.8 * base <= wait + 1e-6 <= 1.2 * LONGEST + 2e-6
        assert wait == delay(replace(one, now=later(9)), attempts, salt)

    @given(st.uuids().map(str), st.integers(1, 40))
    def test_grows_but_for_its_jitter(self, uid: str, attempts: int) -> None:
        one = replace(ONE, uid=uid)
        assert delay(one, attempts + 1) >= delay(one, attempts) * 0.66
        assert delay(one, attempts + 2) >= min(delay(one, attempts), 0.79 * LONGEST)

    def test_doubles_from_the_base(self) -> None:
        waits = [delay(ONE, n) for n in range(1, 5)]
        assert all(0.8 * 5 * 2**n <= wait <= 1.2 * 5 * 2**n for n, wait in enumerate(waits))

    def test_differs_between_images_and_stores(self) -> None:
        other = replace(ONE, uid="00000000-0000-4000-8000-000000000000")
        assert len({delay(ONE, 1), delay(ONE, 1, "dcn0"), delay(ONE, 1, "dcn1"), delay(other, 1)}) == 4


class TestJudging:
    def test_a_failed_import_is_counted_once(self) -> None:
        one = judged(view(image=queued(), task=task("failure")))
        assert (one.memory.attempts, one.memory.task_id) == (1, "t1")
        assert one.memory.next_attempt is not None
        assert NOW < one.memory.next_attempt <= later(6)
        assert judged(one) == one
        assert judged(replace(one, task=task("failure", "t2"))).memory.attempts == 2

    @pytest.mark.parametrize("status", ["pending", "processing"])
    def test_what_runs_is_not_judged(self, status: str) -> None:
        one = view(image=queued(lock="t1"), task=task(status))
        assert judged(one) == one

    def test_an_import_that_brought_the_content_ends_its_attempts(self) -> None:
        before = Memory(attempts=3, next_attempt=later(9), attempt_hash=content_hash(spec()))
        found = judged(view(image=glance_image(), task=task(), memory=before)).memory
        assert (found.attempts, found.next_attempt, found.imported, found.stores) == (0, None, True, {})

    def test_the_source_is_that_of_the_attempt_which_succeeded(self) -> None:
        mirrored = spec(source={"http": {"url": URL, "mirrors": [MIRROR]}})
        before = Memory(attempts=1, attempt_hash=content_hash(mirrored))
        one = judged(view(spec=mirrored, image=glance_image(), task=task(), memory=before))
        assert one.memory.source == MIRROR

    def test_content_that_has_arrived_is_seen_without_a_task(self) -> None:
        found = judged(view(image=glance_image(), memory=Memory(attempts=2, next_attempt=later(3)))).memory
        assert (found.attempts, found.next_attempt, found.imported, found.task_id) == (0, None, True, "")

    def test_not_while_the_import_still_runs(self) -> None:
        one = view(spec=EITHER, image=glance_image(lock="t1"))
        assert judged(one) == one

    def test_the_import_is_not_counted_against_a_store_that_was_added_later(self) -> None:
        one = judged(served(spec=EITHER, memory=memory(task_id=""), task=task()))
        assert (one.memory.task_id, one.memory.stores) == ("t1", {})
        again = judged(replace(one, task=task("failure", "t2")))
        assert {name: m.attempts for name, m in again.memory.stores.items()} == {"dcn0": 1}

    def test_a_copy_leaves_the_source_as_it_was(self) -> None:
        one = served(image=glance_image(), task=task(), memory=memory(source=MIRROR))
        assert judged(one).memory.source == MIRROR

    def test_stores_left_empty_are_counted(self) -> None:
        one = judged(view(spec=EITHER, image=glance_image(), task=task()))
        assert {name: m.attempts for name, m in one.memory.stores.items()} == {"dcn0": 1}

    def test_a_store_that_was_not_tried_is_not_counted(self) -> None:
        three = spec(stores={"names": ["central", "dcn0", "dcn1"]})
        stores = {"dcn0": tried(1, -1), "dcn1": tried(3, 40)}
        one = judged(view(spec=three, image=glance_image(), task=task("failure"), memory=memory(stores=stores)))
        assert {name: m.attempts for name, m in one.memory.stores.items()} == {"dcn0": 2, "dcn1": 3}
        assert one.memory.stores["dcn1"].next_attempt == later(40)

    def test_nor_is_one_that_was_given_up(self) -> None:
        one = view(spec=BOTH, image=glance_image(), task=task("failure"), memory=memory(stores={"dcn0": tried(5, -1)}))
        assert judged(one).memory.stores["dcn0"].attempts == 5

    def test_other_content_starts_counting_anew(self) -> None:
        before = Memory(attempts=4, next_attempt=later(9), attempt_hash="other", stores={"dcn0": tried(2, 9)})
        found = judged(view(image=queued(), memory=before)).memory
        assert (found.attempts, found.next_attempt, found.stores) == (0, None, {})

    def test_without_an_image_there_is_nothing_to_judge(self) -> None:
        one = view(image=None, task=task("failure"))
        assert judged(one) == one


FAILED = {
    "observedGeneration": 1,
    "attempt": {"count": 4, "nextAttemptTime": text(later(9)), "contentHash": content_hash(spec()), "taskID": "t1"},
    "stores": [
        {"name": "central", "status": "True"},
        {"name": "dcn0", "status": "False", "attempts": 2, "nextAttemptTime": text(later(9)), "message": "m"},
    ],
}


def asked(status: dict[str, Any], retry: str | None = None, generation: int = 1) -> dict[str, Any]:
    body = body_of(view(generation=generation), status)
    body["metadata"]["annotations"] = {} if retry is None else {RETRY_ANNOTATION: retry}
    return body


# words, the object, is it a fresh start, is that because of the annotation
STARTS = [
    ("nothing new", asked(FAILED), False, False),
    ("a new generation", asked(FAILED, generation=2), True, False),
    ("a retry", asked(FAILED, "1"), True, True),
    ("a retry that was handled", asked(FAILED | {"lastHandledRetry": "1"}, "1"), False, False),
    ("another retry", asked(FAILED | {"lastHandledRetry": "1"}, "2"), True, True),
    ("the annotation was removed", asked(FAILED | {"lastHandledRetry": "1"}), False, False),
    ("an empty one is no wish", asked(FAILED, ""), False, False),
    ("no status yet", asked({"observedGeneration": -1}), True, False),
]


@pytest.mark.parametrize(("words", "body", "fresh", "retried"), STARTS, ids=[row[0] for row in STARTS])
def test_when_attempts_are_forgotten(words: str, body: dict[str, Any], fresh: bool, retried: bool) -> None:
    assert (is_fresh_start(body), is_retried(body)) == (fresh, retried)
    found = recall(body)
    forgotten = (found.attempts, found.next_attempt, found.stores) == (0, None, {})
    assert forgotten is fresh
    if not fresh:
        assert (found.attempts, found.next_attempt) == (4, later(9))
        assert found.stores == {"dcn0": StoreMemory(2, later(9), "m")}


def test_a_judged_task_is_not_judged_again_after_a_retry() -> None:
    again = judged(view(image=queued(), task=task("failure"), memory=recall(asked(FAILED, "now"))))
    assert again.memory.attempts == 0


def test_nothing_remembered_is_nothing_claimed() -> None:
    assert recall(body_of(view(), {})) == Memory()
    assert recall({"metadata": {"generation": 1}}) == Memory()


def test_what_was_not_ready_is_not_settled() -> None:
    body = body_of(view(), {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "False"}]})
    assert not read_again(view(), body).settled


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-01T12:00:00Z", NOW),
        ("2026-03-01T13:00:00+01:00", NOW),
        ("2026-03-01T12:00:00.000000Z", NOW),
        (None, None),
    ],
)
def test_moments(written: str | None, read: object) -> None:
    assert moment(written) == read
    assert text(NOW) == "2026-03-01T12:00:00Z"
