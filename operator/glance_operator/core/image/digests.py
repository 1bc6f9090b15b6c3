"""Digests: which one the spec demands of the source's bytes, and which ones Glance keeps of what it has stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glance_operator.api.image import ImageSpec
from glance_operator.core.image.methods import demands_transfer

if TYPE_CHECKING:
    from glance_operator.core.image.observed import GlanceImage

KEPT = ("sha512", "md5")  # what Glance computes of whatever it stores, as long as it is not configured otherwise


@dataclass(frozen=True, slots=True)
class Digest:
    """``value``: in hexadecimal, lower case."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An address whose content had another digest than the one demanded; ``image_id``: of the image that had it.

    ``address``: as it may be shown; ``fingerprint`` tells apart those that look alike then.
    """

    fingerprint: str
    address: str
    value: str
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class Plugins:
    """What a service of ours does to the bytes of imports: the format made of all images, and whether it unpacks."""

    converts_to: str = ""
    decompresses: bool = False


def demanded(spec: ImageSpec) -> Digest | None:
    """The digest that Glance's own can be compared with; None if there is none, or only one of another kind, or a Job
    proves the bytes on the way."""
    checksum = spec.source.checksum if spec.source else None
    if checksum is None or demands_transfer(spec):
        return None
    found = ((name, getattr(checksum, name)) for name in KEPT)
    return next((Digest(name, value.lower()) for name, value in found if value), None)


def kept(image: GlanceImage, algorithm: str) -> str:
    """What Glance has found of the stored bytes; empty if it has no digest of that kind."""
    return {image.hash_algo: image.hash_value, "md5": image.md5}.get(algorithm, "").lower()
