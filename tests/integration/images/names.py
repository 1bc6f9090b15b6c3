"""What somebody sees who asks for a name without pause."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Watcher:
    """While it lasts, `count` is asked again and again; Glance's own word, and when it was said (monotonic)."""

    count: Callable[[], int]
    seen: list[tuple[float, int]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.is_set():
            self.seen.append((time.monotonic(), self.count()))

    def counts(self) -> set[int]:
        return {count for _, count in self.seen}

    def seconds_with(self, count: int) -> float:
        """How long it was so, from the first time it was seen to the first time it was seen to be over."""
        spans = zip(self.seen, self.seen[1:], strict=False)
        return sum(after - at for (at, seen), (after, _) in spans if seen == count)
