"""What a measurement hands over: figures beside their limits, and the runs behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One number that was measured; `low` and `high` are the bounds within which it passes, None = only told."""

    what: str
    value: float
    unit: str = ""
    high: float | None = None
    low: float | None = None

    @property
    def judged(self) -> bool:
        """Whether there is a limit."""
        return self.high is not None or self.low is not None

    @property
    def passed(self) -> bool:
        """Whether it is within its limits; what has none passes."""
        return (self.high is None or self.value <= self.high) and (self.low is None or self.value >= self.low)

    def measured(self) -> str:
        """The value as a person reads it."""
        return f"{self.value:.3g}{self.unit}" if abs(self.value) < 1000 else f"{self.value:,.0f}{self.unit}"

    def limit(self) -> str:
        """The limits as a person reads them."""
        if self.low is not None:
            return f"{self.low:g} to {self.high:g}{self.unit}"
        return "" if self.high is None else f"≤ {self.high:g}{self.unit}"

    def verdict(self) -> str:
        """One word."""
        return ("pass" if self.passed else "**FAIL**") if self.judged else ""


@dataclass(frozen=True)
class Table:
    """Raw runs."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """One question, its answers, what they rest on, and how it was asked."""

    title: str
    figures: Sequence[Figure]
    tables: Sequence[Table] = field(default_factory=tuple)
    notes: Sequence[str] = field(default_factory=tuple)


def seconds(value: float) -> str:
    """For tables."""
    return f"{value:.2f}"
