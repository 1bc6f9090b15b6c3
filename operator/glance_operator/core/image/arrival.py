"""What has newly arrived is compared with what its source says, before anybody else may see the image.

Glance takes what it gets: a download that breaks off without a Content-Length, an empty one and, declared as raw, any
content at all become active.
"""

from __future__ import annotations

from dataclasses import replace

from glance_operator.core.image import causes, content, identity, methods, nodes
from glance_operator.core.image.content import Discard
from glance_operator.core.image.observed import GlanceImage, View
from glance_operator.core.image.sizes import human
from glance_operator.core.image.sources import COMPRESSED, Answer, Fate, format_of
from glance_operator.core.plan import Plan, doing, waiting

_LOOK = 0.3  # seconds between two looks for the source's answer


def unproven(view: View) -> bool:
    """Whether the content has just arrived. What was served before is left alone, also where only the image itself
    tells of that: its source may well have something else by now."""
    image, memory = view.image, view.memory
    if image is None or image.status != "active" or content.running(view):
        return False
    kept = any(one.id == image.id for one in memory.previous)
    before = kept or (memory.was_ready and not identity.rolling(view)) or accepted(view)
    return not before and not rejected(view) and _fetched(view, image)


def accepted(view: View) -> bool:
    """The content had arrived at an earlier look. While data is copied, or the image is deactivated, it is not
    ``imported`` for a while; where it came from stays written."""
    image, memory = view.image, view.memory
    return image is not None and memory.id == image.id and (memory.imported or bool(memory.source))


def _fetched(view: View, image: GlanceImage) -> bool:
    """From the source that the spec names, by this object, and shown to nobody yet."""
    ours = identity.ownership(view, image) is identity.Ownership.OURS
    same = image.properties.get(identity.CONTENT) == content.content_hash(view.spec)
    ours = ours and not identity.adopts(view) and not methods.needs_transfer(view.spec, view.service)
    return ours and same and image.visibility == "private" and not image.protected


def awaited(view: View) -> bool:
    """Its source has been asked, and has not answered yet."""
    return unproven(view) and view.answer is not None and view.answer.fate is Fate.PENDING


def doubtful(view: View) -> bool:
    """The content does not count as arrived: it was refused, or nobody knows yet."""
    return awaited(view) or rejected(view)


def rejected(view: View) -> bool:
    image = view.image
    return image is not None and image.status == "active" and view.memory.rejected == image.id


def verdict(view: View) -> tuple[str, str] | None:
    """Reason and words, if what has arrived is not what its source has; None also where nobody can tell."""
    image, answer = view.image, view.answer or Answer(Fate.UNKNOWN)
    if image is None or not unproven(view):
        return None
    if image.size == 0:
        return "SourceEmpty", _empty(answer)
    if not answer.serves or image.disk_format != view.spec.disk_format:
        return None  # what was converted on the way is compared with nothing
    if fault := causes.content_fault(view, answer):
        return "SourceFormatMismatch", fault
    if answer.size is None or image.size is None or image.size >= answer.size or format_of(answer.head) in COMPRESSED:
        return None  # what was packed may have become smaller on the way
    return "SourceTruncated", _short(answer.size, image.size)


def _empty(answer: Answer) -> str:
    if answer.serves and answer.size:
        return _short(answer.size, 0)
    return "source has 0 bytes: put the file there" if answer.size == 0 else "Glance got 0 bytes of the source"


def _short(wanted: int, got: int) -> str:
    close = wanted - got < wanted / 100  # for people they are the same
    told = (f"{wanted} B", f"{got} B") if close else (human(wanted), human(got))
    return f"source says {told[0]}, Glance got {told[1]}: see whether its server breaks off"


def await_source(view: View) -> Plan | None:
    if not awaited(view):
        return None
    return waiting("Verifying", "Asking the source what the image must be", after=_LOOK, passing=True)


def discard_rejected(view: View) -> Plan | None:
    """It has been counted as a failed attempt."""
    image, memory = view.image, view.memory
    if image is None or not rejected(view):
        return None
    why = memory.cause or "Its content was refused"
    message = f"{why}. The image is deleted in Glance, and made again under another id"
    return replace(doing(Discard(image.id, nodes.place(view)), memory.reason or "Recreating", message), record=True)
