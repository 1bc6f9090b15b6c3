"""Catalogues in JSON that name files and their digests, wherever in the document these stand.

Known: Ubuntu's simplestreams (``path``), Fedora's releases (``link``), the streams of Fedora CoreOS (``location``), and
the manifests of Debian's cloud images (``data.ref``, the digest in base64 as an annotation).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from glance_operator.core.transfer.config import LENGTHS, Algorithm, base_name
from glance_operator.core.transfer.outcome import Failure

_NAMED_BY = ("path", "link", "location")
_DEBIAN = "cloud.debian.org/digest"


class Entry(NamedTuple):
    """One digest. name: the file's base name; None = the whole manifest is about one file, which it does not name.
    algorithm: None = none that we know."""

    name: str | None
    algorithm: Algorithm | None
    digest: str


def entries(document: bytes) -> Iterator[Entry]:
    """Every file with every digest of it. Raises Failure for what is no JSON."""
    try:
        waiting: list[Any] = [json.loads(document)]
    except (ValueError, RecursionError):
        raise Failure("ManifestUnreadable", "the manifest begins like JSON and is none", elsewhere=False) from None
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from _own(one)
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _own(one: dict[str, Any]) -> Iterator[Entry]:
    for name in (base_name(one[key]) for key in _NAMED_BY if isinstance(one.get(key), str)):
        for length, algorithm in LENGTHS.items():
            digest = one.get(algorithm)
            if isinstance(digest, str) and len(digest) == length:
                yield Entry(name, algorithm, digest.lower())
    reference, digest = _within(one, "data", "ref"), _within(one, "metadata", "annotations", _DEBIAN)
    if isinstance(reference, str) and isinstance(digest, str):
        yield from _debian(base_name(reference), digest)


def _within(one: Any, *keys: str) -> Any:
    for key in keys:
        one = one.get(key) if isinstance(one, dict) else None
    return one


def _debian(name: str, said: str) -> Iterator[Entry]:
    """ "sha512:" and base64 without its padding."""
    algorithm, _, text = said.partition(":")
    try:
        digest = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).hex()
    except ValueError:  # binascii.Error is one, too
        return
    if (known := LENGTHS.get(len(digest))) == algorithm:
        yield Entry(name, known, digest)
