"""What the first bytes tell, and what they do not."""

from __future__ import annotations

import bz2
import gzip
import lzma

import pytest

from glance_operator.core.transfer import formats
from glance_operator.core.transfer.outcome import Failure
from sandbox_kit import images


def at(offset: int, magic: bytes, before: bytes = b"\0") -> bytes:
    return (before * offset)[:offset] + magic + bytes(600)


HEADS = {
    "qcow2": images.qcow2(1 << 16),
    "vmdk": at(0, b"KDMV"),
    "vhdx": at(0, b"vhdxfile"),
    "vhd": at(0, b"conectix"),
    "vdi": at(0x40, b"\x7f\x10\xda\xbe", b"<<< Oracle VM VirtualBox Disk Image >>>\n"),
    "iso": at(0x8001, b"CD001"),
    "ploop": at(0, b"WithoutFreeSpace"),
    "gpt": at(512, b"EFI PART"),
}
BOOTABLE = {"iso", "gpt"}  # a raw disk may be one of these


@pytest.mark.parametrize("real", HEADS)
@pytest.mark.parametrize("declared", [*HEADS, "raw"])
def test_each_format_is_told_from_every_other(real: str, declared: str) -> None:
    right = real == declared or (declared in {"raw", "gpt"} and real in BOOTABLE)
    assert (refused(HEADS[real], declared) is None) == right


def refused(content: bytes, declared: str, *, compressed_allowed: bool = False) -> Failure | None:
    head = content[: formats.HEAD]
    try:
        formats.refuse_other(head, declared, compressed_allowed=compressed_allowed)
        formats.refuse_other_end(head, content[-formats.TAIL :], declared, compressed_allowed=compressed_allowed)
    except Failure as failure:
        return failure
    return None


def test_a_raw_disk_may_begin_with_anything() -> None:
    for content in (images.raw(1 << 16), bytes(1 << 16), b"\x00", b"LUKS\xba\xbe" + bytes(600)):
        assert refused(content, "raw") is None


def test_kernels_and_what_is_not_known_are_left_alone() -> None:
    packed = gzip.compress(b"kernel")
    assert [refused(packed, kind) for kind in ("aki", "ari", "ami", "something-new")] == [None] * 4


def test_a_vhd_of_fixed_size_says_so_at_its_end() -> None:
    disk = images.raw(1 << 16)
    assert refused(disk + b"conectix".ljust(512, b"\0"), "vhd") is None
    assert refused(disk + b"conectix".ljust(511, b"\0"), "vhd") is None  # as old programs wrote it
    wrong = refused(disk, "vhd")
    assert wrong is not None
    assert "not vhd" in wrong.message


PACKED = {
    "gz": gzip.compress(b"x" * 99),
    "bz2": bz2.compress(b"x" * 99),
    "xz": lzma.compress(b"x" * 99),
    "zst": b"\x28\xb5\x2f\xfd\x00",
}


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("declared", ["raw", "qcow2", "vhd"])
def test_compressed_content_is_no_disk_unless_the_service_decompresses(kind: str, declared: str) -> None:
    assert formats.compression(PACKED[kind]) == kind
    wrong = refused(PACKED[kind], declared)
    assert wrong is not None
    assert (wrong.reason, wrong.terminal) == ("FormatMismatch", True)
    assert f"compressed ({kind})" in wrong.message
    assert "spec.source.decompress" in wrong.message
    assert refused(PACKED[kind], declared, compressed_allowed=True) is None


def test_the_words_say_what_it_is() -> None:
    wrong = refused(HEADS["qcow2"], "raw")
    assert wrong is not None
    assert "the content is qcow2, not raw: correct spec.diskFormat" in wrong.message
    other = refused(images.raw(1 << 16), "qcow2")
    assert other is not None
    assert "the content is something else, not qcow2" in other.message


PAGES = [
    (b"\xef\xbb\xbf\n <!DOCTYPE html><html>", ""),
    (b"<HTML><head>", "application/octet-stream"),
    (b"<?xml version='1.0'?><Error>", ""),
    (b"Please log in", "text/html; charset=utf-8"),
    (b'{"error": "expired"}', "application/json"),
]


@pytest.mark.parametrize(("head", "media"), PAGES)
def test_pages_are_no_images(head: bytes, media: str) -> None:
    with pytest.raises(Failure, match="source answered 200 with") as caught:
        formats.refuse_page(head, media)
    assert (caught.value.reason, caught.value.terminal) == ("NotAnImage", False)


def test_the_bytes_win_over_a_wrong_type() -> None:
    for head in (HEADS["qcow2"], PACKED["xz"]):
        formats.refuse_page(head, "text/html")
    formats.refuse_page(images.raw(4096), "text/plain")
    formats.refuse_page(images.raw(4096), "")
