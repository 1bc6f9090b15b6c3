"""What several servers together have in common: they end with a block, in the opposite order of their start."""

from contextlib import ExitStack
from typing import Self


class Assembly:
    """`start` leaves in `_running` what `stop` has to end."""

    def __init__(self) -> None:
        self._running = ExitStack()

    def start(self) -> Self:
        """Start all of it, or nothing."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop everything."""
        self._running.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
