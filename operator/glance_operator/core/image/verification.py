"""Whether the content is what the spec demands: judged by Glance's own digest before anybody else may see the image."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from glance_operator.core.conditions import FALSE, TRUE, UNKNOWN, Condition
from glance_operator.core.image import content, digests, identity, nodes, retries, stores
from glance_operator.core.image.digests import Mismatch
from glance_operator.core.image.observed import GlanceImage, Memory, View
from glance_operator.core.plan import Plan, doing, stalled

VERIFIED = "Verified"
MISMATCH, ALTERED, NO_DIGEST = "ChecksumMismatch", "ConvertedByGlance", "NoDigest"
UNPROVEN = frozenset({ALTERED, NO_DIGEST})
_REMEMBERED = 9  # addresses that one source can have


class Verdict(Enum):
    """On content that has arrived."""

    EQUAL = "equal"
    OTHER = "other"  # these are not the bytes that were demanded
    ALTERED = "altered"  # Glance has changed the bytes, or may have: its digest is of something else
    UNKNOWN = "unknown"  # Glance keeps no digest of that kind


_REASONS = {Verdict.OTHER: MISMATCH, Verdict.ALTERED: ALTERED, Verdict.UNKNOWN: NO_DIGEST}


def verdict(view: View) -> Verdict | None:
    """None where there is nothing to judge: no digest, no content yet, or content of another spec."""
    wanted, image = digests.demanded(view.spec), view.image
    if wanted is None or image is None or not content.is_as_described(view):
        return None
    found = digests.kept(image, wanted.algorithm)
    if found == wanted.value and image.status in ("active", "deactivated"):
        return Verdict.EQUAL
    if not content.arrived(view):
        return None
    if _altered(view, image):
        return Verdict.ALTERED
    return Verdict.OTHER if found else Verdict.UNKNOWN


def _altered(view: View, image: GlanceImage) -> bool:
    """A conversion shows in the format. Decompression does not, and happens only where there is something to do."""
    unpacks = view.plugins is not None and view.plugins.decompresses
    return image.disk_format != view.spec.disk_format or unpacks


def is_rejected(view: View) -> bool:
    """The image has been imported for this digest, and holds something else: it can only be discarded."""
    marked = view.image is not None and view.image.properties.get(identity.CONTENT) == content.content_hash(view.spec)
    return marked and verdict(view) is Verdict.OTHER


def counted(view: View) -> Memory:
    """The memory with the attempt that brought other bytes, once an image: its address is not tried again."""
    memory, image, wanted = view.memory, view.image, digests.demanded(view.spec)
    if image is None or wanted is None or any(one.image_id == image.id for one in memory.mismatched):
        return memory
    address = retries.tried(view) or content.url(view)
    value = digests.kept(image, wanted.algorithm)
    found = Mismatch(retries.fingerprint(address), retries.shown(address), value, image.id)
    others = tuple(one for one in memory.mismatched if one.fingerprint != found.fingerprint)
    return replace(
        memory,
        attempt_hash=content.content_hash(view.spec),
        attempts=memory.attempts + 1,
        next_attempt=None,
        reason=MISMATCH,
        cause=f"{found.address} gave {found.value or 'something else'}, not what spec.source.checksum demands",
        mismatched=(*others, found)[-_REMEMBERED:],
    )


def refuse_what_glance_would_change(view: View) -> Plan | None:
    """A service of ours tells before anything is fetched that its digest will be of other bytes."""
    to = view.plugins.converts_to if view.plugins else ""
    if not to or digests.demanded(view.spec) is None or view.spec.disk_format in (to, "iso"):
        return None
    if view.image is not None and view.image.status == "active":
        return None
    message = (
        f"GlanceAPI {nodes.api(view)} converts images to {to} (spec.imports.conversion), so that the digest which it "
        f"keeps cannot be compared with spec.source.checksum: remove the checksum, or use a source in that format"
    )
    return stalled(ALTERED, message, after=stores.RECHECK)


def give_up(view: View) -> Plan | None:
    """Every address has brought something else. None of them is asked again for the same digest."""
    if not view.memory.mismatched or retries.left(view) or (view.image is not None and view.image.status == "active"):
        return None
    return stalled(MISMATCH, _words(view))


def leave_what_was_never_shown(view: View) -> Plan | None:
    """Content that could not be proven, and is not what the spec describes any more: nobody misses it."""
    image, memory = view.image, view.memory
    if image is None or not (memory.unproven and memory.id == image.id) or content.is_as_described(view):
        return None
    message = "spec describes other content now, and nobody has seen what could not be proven: starting again"
    return doing(content.Discard(image.id, nodes.place(view)), "Recreating", message)


def judge(view: View) -> Plan | None:
    """Content that has not proven itself goes no further."""
    image, found = view.image, verdict(view)
    if image is None or found is None or found is Verdict.EQUAL:
        return None
    if is_rejected(view):
        plan = doing(content.Discard(image.id, nodes.place(view)), MISMATCH, f"{_words(view)}. The image is discarded")
        return replace(plan, record=True)
    return stalled(_REASONS[found], _cannot_tell(view, image, found))


def _words(view: View) -> str:
    """What was expected, what came, from where, and what to do."""
    came = "; ".join(f"{one.address} gave {one.value}" for one in view.memory.mismatched)
    return (
        f"{_demand(view)}; {came}: correct the checksum or the addresses in spec.source; the annotation "
        f"glance-operator.io/retry tries the same ones again"
    )


def _demand(view: View) -> str:
    wanted = digests.demanded(view.spec)
    return f"spec.source.checksum demands {wanted.algorithm} {wanted.value}" if wanted else ""


def _cannot_tell(view: View, image: GlanceImage, found: Verdict) -> str:
    demand, keep = _demand(view), "the image stays private until somebody changes the spec"
    if found is Verdict.ALTERED:
        what = f"as {image.disk_format or 'unknown'}" if image.disk_format != view.spec.disk_format else "decompressed"
        return (
            f"{demand}, but Glance has stored the content {what} (a plugin of its imports changed it, or may have), so "
            f"that its digest is of other bytes: remove the checksum, or the plugin from the service; {keep}"
        )
    if found is Verdict.UNKNOWN:
        has = f"only {image.hash_algo}" if image.hash_algo else "none"
        other = "md5" if image.md5 else "no checksum"
        return f"{demand}, of which Glance keeps no digest ({has}): set {other} instead; {keep}"
    wanted = digests.demanded(view.spec)
    value = digests.kept(image, wanted.algorithm) if wanted else ""
    return (
        f"{demand}; the image has {value}, and no marker that says what it was made for: correct the checksum; {keep}"
    )


def unasked(doubt: str = "") -> Condition:
    """Nobody has said what the content must be; ``doubt``: what makes that worse."""
    words = f"spec.source.checksum does not say what the content must be{doubt}"
    return Condition(VERIFIED, UNKNOWN, "NoChecksum", words)


def condition(view: View) -> Condition:
    wanted, image, found = digests.demanded(view.spec), view.image, verdict(view)
    if wanted is None:
        return unasked()
    if found is Verdict.EQUAL:
        return Condition(VERIFIED, TRUE, "ChecksumMatches", f"{wanted.algorithm} by Glance")
    if image is None or found is None:
        return _without_verdict(view)
    status = FALSE if found is Verdict.OTHER else UNKNOWN
    said = _words(view) if found is Verdict.OTHER and view.memory.mismatched else _cannot_tell(view, image, found)
    return Condition(VERIFIED, status, _REASONS[found], said)


def _without_verdict(view: View) -> Condition:
    """While there is no content that could be compared."""
    if view.memory.mismatched:
        return Condition(VERIFIED, FALSE, MISMATCH, _words(view))
    if refused := refuse_what_glance_would_change(view):
        return Condition(VERIFIED, UNKNOWN, ALTERED, refused.state.message)
    if content.arrived(view):
        return Condition(VERIFIED, UNKNOWN, "ContentChanged", "The image holds the content of an earlier spec")
    return Condition(VERIFIED, UNKNOWN, "NotImported", "Compared once the content is there")
