"""What is seen of Jobs that carry the bytes of images, and of what they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glance_operator.core.transfer.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Transfer:
    """A Job that brings an image's bytes, as Kubernetes tells.

    over: it has ended, well or not; outcome: what it said then, None if nothing. words: why it does not run, or how it
    ended, in Kubernetes' own words. moved, total: bytes, None where it has not told. silent_for: seconds without
    progress.
    """

    name: str
    uid: str
    image_id: str
    over: bool = False
    outcome: Outcome | None = None
    words: str = ""
    moved: int | None = None
    total: int | None = None
    silent_for: float = 0.0


@dataclass(frozen=True, slots=True)
class Given:
    """A Secret, ConfigMap or claim that a source names, without what is in it.

    type: of a Secret. keys: what it holds. offered: of a claim, whether its label lets Images read it.
    """

    type: str = ""
    keys: frozenset[str] = frozenset()
    offered: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """What a Job has found of the bytes that it staged for this image: by what, if anything, the source's bytes were
    proven, and the digests that Glance must find, too. length_known: a cut would have been noticed without a digest."""

    image_id: str
    source: str = ""
    algorithm: str = ""
    digest: str = ""
    signed_by: str = ""
    sha512: str = ""
    md5: str = ""
    length_known: bool = True

    @classmethod
    def recall(cls, entry: Mapping[str, Any] | None) -> Proof | None:
        """From what ``told`` has given."""
        if entry is None:
            return None
        said = {name: entry.get(key) or "" for name, key in _PROOF.items()}
        return cls(entry["imageID"], **said, length_known=entry.get("lengthKnown", True))

    def told(self) -> dict[str, Any]:
        """For a status."""
        said = {key: value for name, key in _PROOF.items() if (value := getattr(self, name))}
        return {"imageID": self.image_id, **said, **({} if self.length_known else {"lengthKnown": False})}


_PROOF = {
    "source": "source",
    "algorithm": "algorithm",
    "digest": "digest",
    "signed_by": "signedBy",
    "sha512": "sha512",
    "md5": "md5",
}
