"""Imports on a service of ours: what is written down of them, and what is counted when they end with their pod."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import NOW, body_of, glance_image, later, memory, queued, read_again, tried
from tests.unit.core.scenarios.pods import (
    AGAIN,
    CONVERTING,
    EACH,
    FIRST,
    GIB,
    SECOND,
    SHARED,
    TWO,
    copying,
    ours,
    sent,
)

from glance_operator.core.image import content, decide, nodes, staging, stores
from glance_operator.core.image.content import ImportFromUrl
from glance_operator.core.image.memory import judged, text
from glance_operator.core.image.observed import Flight, Found, Memory, StoreMemory, View
from glance_operator.core.image.refusals import explain
from glance_operator.core.image.status import status
from glance_operator.core.plan import Phase


def attempt(one: View) -> dict[str, Any]:
    """status.attempt as the next pass writes it."""
    seen, plan = decide(one)
    found: dict[str, Any] = status(seen, plan, body_of(one)).get("attempt", {})
    return found


class TestRecord:
    def test_pod_and_container_are_written_before_the_request(self) -> None:
        one = ours(image=queued(), nodes=(FIRST,))
        plan = decide(one)[1]
        assert isinstance(plan.step, ImportFromUrl)
        assert plan.record
        assert attempt(one) == {"node": "glance-0", "containerID": "containerd://a0"}

    def test_they_stay_as_long_as_the_lock(self) -> None:
        one = ours(image=queued(status="importing", lock="t1"), memory=sent())
        begun = {"startTime": text(one.now)}
        assert attempt(one) == {"node": "glance-0", "containerID": "containerd://a0", **begun}

    def test_and_no_longer(self) -> None:
        """Whoever imports into the image later is somebody else, of whom nothing is known."""
        assert attempt(ours(image=glance_image(), memory=memory(node="glance-0", container_id="x"))) == {"taskID": "t0"}

    def test_of_a_request_that_never_came_to_be_nothing_is_left(self) -> None:
        """The operator ended between the record and the request: the next pass asks again, perhaps another pod."""
        one = ours(image=queued(), memory=sent(), nodes=(SECOND,))
        plan = decide(one)[1]
        assert isinstance(plan.step, ImportFromUrl)
        assert plan.step.node == SECOND

    def test_a_cloud_whose_pods_we_do_not_see_costs_no_write(self) -> None:
        plan = decide(replace(ours(image=queued()), nodes=None))[1]
        assert isinstance(plan.step, ImportFromUrl)
        assert (plan.step.node, plan.record) == (None, False)


class TestLoss:
    LOST = ours(image=queued(status="importing", lock="t1"), memory=sent(), nodes=(AGAIN, SECOND))

    def test_it_is_counted_once_and_is_no_failed_attempt(self) -> None:
        one = judged(self.LOST)
        assert (one.memory.lost, one.memory.attempts, one.memory.next_attempt) == (1, 0, None)
        assert judged(one).memory == one.memory
        seen, plan = decide(self.LOST)
        body = body_of(self.LOST)
        again = read_again(self.LOST, body | {"status": status(seen, plan, body)})
        assert judged(again).memory.lost == 1

    def test_after_some_in_a_row_each_is_a_failed_attempt(self) -> None:
        """Else an image that ends its pod, by its size or its content, would do so for ever."""
        many = replace(self.LOST, memory=sent(lost=nodes.SPARED))
        found = judged(many).memory
        assert (found.lost, found.attempts) == (nodes.SPARED + 1, 1)
        assert found.next_attempt is not None
        last = replace(many, memory=replace(found, attempts=5), image=queued())
        plan = decide(last)[1]
        assert plan.state.reason == "RetryLimitExceeded"
        assert "ended with the pod" in plan.state.message

    def test_content_that_arrives_ends_the_count(self) -> None:
        assert judged(ours(image=glance_image(), memory=Memory(lost=2))).memory.lost == 0

    def test_it_is_told_which_pod_it_was(self) -> None:
        plan = decide(self.LOST)[1]
        assert "Pod glance-0 of GlanceAPI glance ended during the import" in plan.state.message

    def test_nothing_runs_any_more(self) -> None:
        assert not content.running(self.LOST)
        assert content.running(replace(self.LOST, memory=Memory(id=self.LOST.memory.id)))


class TestCopy:
    def test_no_store_is_tried_while_the_lock_counts(self) -> None:
        found = judged(copying()).memory
        assert found.stores == {"dcn0": StoreMemory(next_attempt=later(stores.LOCK_FOR))}
        assert found.task_id == "t1"
        assert judged(replace(copying(), memory=found, now=later(60))).memory == found

    def test_nor_one_that_failed_before(self) -> None:
        tried_before = replace(copying().memory, stores={"dcn0": tried(2, -1)})
        found = judged(replace(copying(), memory=tried_before)).memory.stores["dcn0"]
        assert (found.attempts, found.next_attempt) == (2, later(stores.LOCK_FOR))

    def test_it_is_remembered_and_told(self) -> None:
        one = copying()
        seen, plan = decide(one)
        body = body_of(one)
        told = status(seen, plan, body)
        (entry,) = [s for s in told["stores"] if s["name"] == "dcn0"]
        assert (entry["reason"], entry["nextAttemptTime"]) == ("CopyInterrupted", "2026-03-01T13:01:00Z")
        assert "pod glance-0 ended while it copied" in plan.state.message
        again = read_again(one, body | {"status": told})
        assert judged(again).memory.stores["dcn0"].next_attempt == later(stores.LOCK_FOR)

    def test_a_second_copy_that_was_written_down_and_never_sent(self) -> None:
        """The operator ended in between: the lock is still that of the first, although the pod of the second lives."""
        written = replace(
            judged(copying()).memory, node=SECOND.name, container_id=SECOND.container_id, stores={"dcn0": tried(1, -1)}
        )
        one = replace(copying(), memory=written)
        assert not content.running(one)
        assert isinstance(decide(one)[1].step, stores.CopyToStores)

    def test_who_asks_for_a_retry_gets_one(self) -> None:
        """Whether the lock still counts is Glance's to say: here nobody compares clocks with it."""
        told = replace(judged(copying()).memory, stores={})
        plan = decide(replace(copying(), memory=told))[1]
        assert isinstance(plan.step, stores.CopyToStores)
        locked = explain(replace(copying(), memory=told), plan.step, 409, "Image has active task")
        assert (locked.state.phase, locked.after) == (Phase.READY, 600.0)

    def test_what_was_sent_since_is_another_copy(self) -> None:
        second = replace(copying(), image=glance_image(lock="t2"), memory=judged(copying()).memory)
        found = judged(replace(second, now=later(stores.LOCK_FOR))).memory.stores["dcn0"]
        assert found.next_attempt == later(2 * stores.LOCK_FOR)


