"""Whose image it is, and which id and content it has."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core.builders import EXPECTED_ID, UID, URL, glance_image, spec, view

from glance_operator.core.image import identity
from glance_operator.core.image.content import content_hash
from glance_operator.core.image.identity import CLUSTER, OWNER, Ownership
from glance_operator.core.image.observed import GlanceImage, Memory

FIXED = "0b1c2d3e-0000-4000-8000-000000000001"
OTHER = "https://mirror.example.org/jammy.img"
DIGEST = {"sha256": "a" * 64}


@given(st.uuids(), st.integers(1, 10_000))
def test_an_id_is_the_same_however_often_it_is_asked_for(uid: UUID, incarnation: int) -> None:
    one = identity.image_id(str(uid), incarnation)
    assert one == str(uuid5(uid, str(incarnation)))
    assert one not in (identity.image_id(str(uid), incarnation + 1), str(uid))


@pytest.mark.parametrize(
    ("incarnation", "fixed", "wanted"),
    [
        (1, None, "458719f6-5df8-5d5e-8f1d-6ac40b0dfd12"),
        (1, FIXED, FIXED),
        (2, FIXED, "b078dbef-0963-5c67-86c7-a2df285a027c"),
    ],
)
def test_a_fixed_id_is_for_the_first_image_only(incarnation: int, fixed: str | None, wanted: str) -> None:
    one = view(spec=spec(**({"id": fixed} if fixed else {})), memory=Memory(incarnation=incarnation))
    assert identity.expected_id(one) == wanted


MINE = {CLUSTER: "here", OWNER: "default/jammy", identity.UID: UID}
STRANGER = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    ("words", "properties", "wanted"),
    [
        ("no marker", {"os_distro": "ubuntu"}, Ownership.NOBODY),
        ("half a marker", {CLUSTER: "here", OWNER: "default/jammy"}, Ownership.NOBODY),
        ("ours", MINE, Ownership.OURS),
        ("ours, renamed since", MINE | {OWNER: "default/old"}, Ownership.OURS),
        ("same uid, another cluster", MINE | {CLUSTER: "there"}, Ownership.ELSEWHERE),
        ("same uid, no cluster", {identity.UID: UID, OWNER: "default/jammy"}, Ownership.ELSEWHERE),
        ("same name, another uid", MINE | {identity.UID: STRANGER}, Ownership.RESTORED),
        ("another name and uid", MINE | {identity.UID: STRANGER, OWNER: "default/noble"}, Ownership.ELSEWHERE),
        (
            "same name and another uid in another cluster",
            MINE | {identity.UID: STRANGER, CLUSTER: "there"},
            Ownership.ELSEWHERE,
        ),
    ],
)
def test_whose_image_it_is(words: str, properties: dict[str, str], wanted: Ownership) -> None:
    one = view(spec=spec(id=EXPECTED_ID))
    assert identity.ownership(one, GlanceImage(EXPECTED_ID, properties=properties)) is wanted


def test_an_id_made_from_our_uid_is_ours_without_a_marker() -> None:
    assert identity.ownership(view(), GlanceImage(EXPECTED_ID)) is Ownership.OURS


def test_what_we_make_is_ours() -> None:
    assert identity.ownership(view(), glance_image()) is Ownership.OURS


def http(url: str = URL, checksum: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"http": {"url": url, **more}} | ({"checksum": checksum} if checksum else {})


@pytest.mark.parametrize(
    ("words", "one", "other", "same"),
    [
        ("the same", {}, {}, True),
        ("other metadata", {}, {"name": "noble", "tags": ["x"], "properties": {"a": "b"}}, True),
        ("other stores", {}, {"stores": {"names": ["dcn0"]}}, True),
        ("another URL", {}, {"source": http(OTHER)}, False),
        ("a mirror more", {}, {"source": http(mirrors=[OTHER])}, True),
        ("another disk format", {}, {"diskFormat": "raw"}, False),
        ("another container format", {}, {"containerFormat": "docker"}, False),
        ("a digest, another URL", {"source": http(URL, DIGEST)}, {"source": http(OTHER, DIGEST)}, True),
        (
            "a digest in capitals",
            {"source": http(URL, {"sha512": "ab" * 64})},
            {"source": http(URL, {"sha512": "AB" * 64})},
            True,
        ),
        ("another digest", {"source": http(URL, DIGEST)}, {"source": http(URL, {"sha256": "b" * 64})}, False),
        (
            "the digest is in a manifest: another URL",
            {"source": http(URL, {"manifest": {"url": OTHER}})},
            {"source": http(OTHER, {"manifest": {"url": OTHER}})},
            False,
        ),
        (
            "sources without a URL",
            {"source": {"upload": {}}},
            {"source": {"pvc": {"claimName": "a", "path": "b"}}},
            False,
        ),
    ],
)
def test_what_counts_as_other_content(words: str, one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert (content_hash(spec(**one)) == content_hash(spec(**other))) is same


def test_a_content_hash_fits_into_a_property() -> None:
    assert len(content_hash(spec(source=http("https://x.example.org/" + "a" * 2000)))) == 16


RAW = {
    "id": "i1",
    "name": "n",
    "status": "active",
    "visibility": "public",
    "owner": "p1",
    "os_hidden": True,
    "protected": True,
    "min_disk": 1,
    "min_ram": 2,
    "disk_format": "qcow2",
    "container_format": "bare",
    "size": 3,
    "virtual_size": 4,
    "os_hash_algo": "sha512",
    "os_hash_value": "ab",
    "checksum": "md5",
    "stores": "central,dcn0",
    "os_glance_importing_to_stores": "dcn1",
    "os_glance_failed_import": "",
    "os_glance_import_task": "t1",
    "os_distro": "ubuntu",
    "hw_disk_bus": "scsi",
    "tags": ["a"],
    "self": "/v2/images/i1",
    "file": "/v2/images/i1/file",
    "schema": "/v2/schemas/image",
    "created_at": "x",
    "updated_at": "y",
}


def test_an_image_is_read_as_glance_shows_it() -> None:
    assert GlanceImage.parse(RAW) == GlanceImage(
        id="i1", name="n", status="active", visibility="public", owner="p1", hidden=True, protected=True, min_disk=1,
        min_ram=2, disk_format="qcow2", container_format="bare", size=3, virtual_size=4, hash_algo="sha512",
        hash_value="ab", md5="md5", stores=("central", "dcn0"), importing=("dcn1",), lock="t1", tags=frozenset({"a"}),
        properties={"os_distro": "ubuntu", "hw_disk_bus": "scsi"},
    )  # fmt: skip


def test_an_image_of_which_glance_shows_little() -> None:
    bare: dict[str, Any] = {
        "id": "i1",
        "name": None,
        "status": "queued",
        "size": None,
        "tags": [],
        "min_disk": None,
        "stores": None,
    }
    assert GlanceImage.parse(bare) == GlanceImage("i1")
