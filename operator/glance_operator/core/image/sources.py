"""What a source answers when it is asked for a few bytes, and what these bytes are of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fate(Enum):
    """How the question has ended."""

    PENDING = "pending"  # not yet
    UNKNOWN = "unknown"  # it has not ended in time
    ANSWERED = "answered"  # with an HTTP code
    SILENT = "silent"  # it answered, and sent nothing of the content
    UNRESOLVED = "unresolved"  # the host has no address
    REFUSED = "refused"  # the connection
    TIMED_OUT = "timed out"
    UNREACHABLE = "unreachable"
    BROKEN = "broken"  # what came, if anything, was no HTTP
    UNTRUSTED = "untrusted"  # TLS failed
    CIRCLING = "circling"  # redirected too often
    FILTERED = "filtered"  # Glance's own filter does not let it through, so nobody was asked
    FORBIDDEN = "forbidden"  # the operator may not look there, so nobody was asked


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking a source.

    host, port: who was asked last; moved: by a redirect. code: of HTTP, 0 without one. content_type: without its
    parameters. head: the first bytes of the content, as far as they came. size, virtual_size: bytes, None where it does
    not tell. retry_after: seconds for which it wants to be left alone. words: of the library, where the fate alone
    says too little.
    """

    fate: Fate = Fate.PENDING
    host: str = ""
    port: int = 0
    moved: bool = False
    code: int = 0
    content_type: str = ""
    head: bytes = b""
    size: int | None = None
    virtual_size: int | None = None
    retry_after: float = 0.0
    words: str = ""

    @property
    def serves(self) -> bool:
        """It offers a file."""
        return self.fate is Fate.ANSWERED and self.code in (200, 206)


HTML = "HTML"
DISKS = frozenset({"qcow2", "vmdk", "vhdx", "vhd", "vdi", "ploop"})  # what can be told by its first bytes
COMPRESSED = frozenset({"gzip", "xz", "bzip2", "zstd", "zip"})
_SIGNS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"QFI\xfb", "qcow2"),
    (0, b"KDMV", "vmdk"),
    (0, b"COWD", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (0, b"vhdxfile", "vhdx"),
    (0, b"conectix", "vhd"),
    (64, b"\x7f\x10\xda\xbe", "vdi"),
    (0, b"WithoutFreeSpace", "ploop"),
    (0, b"WithouFreSpacExt", "ploop"),
    (0, b"\x1f\x8b\x08", "gzip"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"BZh", "bzip2"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"PK\x03\x04", "zip"),
    (510, b"\x55\xaa", "raw"),  # a disk's boot record; last, as it is the weakest sign
)


def format_of(head: bytes) -> str:
    """What content begins like this: a disk format in Glance's words, a compression, HTML; empty: nobody can tell."""
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return HTML
    return next((name for at, sign, name in _SIGNS if head[at : at + len(sign)] == sign), "")
