"""What to do about a GlanceStore. The tuples below are its whole behaviour, in the order in which the rules speak."""

from __future__ import annotations

from dataclasses import replace

from glance_operator.core.glancestore import rules
from glance_operator.core.glancestore.observed import View
from glance_operator.core.glancestore.proof import proof_of
from glance_operator.core.plan import Plan, Rule, first_of, stalled
from glance_operator.core.workload import AWAIT, hold, respect_suspension

BEFORE: tuple[Rule[View], ...] = (
    rules.let_go,
    respect_suspension,
    hold,
    rules.await_api,
    rules.refuse_twin,
    rules.await_inputs,
)
RULES: tuple[Rule[View], ...] = (
    rules.prove,
    rules.tidy,
    rules.await_service,
)


def decide(view: View) -> tuple[View, Plan]:
    """The view with its proof, and what to do next."""
    for rule in BEFORE:
        if plan := rule(view):
            return view, plan
    try:
        view = replace(view, proof=proof_of(view))
    except ValueError as error:
        return view, stalled("InputInvalid", f"What the credentials hold cannot be used: {error}", AWAIT)
    return view, first_of(RULES, view)


__all__ = ["BEFORE", "RULES", "decide"]
