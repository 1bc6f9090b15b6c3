"""A published checksum file, as people and distributions write it: which digest belongs to which file.

Text: lines of GNU's ``sha256sum`` and its kin, lines as BSD and OpenSSL write them, a file with nothing but one digest.
JSON: the catalogues that are read in ``catalogue``. A name is compared whole, without its directories.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from glance_operator.core.transfer import catalogue
from glance_operator.core.transfer.catalogue import Entry
from glance_operator.core.transfer.config import LENGTHS, Algorithm
from glance_operator.core.transfer.outcome import Failure

LARGEST_TEXT, LARGEST = 1 << 20, 1 << 23  # bytes of a list of digests, and of a catalogue
PREFERRED: tuple[Algorithm, ...] = ("sha512", "sha256", "sha1", "md5")

_BSD = re.compile(r"(\\?)(MD5|SHA-?(?:1|224|256|384|512)) ?\((.+)\) ?= ?([0-9a-f]+)", re.IGNORECASE)
_GNU = re.compile(r"(\\?)([0-9a-f]{16,})[ \t]+\*?(.+)", re.IGNORECASE)
_BARE = re.compile(r"[0-9a-f]+", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"n": "\n", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file's digest must be, in hexadecimal, small letters."""

    algorithm: Algorithm
    digest: str


def expected(manifest: bytes, name: str, algorithm: str | None = None) -> Expected:
    """The digest of that file: by the strongest algorithm, or by the one that is asked for.

    Raises Failure: ManifestUnreadable for what is no list of digests, NotInManifest if the file is not in it, or if
    it is there twice and the two disagree.
    """
    entries = list(_entries(manifest))
    if not entries:
        raise _unreadable("the manifest holds no checksum that can be read")
    own = [entry for entry in entries if entry.name in {name, None}]
    if not own:
        known = f"the manifest lists {len(entries)} checksum(s), but none of {name}"
        raise _unlisted(f"{known}: check its address, and the name of the file")
    return _agreed(own, name, algorithm)


def _agreed(own: list[Entry], name: str, algorithm: str | None) -> Expected:
    digests = {kind: {entry.digest for entry in own if entry.algorithm == kind} for kind in PREFERRED}
    usable = [kind for kind in PREFERRED if digests[kind] and algorithm in {kind, None}]
    if not usable:
        raise _unlisted(
            f"the manifest's digest of {name} ({_kinds(own)}) is none of {algorithm or ', '.join(PREFERRED)}"
        )
    if len(found := digests[usable[0]]) > 1:
        raise _unlisted(
            f"the manifest gives {len(found)} different {usable[0]} digests for {name}: which one is right?"
        )
    return Expected(usable[0], found.pop())


def _kinds(entries: Iterable[Entry]) -> str:
    return ", ".join(sorted({entry.algorithm or f"{len(entry.digest)} hexadecimal digits" for entry in entries}))


def _unlisted(words: str) -> Failure:
    return Failure("NotInManifest", words, elsewhere=False)


def _unreadable(words: str) -> Failure:
    return Failure("ManifestUnreadable", words, elsewhere=False)


def _entries(manifest: bytes) -> Iterable[Entry]:
    if manifest.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        return catalogue.entries(manifest)
    if len(manifest) > LARGEST_TEXT:
        raise _unreadable("the manifest has more than 1 MiB: is it the right address?")
    return _of_text(manifest.decode("utf-8-sig", errors="replace"))


def _of_text(text: str) -> Iterator[Entry]:
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if line and not line.startswith("#")]
    if len(lines) == 1 and _BARE.fullmatch(lines[0]) and len(lines[0]) in LENGTHS:
        yield _entry(None, lines[0])
    for line in lines:
        if bsd := _BSD.fullmatch(line):
            yield _entry(_name(bsd[3], escaped=bool(bsd[1])), bsd[4], bsd[2].lower().replace("-", ""))
        elif gnu := _GNU.fullmatch(line):
            yield _entry(_name(gnu[3], escaped=bool(gnu[1])), gnu[2])


def _entry(name: str | None, digest: str, said: str | None = None) -> Entry:
    """``said``: the algorithm that the line names; it counts only if the digest has its length."""
    algorithm = LENGTHS.get(len(digest))
    return Entry(name, algorithm if said in {algorithm, None} else None, digest.lower())


def _name(text: str, *, escaped: bool) -> str:
    """Without directories. GNU marks a line with a backslash whose name has line breaks or backslashes written out."""
    if escaped:
        text = _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), text)
    return text.rpartition("/")[2]
