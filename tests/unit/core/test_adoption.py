"""Taking over: which image, whose it is, what is marked, and what becomes of the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import EXPECTED_ID, UID, URL, body_of, memory, read_again, spec, task, view
from tests.unit.core.scenarios.adopting import ABROAD, BY_ID, BY_NAME, MARK, THEIRS, adopted, adopting, marked, taken

from glance_operator.core.conditions import find
from glance_operator.core.image import adoption, content, decide, identity, metadata, stores
from glance_operator.core.image.adoption import TakeOver
from glance_operator.core.image.identity import Ownership
from glance_operator.core.image.observed import Memory
from glance_operator.core.image.status import status

DIGEST = "ab" * 64
FORCED: dict[str, Any] = {"adopt": {"id": EXPECTED_ID, "force": True}}
OWN = {identity.CLUSTER: "here", identity.OWNER: "default/jammy", identity.UID: UID}
EARLIER = OWN | {identity.UID: "11111111-1111-4111-8111-111111111111"}


@pytest.mark.parametrize(
    ("words", "says", "properties", "changes", "wanted"),
    [
        ("no marker", {}, {}, {}, Ownership.ADOPTABLE),
        ("ours", {}, OWN, {}, Ownership.OURS),
        ("of an earlier life", {}, EARLIER, {}, Ownership.RESTORED),
        ("of another object", {}, MARK, {}, Ownership.ELSEWHERE),
        ("of another object that is gone", {}, MARK, {"owner_gone": True}, Ownership.ADOPTABLE),
        ("of another cluster", {}, ABROAD, {"owner_gone": True}, Ownership.ELSEWHERE),
        ("of another cluster, by force", FORCED, ABROAD, {}, Ownership.ADOPTABLE),
        ("of another object, by force", FORCED, MARK, {}, Ownership.ELSEWHERE),
        ("taken from us", FORCED, ABROAD, {"memory": memory()}, Ownership.ELSEWHERE),
        ("made in its place, without a marker", {}, {}, {"memory": Memory(incarnation=2)}, Ownership.OURS),
        ("made in its place, of another", FORCED, ABROAD, {"memory": Memory(incarnation=2)}, Ownership.ELSEWHERE),
    ],
)
def test_whose_it_is(
    words: str, says: dict[str, Any], properties: dict[str, str], changes: dict[str, Any], wanted: Ownership
) -> None:
    one = replace(adopting(**says), **changes)
    assert identity.ownership(one, marked(properties)) is wanted


@pytest.mark.parametrize(
    ("words", "says", "changes", "wanted"),
    [
        ("by id", BY_ID, {}, EXPECTED_ID),
        ("by id, but marked is another, made in its place", BY_ID, {"candidates": ("i9",)}, "i9"),
        ("by name, not found", BY_NAME, {}, ""),
        ("by name", BY_NAME, {"candidates": ("i1",)}, "i1"),
        ("by name, twice", BY_NAME, {"candidates": ("i1", "i2")}, ""),
        ("by name, known", BY_NAME, {"memory": Memory(id="i3"), "candidates": ("i1",)}, "i3"),
    ],
)
def test_which_id_it_has(words: str, says: dict[str, Any], changes: dict[str, Any], wanted: str) -> None:
    assert identity.expected_id(view(spec=spec(**says), **changes)) == wanted


def test_what_is_made_in_its_place_has_an_id_of_ours() -> None:
    one = view(spec=spec(**BY_NAME), memory=Memory(incarnation=2, id="i1"), candidates=("i1",))
    assert identity.expected_id(one) == identity.image_id(UID, 2)


def test_a_marker_tells_whose_image_it_was_put_on() -> None:
    """Nova gives snapshots the properties of the image that a server was made from."""
    step = decide(adopting())[1].step
    assert isinstance(step, TakeOver)
    assert dict(step.marker) == OWN | {
        identity.CONTENT: content.content_hash(adopting().spec),
        identity.IMAGE: EXPECTED_ID,
    }
    assert step.before == ""


@pytest.mark.parametrize(
    ("words", "one", "before", "content_"),
    [
        ("of nobody who lives", replace(adopting(marked(MARK)), owner_gone=True), MARK[identity.UID], None),
        ("of an earlier life", adopting(marked(EARLIER | {identity.CONTENT: "c"})), EARLIER[identity.UID], "c"),
    ],
)
def test_whose_marker_is_replaced(words: str, one: Any, before: str, content_: str | None) -> None:
    step = decide(one)[1].step
    assert isinstance(step, TakeOver)
    assert step.before == before
    assert dict(step.marker)[identity.CONTENT] == content_ or content.content_hash(one.spec)


@pytest.mark.parametrize(
    ("words", "says", "shows", "named"),
    [
        ("as the spec says", {}, {}, ()),
        ("another disk format", {"diskFormat": "raw"}, {}, ("diskFormat qcow2, not raw",)),
        ("both formats", {"diskFormat": "raw", "containerFormat": "ova"}, {}, ("diskFormat", "containerFormat bare")),
        ("a format that Glance does not tell", {"diskFormat": "raw"}, {"disk_format": ""}, ()),
        ("the digest", {"source": {"http": {"url": URL}, "checksum": {"sha512": DIGEST}}}, {}, ("sha512 cd",)),
        ("a digest of another kind", {"source": {"http": {"url": URL}, "checksum": {"md5": "a" * 32}}}, {}, ()),
        (
            "a digest of other bytes",
            {"source": {"http": {"url": URL}, "checksum": {"sha512": DIGEST}, "decompress": "gz"}},
            {},
            (),
        ),
        (
            "the digest in capitals",
            {"source": {"http": {"url": URL}, "checksum": {"sha512": DIGEST.upper()}}},
            {"hash_value": DIGEST},
            (),
        ),
    ],
)
def test_what_differs_is_named(words: str, says: dict[str, Any], shows: dict[str, Any], named: tuple[str, ...]) -> None:
    image = replace(THEIRS, **({"hash_algo": "sha512", "hash_value": "cd" * 64} | shows))
    plan = adoption.refuse_other_content(adopting(image, **says))
    assert (plan is not None) is bool(named)
    assert plan is None or all(word in plan.state.message for word in named)


def test_what_the_spec_does_not_say_is_left_alone() -> None:
    one = adopted()
    assert one.image is not None
    assert metadata.operations(one, one.image) == ()
    assert stores.targets(one) == ("dcn0",)


def test_what_is_made_in_its_place_goes_where_others_go_and_is_called_as_it_was() -> None:
    one = view(spec=spec(**BY_NAME), memory=Memory(incarnation=2))
    assert stores.targets(one) == ("central",)
    assert metadata.creation(one, "c")["name"] == "focal"
    assert metadata.creation(one, "c")[identity.IMAGE] == identity.expected_id(one)


def told(one: Any, old: dict[str, Any] | None = None) -> dict[str, Any]:
    body = body_of(one, old)
    return body | {"status": status(*decide(one), body)}


@pytest.mark.parametrize("foreign", [adopting(marked(MARK)), adopting(diskFormat="raw"), adopting(None)])
def test_an_image_of_others_is_no_part_of_the_status(foreign: Any) -> None:
    said = told(foreign)["status"]
    assert not said.keys() & {"id", "name", "owner", "sizeBytes", "applied", "glanceStatus"}
    assert find(said["conditions"], "Imported")["status"] == "False"


def test_an_image_taken_from_us_keeps_its_id_in_the_status() -> None:
    one = adopted(image=marked(ABROAD), says=FORCED)
    assert told(one)["status"]["id"] == EXPECTED_ID


def test_the_import_of_others_is_not_held_against_our_stores() -> None:
    wide = {"stores": {"names": ["dcn0", "dcn1"]}}
    one = replace(adopted(says=wide, memory=Memory()), task=task("failure"))
    assert decide(one)[0].memory.stores == {}
    assert decide(one)[0].memory.source == ""


def test_only_stores_that_we_filled_are_ours() -> None:
    wide = {"stores": {"names": ["dcn0", "dcn1"]}}
    before = adopted(says=wide, memory=Memory())
    body = told(before)
    assert "applied" not in body["status"]
    image = taken(before, stores=("dcn0", "dcn1"))
    after = told(replace(read_again(before, body), image=image), body["status"])
    assert after["status"]["applied"]["stores"] == ["dcn1"]
    again = told(replace(read_again(before, after), image=image), after["status"])
    assert again["status"]["applied"]["stores"] == ["dcn1"]


def test_a_store_that_was_awaited_before_the_adoption_is_not_ours() -> None:
    wide = {"stores": {"names": ["central", "dcn0"]}}
    body = told(adopting(None, **wide))
    found = adopted(says=wide)
    again = told(replace(read_again(found, body), image=found.image), body["status"])
    assert "applied" not in again["status"]
