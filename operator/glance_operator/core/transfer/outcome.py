"""How a transfer ends: what is known of the content that is staged, or what is wrong and whether to try again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from glance_operator.api.base import Model

_LONGEST = 1000  # characters of a message: the kubelet keeps 4096 bytes of a container's last words
_MIB = 1 << 20


class Success(Model):
    """The whole content is staged, and everything that was to be proven is."""

    ok: Literal[True] = True
    source: str
    """The address that served it, without its query; a file on a volume: its path."""
    algorithm: str | None = None
    """By which the source's bytes were proven; null = nothing was there to compare them with."""
    digest: str | None = None
    """Of the source's bytes, by that algorithm, in hexadecimal."""
    md5: str
    """Of the bytes that were staged, as Glance computes it."""
    sha512: str
    """Of the bytes that were staged, as Glance computes it."""
    bytes: int
    """How many were staged."""
    source_bytes: int
    """How many the source sent: others than were staged if they were decompressed on the way."""
    length_known: bool
    """Whether a cut would have been noticed without a digest: the source told its length, or where it ends."""
    etag: str | None = None
    """Of the source, as the server gave it."""
    last_modified: str | None = None
    """Of the source, as the server gave it."""
    signed_by: str | None = None
    """Fingerprint of the primary key that signed the manifest."""


class Failed(Model):
    """Nothing is staged; Glance lets go of what had come, and the image is ``queued`` again."""

    ok: Literal[False] = False
    reason: str
    """One word in CamelCase."""
    message: str
    """What happened, and what to do about it."""
    terminal: bool = False
    """The same attempt would end in the same way: something has to be changed first."""
    retry_after: float | None = None
    """Seconds that the other side asked to be left alone for."""


Outcome = Success | Failed


class Failure(Exception):  # noqa: N818  (a state of the world, and callers read it as one)
    """Why nothing can be staged. ``elsewhere``: another address of the same file may do better."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        terminal: bool = False,
        retry_after: float | None = None,
        elsewhere: bool = True,
    ) -> None:
        super().__init__(message)
        self.reason, self.message, self.terminal = reason, message, terminal
        self.retry_after, self.elsewhere = retry_after, elsewhere

    def told(self) -> Failed:
        message = self.message if len(self.message) <= _LONGEST else self.message[: _LONGEST - 1] + "…"
        return Failed(reason=self.reason, message=message, terminal=self.terminal, retry_after=self.retry_after)


def together(failures: Sequence[tuple[str, Failure]]) -> Failure:
    """Of every address that was tried, in their order (the address as it may be shown, and what went wrong there).

    The last one's reason stands for all: it is the address that was left.
    """
    if len(failures) == 1:
        return failures[0][1]
    last = failures[-1][1]
    waits = [failure.retry_after for _, failure in failures if failure.retry_after is not None]
    return Failure(
        last.reason,
        "; ".join(f"{where}: {failure.message}" for where, failure in failures),
        terminal=all(failure.terminal for _, failure in failures),
        retry_after=min(waits, default=None),
    )


def amount(done: int, total: int | None) -> str:
    """(38797312, 536870912) -> "37 of 512 MiB"; small ones in bytes, (5, None) -> "5 bytes"."""
    large = max(done, total or 0) >= _MIB
    unit, factor = ("MiB", _MIB) if large else ("bytes", 1)
    of = f" of {total // factor}" if total is not None else ""
    return f"{done // factor}{of} {unit}"
