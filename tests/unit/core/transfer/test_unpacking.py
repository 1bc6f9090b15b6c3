"""Every compression comes out whole, in small pieces, and what is damaged or a trap is refused."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import sys
import zlib
from collections.abc import Callable

import pytest

from glance_operator.core.transfer import unpacking
from glance_operator.core.transfer.config import Compression
from glance_operator.core.transfer.outcome import Failure
from glance_operator.core.transfer.unpacking import PIECE, Unpacker

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK: dict[Compression, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),  # as `zstd` does
}
KINDS = pytest.mark.parametrize("kind", PACK)
DATA = random.Random(1).randbytes(300_000) + bytes(12 * PIECE) + b"the end"  # noqa: S311


def unpacked(kind: Compression, packed: bytes, step: int = 65536, ratio: int = 2000) -> bytes:
    """Fed so many bytes at a time."""
    unpacker = Unpacker(kind, ratio)
    pieces = [piece for at in range(0, len(packed), step) for piece in unpacker.feed(packed[at : at + step])]
    unpacker.end()
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


@KINDS
@pytest.mark.parametrize("step", [7, 4096, 1 << 20])
def test_it_comes_out_as_it_was(kind: Compression, step: int) -> None:
    assert unpacked(kind, PACK[kind](DATA), step) == DATA


@KINDS
@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_the_end_of_a_piece_is_nothing_special(kind: Compression, size: int) -> None:
    assert unpacked(kind, PACK[kind](bytes(size))) == bytes(size)


@KINDS
@pytest.mark.parametrize("step", [3, 1 << 20])
def test_several_members_are_one_file(kind: Compression, step: int) -> None:
    packed = PACK[kind](b"one ") + PACK[kind](b"") + PACK[kind](b"two")
    assert unpacked(kind, packed, step) == b"one two"


@KINDS
def test_it_may_be_filled_up_with_zeros(kind: Compression) -> None:
    assert unpacked(kind, PACK[kind](b"data") + bytes(1024), 10) == b"data"


def test_frames_of_zst_that_are_to_be_skipped_are() -> None:
    skipped = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"1234"
    assert unpacked("zst", skipped + zstd.compress(b"data") + skipped) == b"data"


@KINDS
@pytest.mark.parametrize("cut", [1, 9])
def test_what_ends_too_early_is_refused(kind: Compression, cut: int) -> None:
    with pytest.raises(Failure, match="ends too early") as caught:
        unpacked(kind, PACK[kind](DATA)[:-cut])
    assert (caught.value.reason, caught.value.terminal) == ("DecompressionFailed", False)


@KINDS
def test_what_follows_is_refused(kind: Compression) -> None:
    with pytest.raises(Failure, match="is followed by something else") as caught:
        unpacked(kind, PACK[kind](b"data") + b"<html>an error at the end of a file</html>")
    assert caught.value.reason == "DecompressionFailed"


@KINDS
def test_what_is_damaged_is_refused(kind: Compression) -> None:
    packed = bytearray(PACK[kind](DATA))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(Failure, match=f"{kind} data .*damaged") as caught:
        unpacked(kind, bytes(packed))
    assert caught.value.reason == "DecompressionFailed"


@KINDS
def test_what_is_something_else_is_refused(kind: Compression) -> None:
    with pytest.raises(Failure, match="damaged, or something else"):
        unpacked(kind, b"<html>" * 100)


@KINDS
def test_a_trap_is_noticed(kind: Compression, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_UNSUSPECTED", 2 * PIECE)
    packed = PACK[kind](bytes(8 * PIECE))
    assert unpacked(kind, packed, ratio=8 * PIECE // len(packed) + 1) == bytes(8 * PIECE)
    with pytest.raises(Failure, match="more than 20 times as large") as caught:
        unpacked(kind, packed, ratio=20)
    assert (caught.value.reason, caught.value.terminal) == ("TooLarge", True)


def test_a_dictionary_that_would_take_too_much_memory_is_refused() -> None:
    for kind, packed in HUNGRY.items():
        with pytest.raises(Failure, match="more than 80 MiB of memory") as caught:
            unpacked(kind, packed)
        assert caught.value.terminal


def _with_dictionary(packed: bytes) -> bytes:
    """An .xz file that says that it needs 256 MiB: to make a real one would take two GiB."""
    header = bytearray(packed[12:24])
    header[4] = 32
    return packed[:12] + header[:8] + zlib.crc32(header[:8]).to_bytes(4, "little") + packed[24:]


def _with_window(log: int) -> bytes:
    """zstd makes the window no larger than the content, unless it does not know how much will come."""
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
    return compressor.compress(DATA) + compressor.flush()


HUNGRY: dict[Compression, bytes] = {"xz": _with_dictionary(lzma.compress(DATA)), "zst": _with_window(27)}
