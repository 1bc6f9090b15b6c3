"""Whoever receives always hears something; whoever reads is never waited for longer than it must be."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from tests.support import eventually

from glance_operator.runtime.transfer import steady
from glance_operator.runtime.transfer.steady import Steady

PIECES = [bytes([number]) * 10_000 for number in range(100)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "_SILENCE", 0.02)


class Stream:
    """Two pieces, a silence until it is told to go on, and one more or an error."""

    def __init__(self, last: bytes | Exception) -> None:
        self.last, self.go_on = last, threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield b"a" * 5000
        yield b"b" * 5000
        self.go_on.wait(20)
        if isinstance(self.last, Exception):
            raise self.last
        yield self.last


def test_all_of_it_comes_in_its_order() -> None:
    with Steady(iter(PIECES)) as flow:
        assert b"".join(flow) == b"".join(PIECES)


def test_small_pieces_and_one_alone() -> None:
    for pieces in ([b"x"], [b"x"] * 10_000, [b"x" * 5000]):
        with Steady(iter(pieces)) as flow:
            assert b"".join(flow) == b"".join(pieces)


def test_a_silence_is_filled_byte_by_byte() -> None:
    stream = Stream(b"c" * 10)
    with Steady(iter(stream)) as flow:
        pieces = iter(flow)
        assert next(pieces) == b"a" * 5000
        assert [next(pieces) for _ in range(5)] == [b"b"] * 5
        stream.go_on.set()
        assert b"".join(pieces).endswith(b"b" + b"c" * 10)


def test_the_last_bytes_come_only_after_the_end() -> None:
    """Else what is followed by an error would look whole for a moment."""
    stream = Stream(ValueError("wrong digest"))
    got = b""
    with Steady(iter(stream)) as flow:
        pieces = iter(flow)
        got += next(pieces) + next(pieces)
        stream.go_on.set()
        with pytest.raises(ValueError, match="wrong digest"):  # noqa: PT012
            for piece in pieces:
                got += piece
    assert len(got) < 10_000


def test_what_nobody_wants_is_not_read() -> None:
    read: list[bytes] = []

    def endless() -> Iterator[bytes]:
        while True:
            read.append(b"x" * 5000)
            yield read[-1]

    before = threading.active_count()
    with Steady(endless()) as flow:
        next(iter(flow))
    assert threading.active_count() == before
    assert len(read) < 50


def test_a_stream_that_hangs_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "_END", 0.1)
    stream, began, before = Stream(b""), time.monotonic(), threading.active_count()
    with Steady(iter(stream)) as flow:
        next(iter(flow))
    assert time.monotonic() - began < 5
    stream.go_on.set()
    eventually(lambda: threading.active_count() == before, 5)
