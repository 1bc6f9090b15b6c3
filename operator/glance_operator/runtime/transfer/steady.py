"""An even flow: who receives is never left without a byte for long, while the stream that is read may pause."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Self

_AHEAD = 16  # pieces that are read before they are wanted
_SILENCE = 1.0  # seconds: uWSGI as it comes gives up on a client that says nothing for four
_RESERVE = 4096  # bytes that are held back: a second each
_STOP = 0.2  # seconds after which the thread looks whether it is still wanted
_END = 5.0  # seconds that are waited for it


class Steady:
    """The pieces of a stream, which is read by a thread of its own; it ends with the block.

    While the stream is silent, what was held back is given byte by byte. So its last bytes come only after all of it
    has been read, without an error.
    """

    def __init__(self, stream: Iterator[bytes]) -> None:
        self._stream = stream
        self._pieces: queue.Queue[bytes | Exception | None] = queue.Queue(_AHEAD)
        self._unwanted = threading.Event()
        self._thread = threading.Thread(target=self._read, name="reading", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._unwanted.set()
        self._thread.join(_END)

    def __iter__(self) -> Iterator[bytes]:
        """Raises what the stream raises."""
        held = b""
        while (piece := self._next()) is not None:
            if not piece and len(held) > 1:
                yield held[:1]
                held = held[1:]
            elif piece and len(held) >= _RESERVE:
                yield held
                held = piece
            else:
                held += piece
        yield held

    def _next(self) -> bytes | None:
        """A piece; an empty one after a silence; None at the end."""
        try:
            piece = self._pieces.get(timeout=_SILENCE)
        except queue.Empty:
            return b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def _read(self) -> None:
        try:
            for piece in self._stream:
                if not self._given(piece):
                    return
            self._given(None)
        except Exception as error:  # the other thread is to raise it
            self._given(error)

    def _given(self, piece: bytes | Exception | None) -> bool:
        """False if nobody wants it any more."""
        while not self._unwanted.is_set():
            try:
                self._pieces.put(piece, timeout=_STOP)
            except queue.Full:
                continue
            return True
        return False
