"""Digests beside the carrying: they take as long as everything else together, and need not be waited for."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Iterable
from typing import Self

_AHEAD = 16  # pieces that wait


class Hashing:
    """Digests of one stream, computed by a thread of its own, which ends with the block."""

    def __init__(self, algorithms: Iterable[str]) -> None:
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_AHEAD)
        self._thread = threading.Thread(target=self._work, name="hashing", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.digests()

    def update(self, piece: bytes) -> None:
        """Waits if the thread is far behind."""
        self._pieces.put(piece)

    def digests(self) -> dict[str, str]:
        """Algorithm -> hexadecimal digest of all that was given; nothing can be given after."""
        if self._thread.is_alive():
            self._pieces.put(None)
            self._thread.join()
        return {name: one.hexdigest() for name, one in self._hashes.items()}

    def _work(self) -> None:
        while (piece := self._pieces.get()) is not None:
            for one in self._hashes.values():
                one.update(piece)
