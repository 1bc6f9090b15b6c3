"""Decompression in pieces of bounded size, whatever is in the data: a few bytes of it may stand for gigabytes."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from glance_operator.core.transfer.config import Compression
from glance_operator.core.transfer.outcome import Failure, amount

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE = 1 << 18  # bytes that come out at once, at most: a chunk of a MiB is too much for a uWSGI as it comes
_UNSUSPECTED = 1 << 30  # bytes out, from which on the ratio counts
_MEMORY = 80 << 20  # bytes that the dictionary of an archive may take: what `xz -9` needs, and a little
_WINDOW = 26  # log2 of the same for zstd; `zstd --ultra -22` and `--long` ask for more
_ERRORS = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, ValueError, EOFError)


class _Member(Protocol):
    """One member (gz), stream (bz2, xz) or frame (zst): a file may be several of them, one behind the other."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's in the manner of the others."""

    def __init__(self) -> None:
        self._inner, self._full = zlib.decompressobj(wbits=31), False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._full = len(piece) == max_length  # there may be more that it has read already
        return piece


_MEMBERS: dict[Compression, Callable[[], _Member]] = {
    "gz": _Gzip,
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY),
    "zst": lambda: zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW}),
}


class Unpacker:
    """``feed`` what comes, take what it gives, and say that it was the ``end``. Each may raise Failure."""

    def __init__(self, kind: Compression, ratio: int) -> None:
        """``ratio``: bytes that one byte may become, in the long run."""
        self._kind, self._ratio = kind, ratio
        self._member: _Member | None = None
        self._done = 0  # members that have ended
        self._taken = self._given = 0  # bytes

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of at most ``PIECE`` bytes, none of them empty. They are to be taken before the next call."""
        self._taken += len(data)
        while True:
            if not self._member:
                data = data.lstrip(b"\0") if self._done else data  # what some tools fill up with
                if not data:
                    return
                self._member = _MEMBERS[self._kind]()
            piece = self._decompress(self._member, data)
            data = b""
            if piece:
                self._count(piece)
                yield piece
            if self._member.eof:
                data, self._member = self._member.unused_data, None
                self._done += 1
            elif self._member.needs_input:
                return

    def end(self) -> None:
        """Raises Failure if there would have to be more."""
        if self._member or not self._done:
            raise self._failure("ends too early", terminal=False)

    def _decompress(self, member: _Member, data: bytes) -> bytes:
        try:
            return member.decompress(data, PIECE)
        except (*_ERRORS, MemoryError) as error:
            if "emory" in str(error):
                words = f"needs more than {_MEMORY >> 20} MiB of memory to decompress: compress it with a lower level"
                raise self._failure(words, terminal=True) from None
            if self._done:
                raise self._failure("is followed by something else", terminal=False) from None
            raise self._failure("cannot be decompressed: it is damaged, or something else", terminal=False) from None

    def _count(self, piece: bytes) -> None:
        self._given += len(piece)
        if self._given > max(_UNSUSPECTED, self._ratio * self._taken):
            words = f"the {self._kind} data becomes more than {self._ratio} times as large: it is taken for a trap"
            raise Failure("TooLarge", words, terminal=True)

    def _failure(self, words: str, *, terminal: bool) -> Failure:
        where = f"after {amount(self._taken, None)}"
        return Failure("DecompressionFailed", f"the {self._kind} data {words} ({where})", terminal=terminal)
