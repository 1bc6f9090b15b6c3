"""A digest that is demanded: what is counted and remembered, what is said, and what is never asked for again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import EXPECTED_ID, URL, body_of, later, memory, queued, read_again, spec, view
from tests.unit.core.scenarios import MIRROR, served
from tests.unit.core.scenarios.proving import MD5, RIGHT, WRONG, brought, demanding, holding

from glance_operator.api.image import ImageStatus
from glance_operator.core.conditions import find
from glance_operator.core.image import decide, digests, limits, methods, retries
from glance_operator.core.image.content import Discard, ImportFromUrl, NextIncarnation
from glance_operator.core.image.digests import Digest, Plugins
from glance_operator.core.image.identity import image_id
from glance_operator.core.image.memory import judged, recall
from glance_operator.core.image.observed import GlanceImage, Memory, View
from glance_operator.core.image.status import status
from glance_operator.core.past import RETRY_ANNOTATION

SIGNED = "https://images.example.org/jammy.img?signature=s3cret"


def said(one: View, old: dict[str, Any] | None = None) -> dict[str, Any]:
    body = body_of(one, old)
    return status(*decide(one), body)


def verified(one: View) -> tuple[str, str]:
    found = find(said(one)["conditions"], "Verified")
    return found["status"], found["reason"]


@pytest.mark.parametrize(
    ("checksum", "wanted"),
    [
        ({"sha512": "AB" * 64}, Digest("sha512", RIGHT)),
        ({"md5": MD5}, Digest("md5", MD5)),
        ({"sha256": "ab" * 32}, None),
        ({"sha1": "ab" * 20}, None),
        ({"manifest": {"url": "https://x.example.org/SHA512SUMS"}}, None),
    ],
)
def test_which_digests_glance_can_prove(checksum: dict[str, Any], wanted: Digest | None) -> None:
    one = spec(source={"http": {"url": URL}, "checksum": checksum})
    assert digests.demanded(one) == wanted
    assert methods.demands_transfer(one) is (wanted is None), "what Glance keeps no digest of, a Job proves on the way"
    assert list(limits.not_built(one)) == []


def test_the_md5_is_read_from_what_glance_shows() -> None:
    image = GlanceImage.parse({"id": "i", "checksum": MD5.upper(), "os_hash_algo": "sha512", "os_hash_value": RIGHT})
    assert [digests.kept(image, name) for name in ("md5", "sha512", "sha256")] == [MD5, RIGHT, ""]


@pytest.mark.parametrize(
    ("words", "one", "wanted"),
    [
        ("no checksum", served(), ("Unknown", "NoChecksum")),
        ("no checksum, nothing there", view(), ("Unknown", "NoChecksum")),
        ("nothing there", view(spec=demanding()), ("Unknown", "NotImported")),
        ("the right bytes", view(spec=demanding(), image=holding(RIGHT)), ("True", "ChecksumMatches")),
        ("other bytes", view(spec=demanding(), image=holding(WRONG)), ("False", "ChecksumMismatch")),
        (
            "other bytes from there, and the next is asked",
            view(spec=demanding(MIRROR), image=queued(), memory=Memory(attempts=1, mismatched=brought(URL))),
            ("False", "ChecksumMismatch"),
        ),
        (
            "the right bytes from the next",
            view(spec=demanding(MIRROR), image=holding(RIGHT), memory=memory(mismatched=brought(URL))),
            ("True", "ChecksumMatches"),
        ),
        (
            "converted",
            view(spec=demanding(), image=holding(WRONG, disk_format="raw")),
            ("Unknown", "ConvertedByGlance"),
        ),
        ("another algorithm", view(spec=demanding(), image=holding(WRONG, hash_algo="sha1")), ("Unknown", "NoDigest")),
        (
            "deactivated",
            view(spec=demanding(), image=holding(RIGHT, status="deactivated")),
            ("True", "ChecksumMatches"),
        ),
        (
            "a digest left over",
            view(spec=demanding(), image=holding(RIGHT, status="queued")),
            ("Unknown", "NotImported"),
        ),
        (
            "content of another spec",
            view(spec=demanding(), image=holding(WRONG, properties={"glance_operator_content": "x"})),
            ("Unknown", "ContentChanged"),
        ),
    ],
)
def test_what_is_said_of_it(words: str, one: View, wanted: tuple[str, str]) -> None:
    assert verified(one) == wanted


def test_a_service_that_would_convert_makes_it_unknown() -> None:
    assert verified(view(spec=demanding(), plugins=Plugins("raw"))) == ("Unknown", "ConvertedByGlance")


def test_what_could_not_be_proven_is_known_as_such_at_the_next_look() -> None:
    one = view(spec=demanding(), image=holding(WRONG, disk_format="raw"))
    again = read_again(one, body_of(one, said(one)))
    assert again.memory.unproven
    assert decide(replace(again, spec=demanding(digest=WRONG)))[1].step == Discard(EXPECTED_ID)
    assert not read_again(served(), body_of(served(), said(served()))).memory.unproven


def test_how_it_was_proven() -> None:
    one = view(spec=demanding(), image=holding(RIGHT))
    assert find(said(one)["conditions"], "Verified")["message"] == "sha512 by Glance"


def test_what_was_expected_what_came_and_from_where() -> None:
    one = view(spec=demanding(MIRROR), memory=Memory(attempts=2, mismatched=brought(URL, MIRROR)))
    message = decide(one)[1].state.message
    assert all(word in message for word in (f"sha512 {RIGHT}", WRONG, URL, MIRROR, "correct", RETRY_ANNOTATION))


class TestOtherBytes:
    def test_are_written_down_before_the_image_goes(self) -> None:
        seen, plan = decide(view(spec=demanding(MIRROR), image=holding(WRONG)))
        assert (plan.step, plan.record) == (Discard(EXPECTED_ID), True)
        found = status(seen, plan, body_of(seen))
        assert found["attempt"]["mismatched"] == [
            {"source": URL, "sourceHash": retries.fingerprint(URL), "value": WRONG, "imageID": EXPECTED_ID}
        ]
        assert found["attempt"]["count"] == 1
        assert find(found["conditions"], "Imported")["status"] == "False"
        assert ImageStatus.model_validate(found).model_dump(by_alias=True, mode="json", exclude_none=True) == found

    def test_are_counted_once_an_image_however_often_it_is_looked_at(self) -> None:
        one = view(spec=demanding(MIRROR), image=holding(WRONG))
        again = read_again(one, body_of(one, said(one)))
        assert again.memory.attempts == 1
        assert decide(again)[1].step == Discard(EXPECTED_ID)
        assert judged(again).memory == again.memory

    def test_are_not_asked_for_again(self) -> None:
        """From the first address to the last, and never back."""
        one, asked = view(spec=demanding(MIRROR)), []
        for _ in range(40):
            seen, plan = decide(one)
            body = body_of(seen, status(seen, plan, body_of(seen)))
            one = next_pass(one, plan.step, body)
            if isinstance(plan.step, ImportFromUrl):
                asked.append(plan.step.url)
        assert asked == [URL, MIRROR]
        assert (plan.state.reason, one.image) == ("ChecksumMismatch", None)

    def test_are_remembered_with_another_spec_of_the_same_digest(self) -> None:
        one = view(spec=demanding(), memory=Memory(attempts=1, mismatched=brought(URL)))
        body = body_of(replace(one, generation=2, spec=demanding(tags=["a"])), said(one))
        assert len(recall(body).mismatched) == 1

    def test_are_forgotten_when_somebody_asks_for_another_attempt(self) -> None:
        one = view(spec=demanding(), memory=Memory(attempts=1, mismatched=brought(URL)))
        body = body_of(one, said(one))
        body["metadata"]["annotations"] = {RETRY_ANNOTATION: "please"}
        assert recall(body).mismatched == ()

    def test_are_forgotten_with_another_digest(self) -> None:
        one = view(spec=demanding(), memory=Memory(attempts=1, mismatched=brought(URL), attempt_hash="of another"))
        assert judged(one).memory.mismatched == ()

    def test_are_held_against_the_address_that_was_written_down(self) -> None:
        """Somebody has asked for another attempt while the mirror was downloading: the count is back at nothing."""
        one = view(spec=demanding(MIRROR), image=holding(WRONG), memory=Memory(tried=retries.fingerprint(MIRROR)))
        assert [found.address for found in judged(one).memory.mismatched] == [MIRROR]


def next_pass(one: View, step: object, body: dict[str, Any]) -> View:
    """In a world where every address brings other bytes."""
    one = read_again(one, body)
    name = image_id(one.uid, one.memory.incarnation)
    match step:
        case Discard():
            return replace(one, image=None)
        case NextIncarnation():
            return one
        case ImportFromUrl():
            return replace(one, image=holding(WRONG, one.spec, id=name))
        case None:
            return one
    return replace(one, image=replace(queued(id=name), properties=holding(WRONG, one.spec).properties))


def test_where_it_comes_from_is_written_down_before_it_is_asked_for() -> None:
    source = {"http": {"url": SIGNED}, "checksum": {"sha512": RIGHT}}
    wanted = spec(source=source)
    seen, plan = decide(view(spec=wanted, image=replace(queued(), properties=holding(RIGHT, wanted).properties)))
    assert (type(plan.step), plan.record) == (ImportFromUrl, True)
    attempt = status(seen, plan, body_of(seen))["attempt"]
    assert attempt["sourceHash"] == retries.fingerprint(SIGNED)
    assert attempt["source"] == "https://images.example.org/jammy.img?…"
    assert "s3cret" not in str(attempt)


def test_without_a_digest_nothing_more_is_written_than_before() -> None:
    plan = decide(view(image=queued()))[1]
    assert (type(plan.step), plan.record) == (ImportFromUrl, False)


def test_a_signed_address_is_not_shown() -> None:
    one = view(
        spec=spec(source={"http": {"url": SIGNED}}), image=holding(RIGHT, spec(source={"http": {"url": SIGNED}}))
    )
    assert "s3cret" not in str(said(one))


@pytest.mark.parametrize(
    ("disk_format", "to", "refused"), [("qcow2", "raw", True), ("raw", "raw", False), ("iso", "raw", False)]
)
def test_a_service_that_would_convert_is_told_before_the_download(disk_format: str, to: str, refused: bool) -> None:
    one = view(spec=demanding(diskFormat=disk_format), plugins=Plugins(to), memory=Memory(next_attempt=later(-1)))
    assert (decide(one)[1].state.reason == "ConvertedByGlance") is refused
