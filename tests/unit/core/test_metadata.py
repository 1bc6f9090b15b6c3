"""Metadata: one patch makes the image as the spec says, and what others set stays."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.core.builders import UID, glance_image, marker, memory, spec, view
from tests.unit.core.scenarios import EITHER, served

from glance_operator.core.image import identity, metadata
from glance_operator.core.image.metadata import AddMember, RemoveMember, UpdateImage
from glance_operator.core.image.observed import Memory
from glance_operator.core.plan import Step

SIGNATURE = {"value": "c2ln", "hashMethod": "SHA-256", "keyType": "RSA-PSS", "certificateUUID": UID}
SIGNED = {
    "img_signature": "c2ln",
    "img_signature_hash_method": "SHA-256",
    "img_signature_key_type": "RSA-PSS",
    "img_signature_certificate_uuid": UID,
}


def ours(*properties: str, tags: tuple[str, ...] = ()) -> Memory:
    return memory(applied_properties=frozenset(properties), applied_tags=frozenset(tags))


# words, what the spec says, what Glance shows, what we set before, the patch
PATCHES: list[tuple[str, dict[str, Any], dict[str, Any], Memory, list[tuple[str, str, object]]]] = [
    ("as it should be", {}, {}, memory(), []),
    (
        "what the spec does not say is left alone",
        {},
        {"owner": "p9", "hidden": True, "protected": True, "min_disk": 9, "min_ram": 9, "visibility": "public"},
        memory(),
        [],
    ),
    ("the name is always ours", {}, {"name": "focal"}, memory(), [("replace", "/name", "jammy")]),
    ("another name", {"name": "Ubuntu"}, {}, memory(), [("replace", "/name", "Ubuntu")]),
    ("owner", {"owner": "p2"}, {}, memory(), [("replace", "/owner", "p2")]),
    (
        "sizes",
        {"minDiskGB": 4, "minRAMMB": 0},
        {"min_ram": 512},
        memory(),
        [("replace", "/min_disk", 4), ("replace", "/min_ram", 0)],
    ),
    ("hidden", {"hidden": True}, {}, memory(), [("replace", "/os_hidden", True)]),
    ("no longer hidden", {"hidden": False}, {"hidden": True}, memory(), [("replace", "/os_hidden", False)]),
    (
        "protection, then visibility, last of all",
        {"visibility": "public", "protected": True, "name": "Ubuntu"},
        {},
        memory(),
        [("replace", "/name", "Ubuntu"), ("replace", "/protected", True), ("replace", "/visibility", "public")],
    ),
    ("a property", {"properties": {"a": "1"}}, {}, memory(), [("add", "/a", "1")]),
    (
        "a property changed outside",
        {"properties": {"a": "1"}},
        {"properties": {"a": "2"}},
        ours("a"),
        [("add", "/a", "1")],
    ),
    (
        "an empty value is a value",
        {"properties": {"a": ""}},
        {"properties": {"a": "2"}},
        ours("a"),
        [("add", "/a", "")],
    ),
    (
        "names as JSON pointers",
        {"properties": {"a/b~c~1": "1"}},
        {},
        memory(),
        [("add", "/a~1b~0c~01", "1")],
    ),
    ("only ours is removed", {}, {"properties": {"a": "1", "b": "2"}}, ours("a"), [("remove", "/a", None)]),
    ("what is gone already is not removed", {}, {}, ours("a"), []),
    ("the signature", {"signature": SIGNATURE}, {}, memory(), [("add", f"/{k}", v) for k, v in SIGNED.items()]),
    (
        "the signature, taken back",
        {},
        {"properties": SIGNED},
        ours(*SIGNED),
        [("remove", f"/{name}", None) for name in sorted(SIGNED)],
    ),
    ("a tag joins others'", {"tags": ["x"]}, {"tags": frozenset("y")}, memory(), [("replace", "/tags", ["x", "y"])]),
    (
        "a tag of ours goes, others' stay",
        {"tags": ["x"]},
        {"tags": frozenset("xyz")},
        ours(tags=("x", "y")),
        [("replace", "/tags", ["x", "z"])],
    ),
    ("the last tag of ours", {}, {"tags": frozenset("x")}, ours(tags=("x",)), [("replace", "/tags", [])]),
    ("tags of others only", {}, {"tags": frozenset("x")}, memory(), []),
    (
        "the marker, half lost",
        {},
        {"properties": {identity.OWNER: "default/old"}},
        memory(),
        [("add", f"/{identity.OWNER}", "default/jammy")],
    ),
]


@pytest.mark.parametrize(("words", "says", "shows", "before", "wanted"), PATCHES, ids=[row[0] for row in PATCHES])
def test_the_patch(
    words: str, says: dict[str, Any], shows: dict[str, Any], before: Memory, wanted: list[tuple[str, str, object]]
) -> None:
    one = served(spec=spec(**says), memory=before)
    assert list(metadata.operations(one, glance_image(**shows))) == wanted


def test_a_patch_changes_nothing_the_second_time() -> None:
    wanted = spec(properties={"a": "1"}, tags=["x"], minDiskGB=3, visibility="public", protected=True)
    image = glance_image(
        properties={"a": "1", "other": "2"}, tags=frozenset("xy"), min_disk=3, visibility="public", protected=True
    )
    assert metadata.operations(served(spec=wanted, memory=ours("a", tags=("x",))), image) == ()


@pytest.mark.parametrize(
    ("words", "visibility", "shown", "stores", "wanted"),
    [
        ("in no store asked for: not yet", "public", "private", ("dcn1",), ()),
        ("in one, and one is enough", "public", "private", ("central",), (("replace", "/visibility", "public"),)),
        ("taken back at once", "private", "public", ("dcn1",), (("replace", "/visibility", "private"),)),
        ("shown already, and a store was added", "public", "public", ("dcn1",), ()),
    ],
)
def test_who_sees_it_when(
    words: str, visibility: str, shown: str, stores: tuple[str, ...], wanted: tuple[object, ...]
) -> None:
    image = glance_image(visibility=shown, stores=stores)
    one = served(spec=EITHER.model_copy(update={"visibility": visibility}), image=image)
    assert metadata.operations(one, image) == wanted


@pytest.mark.parametrize(
    ("words", "asked", "there", "before", "wanted"),
    [
        ("not looked at", ["p2"], None, (), []),
        ("one more", ["p2", "p3"], {"p3"}, (), [AddMember("i", "p2")]),
        ("others' stay", ["p2"], {"p2", "p9"}, ("p2",), []),
        ("ours goes", [], {"p2", "p9"}, ("p2",), [RemoveMember("i", "p2")]),
        ("gone already", [], {"p9"}, ("p2",), []),
        ("first in, then out", ["p3"], {"p2"}, ("p2",), [AddMember("i", "p3"), RemoveMember("i", "p2")]),
    ],
)
def test_members(
    words: str, asked: list[str], there: set[str] | None, before: tuple[str, ...], wanted: list[Step]
) -> None:
    one = served(
        spec=spec(visibility="shared", members=[{"projectID": p} for p in asked]),
        memory=memory(applied_members=frozenset(before)),
        members=None if there is None else dict.fromkeys(there, "pending"),
    )
    assert list(metadata.member_steps(one, glance_image(id="i"))) == wanted


@pytest.mark.parametrize(
    ("policy", "settled", "corrects"),
    [("Correct", True, True), ("Correct", False, True), ("Report", True, False), ("Report", False, True)],
)
def test_drift_is_corrected_unless_it_shall_only_be_reported(policy: str, settled: bool, corrects: bool) -> None:
    one = served(spec=spec(driftPolicy=policy), settled=settled, image=glance_image(name="focal"))
    assert (metadata.correct(one) is not None) is corrects
    told = metadata.drifted(one)
    assert (told is None) is corrects
    assert told is None or ("name" in told.message and "driftPolicy" in told.message)


def test_differences_are_named_as_people_write_them() -> None:
    one = served(
        spec=spec(properties={"a/b~c": "1"}, visibility="shared", members=[{"projectID": "p2"}]),
        image=glance_image(name="x", visibility="shared"),
        members={},
    )
    assert metadata.differences(one) == ("name", "a/b~c", "members")
    assert UpdateImage("i", (("add", "/a~1b", 1), ("remove", "/c~01", None))).fields() == ("a/b", "c~1")


def test_the_spec_s_properties_never_include_the_marker() -> None:
    assert not metadata.properties(view(spec=spec(properties={"a": "1"}))).keys() & marker().keys()
