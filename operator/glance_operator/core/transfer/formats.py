"""Whether bytes are what they are said to be, told by the few that every format begins with."""

from __future__ import annotations

from glance_operator.core.transfer.config import Compression
from glance_operator.core.transfer.outcome import Failure

HEAD = 0x8006  # bytes from the start that are looked at: an ISO 9660 says so at 32 KiB
TAIL = 512  # bytes at the end: a VHD of fixed size says so there

_MAGIC: tuple[tuple[str, int, bytes], ...] = (
    ("qcow2", 0, b"QFI\xfb"),
    ("vmdk", 0, b"KDMV"),
    ("vmdk", 0, b"COWD"),
    ("vmdk", 0, b"# Disk DescriptorFile"),
    ("vhdx", 0, b"vhdxfile"),
    ("vhd", 0, b"conectix"),
    ("vdi", 0x40, b"\x7f\x10\xda\xbe"),
    ("ploop", 0, b"WithoutFreeSpace"),
    ("ploop", 0, b"WithouFreSpacExt"),
    ("gpt", 512, b"EFI PART"),
    ("gpt", 4096, b"EFI PART"),
    ("iso", 0x8001, b"CD001"),
)
_COMPRESSED: tuple[tuple[Compression, bytes], ...] = (
    ("gz", b"\x1f\x8b\x08"),
    ("bz2", b"BZh"),
    ("xz", b"\xfd7zXZ\x00"),
    ("zst", b"\x28\xb5\x2f\xfd"),
    ("zst", b"\x50\x2a\x4d\x18"),  # a frame to be skipped, with which pzstd begins
)
_DISKS = frozenset({"raw", "gpt"})  # whatever a disk may begin with; an ISO may be one, too
_KNOWN = frozenset(name for name, _, _ in _MAGIC)
_MARKUP = (b"<!doctype html", b"<html", b"<head", b"<body", b"<?xml")
_TEXTS = frozenset({"text/html", "text/xml", "application/xhtml+xml", "application/xml", "application/json"})


def compression(head: bytes) -> Compression | None:
    """How it is compressed, if it is."""
    return next((kind for kind, magic in _COMPRESSED if head.startswith(magic)), None)


def found(head: bytes) -> list[str]:
    """Disk formats that it may be, by Glance's names, none for what has no mark of its own."""
    return [name for name, offset, magic in _MAGIC if head.startswith(magic, offset)]


def refuse_page(head: bytes, content_type: str) -> None:
    """Raises Failure for what a web server says to people. The bytes have the last word: types are often wrong."""
    media = content_type.partition(";")[0].strip().lower()
    said = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:32].lower()
    if said.startswith(_MARKUP):
        raise Failure(
            "NotAnImage", "source answered 200 with a web page: check the address, and whether it wants a login"
        )
    if media in _TEXTS and not found(head) and not compression(head):
        raise Failure(
            "NotAnImage", f"source answered 200 with {media}: check the address, and whether it wants a login"
        )


def refuse_other(head: bytes, disk_format: str, *, compressed_allowed: bool) -> None:
    """Raises Failure if it is not of that disk format, as far as its beginning tells.

    A raw disk may begin with anything but the mark of a format that no machine boots from.
    """
    packed, marks = compression(head), found(head)
    if packed and disk_format in _DISKS | _KNOWN:
        if compressed_allowed:
            return
        raise _mismatch(f"the content is compressed ({packed}), not {disk_format}: set spec.source.decompress")
    if disk_format in _DISKS:
        other = [mark for mark in marks if mark not in {"gpt", "iso"}]
    else:
        other = [] if disk_format in marks or disk_format not in _KNOWN else (marks or ["something else"])
    if other and disk_format != "vhd":
        raise _mismatch(f"the content is {other[0]}, not {disk_format}: correct spec.diskFormat, or the address")


def refuse_other_end(head: bytes, tail: bytes, disk_format: str, *, compressed_allowed: bool) -> None:
    """The same for what only the end tells. ``tail``: the last bytes, ``TAIL`` of them if there are so many."""
    if disk_format != "vhd" or (compressed_allowed and compression(head)):
        return
    if "vhd" not in found(head) and b"conectix" not in tail[:9]:
        other = (found(head) or ["something else"])[0]
        raise _mismatch(f"the content is {other}, not vhd: correct spec.diskFormat, or the address")


def _mismatch(words: str) -> Failure:
    return Failure("FormatMismatch", words, terminal=True)