class TestRoom:
    @pytest.mark.parametrize(
        ("words", "one", "said"),
        [
            (
                "shared",
                ours(room=SHARED, found=Found(2 * GIB)),
                "the staging space of all pods has 1 GiB: set spec.staging.pvc.size of GlanceAPI glance to more",
            ),
            (
                "converted",
                ours(room=CONVERTING, found=Found(GIB // 2, GIB)),
                "The source has 512 MiB and takes 1 GiB more once it is raw, the staging space of a pod has 1 GiB",
            ),
            (
                "converted to nobody knows how much",
                ours(room=CONVERTING, found=Found(2 * GIB)),
                "The source has 2 GiB (nobody knows how much more it takes once it is raw), the staging space of a pod",
            ),
            (
                "in use",
                ours(room=SHARED, found=Found(GIB), flights=(Flight("glance-1", 1 << 20),)),
                "has 1 GiB, and other imports need 1 MiB of it: this one begins when they are done",
            ),
        ],
    )
    def test_it_says_what_is_missing_where(self, words: str, one: View, said: str) -> None:
        assert said in decide(one)[1].state.message

    def test_a_copy_says_why_it_is_not_begun(self) -> None:
        one = ours(spec={"stores": TWO}, image=glance_image(size=GIB + 1), memory=memory(), room=EACH)
        assert "copying takes 1.0 GiB of staging space" in stores.summary(one)

    def test_what_has_content_is_left_alone(self) -> None:
        one = ours(image=queued(status="importing", lock="t1"), room=EACH, found=Found(2 * GIB))
        assert staging.refuse_too_much(one) is None


def test_equals_share_the_pods() -> None:
    """Without anything in flight the choice differs from image to image, and is the same for each at every look."""
    chosen = []
    for number in range(32):
        one = ours(image=queued(id=f"image-{number}"), now=NOW)
        chosen.append(nodes.choose(one, None))
        assert nodes.choose(one, None) == chosen[-1]
    assert {FIRST, SECOND} == set(chosen)
