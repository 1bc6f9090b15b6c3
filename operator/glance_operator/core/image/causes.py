"""Why an attempt failed. Glance tells no cause, so the source is asked, and the GlanceStores where there are some."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from glance_operator.core.image import backends, retries, stores
from glance_operator.core.image.observed import Memory, View
from glance_operator.core.image.sizes import human
from glance_operator.core.image.sources import COMPRESSED, DISKS, HTML, Answer, Fate, format_of

_LONGEST_PAUSE = 3600.0  # seconds for which a source may put off the next attempt
_WORDS = {
    Fate.SILENT: "{source} answered {code} and then fell silent: see to its server",
    Fate.UNRESOLVED: "source host {host} does not resolve ({words}): correct the name",
    Fate.REFUSED: "{source} refuses connections at {place}: check that its server runs there",
    Fate.TIMED_OUT: "{source} does not answer at {place}: check the address, its server and the firewalls",
    Fate.UNREACHABLE: "{source} cannot be reached at {place} ({words}): check the address and the way there",
    Fate.BROKEN: "{source} does not speak HTTP at {place}: check scheme and port",
    Fate.UNTRUSTED: "TLS with source host {host} fails ({words}): renew or correct its certificate",
    Fate.CIRCLING: "{source} redirects again and again: use the address of the file itself",
    Fate.UNKNOWN: "the source did not answer the operator in time: {check}",
    Fate.FILTERED: "source redirects to {place}, which the import filter refuses, as far as the operator knows it: "
    "use an address that does not lead there, or widen the filter",
    Fate.FORBIDDEN: "the operator may not look at {host}, which is not of the public Internet (see its setting "
    "GLANCE_OPERATOR_SOURCE_NETWORKS): {check}",
}
_CODES = {
    401: "it wants credentials: use an address that needs none",
    403: "it gives the file to nobody, or not to everybody: use an address that needs no rights",
    404: "there is no such file: correct spec.source.http.url, or put the file there",
    410: "the file is there no more: correct spec.source.http.url",
    429: "it has had too many requests",
}


def tried(view: View) -> str:
    """The address that the last failed attempt took."""
    return retries.source(view, max(0, view.memory.attempts - 1))


def unexplained(view: View) -> bool:
    """Whether an attempt has failed and nobody knows why."""
    memory, image = view.memory, view.image
    return bool(memory.attempts) and not memory.cause and (image is None or image.status != "active")


def explained(view: View) -> Memory:
    """The memory with the cause of the last failed attempt, once its source has answered or will not any more."""
    memory, answer = view.memory, view.answer
    if answer is None or answer.fate is Fate.PENDING or not unexplained(view):
        return memory
    cause = f"Glance could not import {retries.shown(tried(view))}: {finding(view, answer)}"
    return replace(memory, cause=cause, next_attempt=_put_off(view, answer, memory))


def _put_off(view: View, answer: Answer, memory: Memory) -> datetime | None:
    """A source that wants a pause gets it, unless the next attempt asks another."""
    same = retries.source(view, memory.attempts) == tried(view)
    if not answer.retry_after or not same:
        return memory.next_attempt
    earliest = view.now + timedelta(seconds=min(answer.retry_after, _LONGEST_PAUSE))
    return max(memory.next_attempt or earliest, earliest)


def finding(view: View, answer: Answer) -> str:
    """What is wrong with the source, or that nothing is, and what to do."""
    if answer.fate is Fate.FILTERED and not answer.moved:
        return f"the import filter does not let the operator look at {answer.host}: {_check(view)}"
    if answer.fate in _WORDS:
        place = f"{answer.host}:{answer.port}" if answer.host else "what is no address of the web"
        parts = {"source": _source(answer), "place": place, "host": answer.host, "code": answer.code}
        return _WORDS[answer.fate].format(words=answer.words, check=_check(view), **parts)
    if not answer.serves:
        return f"{_source(answer)} answered {answer.code}: {_about_code(answer)}"
    return content_fault(view, answer) or _innocent(view, answer)


def _source(answer: Answer) -> str:
    return f"source (redirected to {answer.host}:{answer.port})" if answer.moved else "source"


def _about_code(answer: Answer) -> str:
    advice = _CODES.get(answer.code) or "the trouble is the server's own, see to it"
    if not answer.retry_after:
        return advice
    pause = min(answer.retry_after, _LONGEST_PAUSE)
    return f"{advice}; it asks for a pause of {answer.retry_after:.0f} s, and gets {pause:.0f} s"


def content_fault(view: View, answer: Answer) -> str:
    """Why what the source serves is not the image that the spec declares; empty if nothing speaks against it."""
    declared, found = view.spec.disk_format, format_of(answer.head)
    if found == HTML:
        kind = f" ({answer.content_type})" if answer.content_type else ""
        return f"{_source(answer)} answered with an HTML page{kind}, not an image: use the address of the file itself"
    if found in DISKS and found != declared and view.spec.container_format == "bare":
        return f"declared {declared}, but the first bytes are of {found}: correct spec.diskFormat, or the source"
    return ""


def _innocent(view: View, answer: Answer) -> str:
    """It serves a file. What Glance may still stumble over, from the likely to the last resort."""
    declared, found = view.spec.disk_format, format_of(answer.head)
    if answer.size == 0:
        return f"{_source(answer)} has 0 bytes: put the file there"
    if found in COMPRESSED:
        return f"declared {declared}, but the first bytes are of {found}: use an address of the file unpacked"
    if declared in DISKS and found != declared and answer.head:
        known = found or "nothing that is known, of a raw disk perhaps"
        return f"declared {declared}, but the first bytes are of {known}: correct spec.diskFormat, or the source"
    size = f" {human(answer.size)}" if answer.size is not None else ""
    return f"{_source(answer)} serves{size} when the operator asks; unless the download broke off, {_check(view)}"


def _check(view: View) -> str:
    size = view.answer.size if view.answer else None
    known = backends.words(view.backends, stores.targets(view), size)
    return f"{known}; {retries.check(view)}" if known else retries.check(view)
