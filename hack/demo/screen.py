"""Shows Images as they move: a live table on a terminal, a line for each change elsewhere."""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from demo.rows import Row

COLUMNS = ("Name", "Ready", "Status", "Stores", "Progress", "Size", "Message")
WIDTHS = (20, 5, 18, 6, 8, 8)  # of a line without its message
COLOURS = {"True": "green", "False": "yellow"}


class LiveTable(AbstractContextManager["LiveTable"]):
    """One table that changes in its place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, rows: Sequence[Row]) -> None:
        table = Table(box=SIMPLE_HEAD, expand=True)
        for name in COLUMNS:
            table.add_column(name, no_wrap=name != "Message")  # rich takes the room it lacks from columns that may wrap
        for row in rows:
            *cells, message = row.cells()
            table.add_row(*cells, Text(message, no_wrap=True, overflow="ellipsis"), style=COLOURS.get(row.ready))
        self._live.update(table, refresh=True)


class Lines(AbstractContextManager["Lines"]):
    """A line for each change, with the seconds since the start."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = time.monotonic()
        self._shown: dict[str, Row] = {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put away."""

    def show(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if self._shown.get(row.name) != row:
                self._shown[row.name] = row
                self._print(row)

    def _print(self, row: Row) -> None:
        *cells, message = (cell or "-" for cell in row.cells())
        columns = "  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))
        self._console.out(f"{time.monotonic() - self._begun:6.1f} s  {columns}  {message}", highlight=False)


def screen(console: Console) -> LiveTable | Lines:
    """The table on a terminal, lines elsewhere."""
    return LiveTable(console) if console.is_terminal else Lines(console)
