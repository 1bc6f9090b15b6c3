"""The vocabulary in which every kind decides: what to do next, and what to say meanwhile.

A *rule* looks at one frozen view of the world and either answers with a :class:`Plan` or passes. A kind's behaviour is
one tuple of rules, read from top to bottom: the first that answers wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar


class Phase(Enum):
    """What the three standard conditions say together, as kstatus reads them."""

    READY = "Ready"  # Ready=True
    WORKING = "Working"  # Ready=False, Reconciling=True: something is under way or awaited
    STALLED = "Stalled"  # Ready=False, Stalled=True: nothing will change until somebody changes something
    PAUSED = "Paused"  # suspended: Ready stays as it was, nothing is reconciled


@dataclass(frozen=True, slots=True)
class State:
    """What is told to the reader: a reason (one CamelCase word) and a sentence that says what to do."""

    phase: Phase
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One mutating call on the outside world. Every kind derives its own steps from this."""


@dataclass(frozen=True, slots=True)
class Note(Step):
    """Nothing to call: what the status says of it, written before, is the whole step."""


@dataclass(frozen=True, slots=True)
class AddFinalizer(Step):
    """Hold the object until what we are about to make elsewhere has been cleaned up."""


@dataclass(frozen=True, slots=True)
class LetGo(Step):
    """Release the deleted object: nothing of ours is left, or it is meant to stay."""

    left_behind: str = ""  # why something may remain in Glance; empty when nothing does


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer of one rule.

    ``after``: seconds until the next look if nothing happens before; ``None`` leaves it to the resync period.
    ``slot``: the step begins work that counts against the number of imports in flight on that cloud.
    ``early``: the step only prepares such work: those first in line may take it before they have a slot.
    ``passing``: the state is expected to be over in a moment, so it need not be written if it is.
    ``record``: the status is written before the step is taken: the step destroys what it was learnt from.
    ``backoff``: look again after a delay that grows with each time in a row, instead of ``after``.
    """

    state: State
    step: Step | None = None
    after: float | None = None
    slot: bool = False
    early: bool = False
    passing: bool = False
    record: bool = False
    backoff: bool = False


View = TypeVar("View")
Rule = Callable[[View], Plan | None]


def first_of(rules: Iterable[Rule[View]], view: View) -> Plan:
    """The first answer. The last rule of every tuple answers always; a tuple without such a rule is a bug.

    Raises:
        LookupError: no rule answered.
    """
    for rule in rules:
        if (plan := rule(view)) is not None:
            return plan
    raise LookupError("no rule answered: the last rule of a tuple must always answer")


def waiting(reason: str, message: str, after: float | None = None, *, passing: bool = False) -> Plan:
    """Nothing to do but to look again."""
    return Plan(State(Phase.WORKING, reason, message), after=after, passing=passing)


def doing(step: Step, reason: str, message: str, *, after: float | None = 0, slot: bool = False) -> Plan:
    """Take one step, then look again after so many seconds; None leaves it to the kind's pace."""
    return Plan(State(Phase.WORKING, reason, message), step=step, after=after, slot=slot, passing=True)


def stalled(reason: str, message: str, after: float | None = None) -> Plan:
    """Nothing will change until somebody changes something; ``after`` only notices that somebody did."""
    return Plan(State(Phase.STALLED, reason, message), after=after)
