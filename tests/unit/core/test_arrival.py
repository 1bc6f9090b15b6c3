"""What has arrived is compared with its source: before anybody else sees it, once, and never what was served before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.answers import PAGE, QCOW2, RAW, answer
from tests.unit.core.builders import (
    EXPECTED_ID,
    URL,
    body_of,
    glance_image,
    later,
    memory,
    queued,
    read_again,
    spec,
    task,
    view,
)
from tests.unit.core.scenarios.pods import CONVERTING

from glance_operator.core.conditions import find
from glance_operator.core.image import decide, identity
from glance_operator.core.image.arrival import unproven
from glance_operator.core.image.content import Discard, NextIncarnation, content_hash
from glance_operator.core.image.metadata import UpdateImage
from glance_operator.core.image.observed import GlanceImage, Memory, View
from glance_operator.core.image.questions import question
from glance_operator.core.image.sources import Answer, Fate
from glance_operator.core.image.status import status

MIB = 1 << 20
MISMATCH = "SourceFormatMismatch"
PUBLIC = spec(visibility="public", diskFormat="raw")


def arrived(told: Answer | None = None, size: int = 4 * MIB, /, **changes: Any) -> View:
    """Glance has just made it active, as raw."""
    image = glance_image(disk_format="raw", size=size, properties=marked(changes.get("spec", PUBLIC)))
    return view(**({"spec": PUBLIC, "image": image, "answer": told} | changes))


def marked(wish: Any) -> dict[str, str]:
    return {identity.CONTENT: content_hash(wish)}


# (words, view, reason of the refusal and words of it)
REFUSED: list[tuple[str, View, str, str]] = [
    ("short", arrived(answer(size=512 * MIB), 37 * MIB), "SourceTruncated", "source says 512 MiB, Glance got 37 MiB"),
    (
        "short by a byte",
        arrived(answer(size=37 * MIB), 37 * MIB - 1),
        "SourceTruncated",
        "source says 38797312 B, Glance got 38797311 B",
    ),
    ("empty", arrived(answer(size=0), 0), "SourceEmpty", "source has 0 bytes"),
    ("empty, and nobody was asked", arrived(None, 0), "SourceEmpty", "Glance got 0 bytes"),
    ("empty, the source is not", arrived(answer(size=MIB), 0), "SourceEmpty", "source says 1 MiB, Glance got 0 B"),
    ("a page", arrived(answer(head=PAGE, content_type="text/html")), MISMATCH, "an HTML page (text/html)"),
    ("a disk in a disk", arrived(answer(head=QCOW2)), MISMATCH, "declared raw, but the first bytes are of qcow2"),
]


@pytest.mark.parametrize(("words", "one", "reason", "said"), REFUSED, ids=[row[0] for row in REFUSED])
class TestRefused:
    def test_it_is_discarded_and_counted(self, words: str, one: View, reason: str, said: str) -> None:
        seen, plan = decide(one)
        assert (plan.state.reason, plan.step, plan.record) == (reason, Discard(EXPECTED_ID), True)
        assert said in plan.state.message
        assert (seen.memory.attempts, seen.memory.imported) == (1, False)
        told = status(seen, plan, body_of(one))
        assert find(told["conditions"], "Imported")["status"] == "False"
        assert find(told["conditions"], "Ready")["reason"] == reason
        assert told["attempt"]["rejected"] == EXPECTED_ID

    def test_once_however_often_it_is_seen(self, words: str, one: View, reason: str, said: str) -> None:
        """The operator may be killed between the record and the deletion; the source may answer otherwise then."""
        body = body_of(one)
        body["status"] = status(*decide(one), body)
        for later_answer in (one.answer, None, answer(size=1), Answer()):
            seen, plan = decide(replace(read_again(one, body), answer=later_answer))
            assert (plan.step, seen.memory.attempts) == (Discard(EXPECTED_ID), 1)
            assert status(seen, plan, body) == body["status"]

    def test_the_next_attempt_waits_its_time_and_tells_why(self, words: str, one: View, reason: str, said: str) -> None:
        body = body_of(one)
        body["status"] = status(*decide(one), body)
        gone = replace(read_again(one, body), image=None, answer=None)
        seen, plan = decide(gone)
        assert plan.step == NextIncarnation()
        body["status"] = status(seen, plan, body)
        seen, plan = decide(replace(read_again(gone, body), image=None))
        assert (plan.state.reason, plan.step) == (reason, None)
        assert said in plan.state.message


def test_attempts_are_used_up_by_it() -> None:
    once = spec(visibility="public", diskFormat="raw", retryLimit=0)
    one = arrived(answer(size=5 * MIB), spec=once)
    body = body_of(one)
    body["status"] = status(*decide(one), body)
    given_up = decide(replace(read_again(one, body), image=None, answer=None, memory=replace(
        read_again(one, body).memory, id="", incarnation=2)))[1]  # fmt: skip
    assert given_up.state.reason == "RetryLimitExceeded"
    assert "source says 5 MiB" in given_up.state.message


# (words, view): content that is not refused
PASSED: list[tuple[str, View]] = [
    ("as large as it should be", arrived(answer(size=4 * MIB, head=RAW))),
    ("larger", arrived(answer(size=3 * MIB))),
    ("of unknown size", arrived(answer())),
    ("of a source that has gone", arrived(answer(code=404))),
    ("of a source that may not be asked", arrived(answer(Fate.FORBIDDEN))),
    ("of a source that has not answered in time", arrived(Answer(Fate.UNKNOWN))),
    ("nobody was asked", arrived(None)),
    ("unpacked on the way", arrived(answer(size=5 * MIB, head=b"\x1f\x8b\x08"))),
]  # fmt: skip


@pytest.mark.parametrize(("words", "one"), PASSED, ids=[row[0] for row in PASSED])
def test_what_nothing_speaks_against_is_shown(words: str, one: View) -> None:
    seen, plan = decide(one)
    assert isinstance(plan.step, UpdateImage), plan
    assert seen.memory.imported


def test_what_was_converted_is_compared_with_nothing() -> None:
    wish = spec(visibility="public")
    image = glance_image(disk_format="raw", size=MIB)
    one = view(spec=wish, image=image, answer=answer(size=5 * MIB, head=QCOW2), room=CONVERTING)
    assert isinstance(decide(one)[1].step, UpdateImage)


class TestWaiting:
    def test_nothing_is_shown_before_the_source_has_answered(self) -> None:
        seen, plan = decide(arrived(Answer()))
        assert (plan.state.reason, plan.step, plan.passing, plan.after) == ("Verifying", None, True, 0.3)
        told = status(seen, plan, body_of(seen))
        assert find(told["conditions"], "Imported")["status"] == "False"
        assert decide(read_again(seen, body_of(seen) | {"status": told}))[1].state.reason == "Verifying"

    def test_it_is_asked_where_the_content_came_from(self) -> None:
        asked = question(arrived())
        assert asked
        assert (asked.url, asked.failed) == (URL, False)


SERVED = glance_image(disk_format="raw", size=4 * MIB, properties=marked(PUBLIC))


def with_property(name: str) -> GlanceImage:
    return replace(SERVED, properties={**SERVED.properties, name: "other"})


# (words, view): what was served before, or is not ours to judge
LEFT_ALONE: list[tuple[str, View]] = [
    ("ready before", arrived(memory=memory())),
    ("imported before", arrived(memory=Memory(id=EXPECTED_ID, imported=True))),
    ("copied to another store, which is no import", arrived(memory=Memory(id=EXPECTED_ID, source=URL))),
    ("the status was lost, others see it", arrived(image=replace(SERVED, visibility="public"))),
    ("the status was lost, it is protected", arrived(image=replace(SERVED, protected=True))),
    ("restored from an object that is gone", arrived(image=with_property(identity.UID))),
    ("of other content", arrived(image=with_property(identity.CONTENT))),
    ("it runs still", arrived(image=replace(SERVED, lock="t1"))),
    ("there is none", arrived(image=queued())),
    ("it was refused already", arrived(memory=Memory(rejected=EXPECTED_ID, attempts=1, next_attempt=later(9)))),
]


@pytest.mark.parametrize(("words", "one"), LEFT_ALONE, ids=[row[0] for row in LEFT_ALONE])
def test_what_is_left_alone(words: str, one: View) -> None:
    assert not unproven(one)


def test_what_was_served_is_never_judged_again() -> None:
    """Neither after a copy, nor after a deactivation: Imported is False meanwhile."""
    one = arrived(answer(size=4 * MIB))
    body = body_of(one)
    body["status"] = status(*decide(one), body)
    for image in (replace(SERVED, lock="t2"), replace(SERVED, status="deactivated"), SERVED):
        again = replace(read_again(one, body), image=image, answer=answer(size=9 * MIB))
        seen, plan = decide(again)
        assert not isinstance(plan.step, Discard)
        body["status"] = status(seen, plan, body)
        assert body["status"]["content"]["source"] == URL


def test_a_store_that_failed_does_not_hide_it() -> None:
    wish = spec(visibility="public", diskFormat="raw", stores={"names": ["central", "dcn0"]})
    one = arrived(answer(size=5 * MIB), spec=wish, task=task())
    seen, plan = decide(one)
    assert plan.state.reason == "SourceTruncated"
    assert seen.memory.stores == {}
