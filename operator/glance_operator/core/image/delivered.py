"""Content that a transfer Job has brought: whether Glance has stored the bytes that the Job has seen."""

from __future__ import annotations

from dataclasses import replace

from glance_operator.core.conditions import FALSE, TRUE, UNKNOWN, Condition
from glance_operator.core.image import content, retries, transfer
from glance_operator.core.image.carried import Proof
from glance_operator.core.image.observed import GlanceImage, Memory, View
from glance_operator.core.image.verification import ALTERED, NO_DIGEST, VERIFIED, unasked

STORED_OTHERWISE = "StoredOtherwise"
_DISPROVEN = frozenset({"ChecksumMismatch", "SignatureInvalid"})


def proof(view: View) -> Proof | None:
    """What the Job has found of the content of this image; None where none has brought it."""
    found, image = view.memory.proof, view.image
    return found if found and image and found.image_id == image.id else None


def _same(image: GlanceImage, found: Proof) -> bool | None:
    """Whether Glance has computed the same digest; None where it keeps none of that kind."""
    ours = {"sha512": found.sha512, "md5": found.md5}.get(image.hash_algo)
    return image.hash_value == ours if ours and image.hash_value else None


def _altered(view: View, image: GlanceImage) -> bool:
    """A plugin of the service's imports has changed the bytes, so that its digest is of others."""
    return image.disk_format not in ("", view.spec.disk_format)


def _is_other(view: View) -> bool:
    found, image = proof(view), view.image
    if found is None or image is None or not content.arrived(view) or _altered(view, image):
        return False
    return _same(image, found) is False


def judged(view: View) -> Memory:
    """The memory with the attempt whose bytes were not stored as they had been staged, once an image."""
    found = proof(view)
    if found is None or not _is_other(view):
        return view.memory
    cause = (
        f"Glance stored other bytes than the transfer Job had staged in image {found.image_id}: see the disks of its "
        f"staging space and stores"
    )
    memory = replace(retries.counted(view, cause, STORED_OTHERWISE), proof=None)
    return replace(memory, rejected=found.image_id, attempt_hash=content.content_hash(view.spec))


def condition(view: View) -> Condition | None:
    """None where no Job brings the content."""
    found, image = proof(view), view.image
    if found is None or image is None or not content.arrived(view):
        return _beforehand(view)
    if not found.algorithm:
        doubt = "" if found.length_known else ", nor the source how long it is: nobody would have noticed a cut"
        return unasked(doubt)
    by = f"{found.algorithm} by the transfer Job"
    by += f", of a checksum file signed by {found.signed_by}" if found.signed_by else ""
    if _altered(view, image):
        words = f"{by}; Glance has stored the content as {image.disk_format}, and its digest is of other bytes"
        return Condition(VERIFIED, UNKNOWN, ALTERED, words)
    if _same(image, found) is None:
        words = f"{by}; Glance keeps no digest of what it has stored to compare with"
        return Condition(VERIFIED, UNKNOWN, NO_DIGEST, words)
    return Condition(VERIFIED, TRUE, "ChecksumMatches", by)


def _beforehand(view: View) -> Condition | None:
    if view.memory.reason in _DISPROVEN:
        return Condition(VERIFIED, FALSE, view.memory.reason, view.memory.cause)
    if not transfer.wanted(view) or content.arrived(view):
        return None
    return Condition(VERIFIED, UNKNOWN, "NotImported", "Proven on the way")
