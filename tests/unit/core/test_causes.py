"""Why an attempt failed: said once, from what the source answered, and kept until the next one fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.answers import HOST, PAGE, QCOW2, RAW, answer
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
    view,
)
from tests.unit.core.scenarios import MIRROR

from glance_operator.core.conditions import find
from glance_operator.core.image import causes, decide, refusals
from glance_operator.core.image.content import ImportFromUrl
from glance_operator.core.image.memory import judged
from glance_operator.core.image.observed import Memory, View
from glance_operator.core.image.questions import question
from glance_operator.core.image.sources import Answer, Fate, format_of
from glance_operator.core.image.status import status
from glance_operator.core.plan import Phase


def failed(told: Answer | None = None, **changes: Any) -> View:
    """An import that has just ended badly, and what its source has answered."""
    return judged(view(**({"image": queued(), "task": task("failure"), "answer": told} | changes)))


# (what the source answered, words of the cause)
FINDINGS: list[tuple[Answer, str]] = [
    (answer(code=404), "source answered 404: there is no such file"),
    (answer(code=403), "source answered 403"),
    (answer(code=500), "source answered 500: the trouble is the server's own"),
    (answer(code=503, retry_after=120), "see to it; it asks for a pause of 120 s, and gets 120 s"),
    (answer(code=429, retry_after=9999), "a pause of 9999 s, and gets 3600 s"),
    (answer(code=404, moved=True), f"source (redirected to {HOST}:443) answered 404"),
    (answer(Fate.UNRESOLVED), f"source host {HOST} does not resolve"),
    (answer(Fate.REFUSED), f"source refuses connections at {HOST}:443"),
    (answer(Fate.TIMED_OUT), f"source does not answer at {HOST}:443"),
    (answer(Fate.UNREACHABLE, words="No route to host"), "cannot be reached"),
    (answer(Fate.BROKEN), "does not speak HTTP"),
    (answer(Fate.UNTRUSTED, words="certificate has expired"), f"TLS with source host {HOST} fails (certificate has"),
    (answer(Fate.CIRCLING, moved=True), "redirects again and again"),
    (answer(Fate.SILENT, code=200), "source answered 200 and then fell silent"),
    (answer(Fate.UNKNOWN), "did not answer the operator in time: check that the URL"),
    (answer(Fate.FILTERED), "the import filter does not let the operator look"),
    (answer(Fate.FILTERED, moved=True), f"source redirects to {HOST}:443, which the import filter refuses"),
    (answer(Fate.FILTERED, moved=True, host=""), "redirects to what is no address of the web"),
    (answer(Fate.FORBIDDEN), "GLANCE_OPERATOR_SOURCE_NETWORKS"),
    (answer(size=0, head=b""), "source has 0 bytes"),
    (answer(head=PAGE, content_type="text/html"), "source answered with an HTML page (text/html), not an image"),
    (answer(head=RAW, size=512), "declared qcow2, but the first bytes are of raw"),
    (answer(head=b"vhdxfile"), "declared qcow2, but the first bytes are of vhdx"),
    (answer(head=b"\x1f\x8b\x08"), "declared qcow2, but the first bytes are of gzip"),
    (answer(head=b"hello"), "declared qcow2, but the first bytes are of nothing that is known"),
    (answer(head=QCOW2, size=1 << 20), "source serves 1 MiB when the operator asks; unless the download broke off"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "words"), FINDINGS, ids=[row[1][:40] for row in FINDINGS])
def test_what_the_source_answered_is_the_cause(told: Answer, words: str) -> None:
    one = failed(told)
    assert words in one.memory.cause
    assert URL in one.memory.cause
    assert "{" not in one.memory.cause
    said = status(*decide(one), body_of(one))
    assert words in find(said["conditions"], "Ready")["message"]
    assert said["attempt"]["message"] == one.memory.cause


def test_what_is_signed_is_not_shown() -> None:
    signed = spec(source={"http": {"url": f"{URL}?Signature=secret"}})
    assert "secret" not in failed(answer(code=403), spec=signed).memory.cause


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (QCOW2, "qcow2"), (b"KDMV", "vmdk"), (b"# Disk DescriptorFile\n", "vmdk"), (b"conectix", "vhd"),
        (b"PK\x03\x04", "zip"),
        (bytes(64) + b"\x7f\x10\xda\xbe", "vdi"), (b"\xfd7zXZ\x00", "xz"), (RAW, "raw"), (b"", ""), (bytes(512), ""),
    ],
)  # fmt: skip
def test_what_begins_like_this(head: bytes, found: str) -> None:
    assert format_of(head) == found


class TestWhenItIsAsked:
    def test_after_a_failed_attempt_at_the_address_that_it_took(self) -> None:
        wish = spec(source={"http": {"url": URL, "mirrors": [MIRROR]}})
        one = failed(spec=wish)
        asked = question(one)
        assert asked
        assert (asked.url, asked.failed) == (URL, True)
        second = failed(spec=wish, task=task("failure", "t2"), memory=one.memory)
        again = question(second)
        assert again
        assert (again.url, again == asked) == (MIRROR, False)

    def test_not_before_and_not_once_it_is_known(self) -> None:
        assert question(view(image=queued())) is None
        assert question(failed(answer(code=404))) is None
        assert question(failed(deleted_at=NOW)) is None

    def test_each_failure_is_another_question_even_after_a_retry(self) -> None:
        first = failed()
        retried = replace(first.memory, attempts=0, next_attempt=None)
        assert question(first) != question(failed(task=task("failure", "t2"), memory=retried))


class TestUntilItHasAnswered:
    def test_it_is_looked_at_again_soon_and_nothing_is_written(self) -> None:
        seen, plan = decide(failed(Answer()))
        assert (plan.state.reason, plan.passing, plan.after) == ("ImportFailed", True, 1.0)
        assert seen.memory.cause == ""

    def test_so_where_the_attempts_are_used_up(self) -> None:
        plan = decide(failed(Answer(), spec=spec(retryLimit=0)))[1]
        assert (plan.state.reason, plan.passing, plan.after) == ("RetryLimitExceeded", True, 1.0)

    def test_who_was_not_asked_is_not_waited_for(self) -> None:
        plan = decide(failed())[1]
        assert not plan.passing
        assert "tells no cause: check" in plan.state.message


class TestWhatIsKept:
    def test_the_cause_outlives_the_answer(self) -> None:
        one = failed(answer(code=404))
        body = body_of(one)
        body["status"] = status(*decide(one), body)
        again = replace(read_again(one, body), answer=None)
        assert judged(again).memory.cause == one.memory.cause
        assert status(*decide(again), body) == body["status"]

    def test_until_the_next_attempt_fails(self) -> None:
        one = failed(answer(code=404))
        second = failed(memory=one.memory, task=task("failure", "t2"))
        assert second.memory.cause == ""
        assert "500" in judged(replace(second, answer=answer(code=500))).memory.cause

    def test_or_the_content_has_come(self) -> None:
        old = failed(answer(code=404)).memory
        assert judged(view(image=glance_image(), memory=old)).memory.cause == ""

    def test_another_source_makes_it_void(self) -> None:
        old = failed(answer(code=404)).memory
        assert judged(view(spec=spec(source={"http": {"url": MIRROR}}), image=None, memory=old)).memory.cause == ""

    def test_what_took_too_long_needs_nobody_s_answer(self) -> None:
        one = judged(view(image=queued(lock="t1", status="importing"), running_for=86401))
        assert "spec.downloadTimeout (24h)" in one.memory.cause
        assert question(one) is None


class TestPauses:
    @pytest.mark.parametrize(("wanted", "given"), [(120, 120), (99999, 3600)])
    def test_a_source_gets_the_pause_that_it_asks_for(self, wanted: float, given: float) -> None:
        assert failed(answer(code=503, retry_after=wanted)).memory.next_attempt == later(given)

    def test_never_a_shorter_one_than_without(self) -> None:
        assert failed(answer(code=503, retry_after=1)).memory.next_attempt == failed().memory.next_attempt

    def test_the_mirror_is_not_spared_for_it(self) -> None:
        wish = spec(source={"http": {"url": URL, "mirrors": [MIRROR]}})
        paused = failed(answer(code=503, retry_after=999), spec=wish)
        assert paused.memory.next_attempt == failed(spec=wish).memory.next_attempt


class TestLongDownloads:
    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (599, ""), (600, "for 10 min"), (1199, "for 10 min"), (1200, "for 20 min"), (3599, "for 30 min"),
            (3600, "for 1 h"), (3 * 3600, "for 3 h"), (5.9 * 3600, "for 3 h"), (86399, "for 12 h"), (86400, "for 1 d"),
            (200000, "for 2 d"),
        ],
    )  # fmt: skip
    def test_for_how_long_is_told_in_steps(self, seconds: float, words: str) -> None:
        one = view(
            spec=spec(downloadTimeout="99h"),
            image=queued(lock="t1"),
            running_for=seconds,
            answer=answer(size=512 << 30),
        )
        plan = decide(one)[1]
        assert plan.state.reason == "Downloading"
        assert words in plan.state.message
        assert (", size 512 GiB, no progress visible" in plan.state.message) is bool(words)
        assert (question(one) is not None) is bool(words)

    def test_the_time_runs_on_while_the_operator_is_started_anew(self) -> None:
        one = view(image=queued(lock="t1"), running_for=7000)
        body = body_of(one)
        body["status"] = status(*decide(one), body)
        anew = replace(read_again(one, body), running_for=0, now=later(400))
        assert "for 2 h" in decide(anew)[1].state.message
        assert status(*decide(anew), body)["attempt"]["startTime"] == body["status"]["attempt"]["startTime"]


class TestSilence:
    STUCK = spec(progressDeadline="30m", stores={"names": ["central", "dcn0"]})

    def test_without_content_only_deleting_helps(self) -> None:
        one = view(spec=self.STUCK, image=queued(lock="t1", status="importing"), silent_for=1801)
        seen, plan = decide(one)
        assert "spec.progressDeadline (30m)" in seen.memory.cause
        assert (plan.state.reason, seen.memory.attempts, plan.record) == ("Recreating", 1, True)

    def test_with_content_it_is_told(self) -> None:
        image = glance_image(lock="t1", importing=("dcn0",))
        plan = decide(view(spec=self.STUCK, image=image, memory=memory(), silent_for=1801))[1]
        assert (plan.state.reason, plan.state.phase, plan.step) == ("CopyStuck", Phase.STALLED, None)
        assert "copying to dcn0" in plan.state.message

    def test_between_two_of_glance_s_words_it_is_none(self) -> None:
        short = spec(progressDeadline="1s")
        assert decide(view(spec=short, image=queued(lock="t1"), silent_for=179))[1].state.reason == "Downloading"


def test_a_host_without_an_address_explains_a_refusal() -> None:
    step = ImportFromUrl("id", URL, ())
    one = view(image=queued(), answer=answer(Fate.UNRESOLVED))
    plan = refusals.explain(one, step, 400, "URI for web-download does not pass filtering")
    assert plan.state.reason == "SourceRefused"
    assert f"source host {HOST} does not resolve" in plan.state.message


def test_older_memories_are_asked_about() -> None:
    assert causes.unexplained(view(image=None, memory=Memory(attempts=2)))
