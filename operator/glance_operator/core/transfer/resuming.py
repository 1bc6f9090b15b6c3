"""Going on with a download that was cut: only with the same file, and only so often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TRIES = 5  # in a row, without much between them
_MUCH = 64 << 20  # bytes
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class Offer:
    """What the server said of the file when it began to send it.

    total: bytes, if it said so.  framed: sent in chunks, the last of which is marked.
    """

    total: int | None = None
    etag: str | None = None
    modified: str | None = None
    framed: bool = False

    @property
    def ends_visibly(self) -> bool:
        """Whether a cut can be told from the end."""
        return self.total is not None or self.framed

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Offer:
        """``headers``: of an answer with the whole file, whatever the case of their names."""
        length, framed = headers.get("Content-Length", ""), "Transfer-Encoding" in headers
        total = int(length) if length.isdecimal() and not framed else None
        return cls(total, headers.get("ETag"), headers.get("Last-Modified"), framed)

    def request(self, position: int) -> dict[str, str]:
        """Headers that ask for the rest from there on; none if nothing would tell that it is of the same file.

        A weak ETag may not be sent as a condition (RFC 9110); it is compared when the answer is there.
        """
        if not (self.etag or self.modified):
            return {}
        strong = None if not self.etag or self.etag.startswith("W/") else self.etag
        condition = strong or self.modified
        return {"Range": f"bytes={position}-"} | ({"If-Range": condition} if condition else {})

    def continued_by(self, status: int, headers: Mapping[str, str], position: int) -> bool:
        """Whether the answer is the rest of this file."""
        part = _RANGE.fullmatch(headers.get("Content-Range", ""))
        if status != 206 or not part or int(part[1]) != position:
            return False
        if (part[3] != "*" and self.total not in {None, int(part[3])}) or self._changed(headers):
            return False
        return self.total is None or int(part[2]) == self.total - 1

    def _changed(self, headers: Mapping[str, str]) -> bool:
        pairs = (self.etag, headers.get("ETag")), (self.modified, headers.get("Last-Modified"))
        return any(before and now and before != now for before, now in pairs)


class Patience:
    """How often a cut is forgiven: five times, counted anew after 64 MiB."""

    def __init__(self) -> None:
        self._left, self._position = _TRIES, 0

    def pause(self, position: int) -> float | None:
        """Seconds to wait before the download goes on at this byte; None = it is given up."""
        if position - self._position >= _MUCH:
            self._left = _TRIES
        self._position = position
        self._left -= 1
        return None if self._left < 0 else 0.5 * 2.0 ** (_TRIES - 1 - self._left)
