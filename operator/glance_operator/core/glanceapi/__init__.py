"""What to do about a GlanceAPI. The tuples below are its whole behaviour, in the order in which the rules speak."""

from __future__ import annotations

from glance_operator.core.glanceapi import caching, drawing, rules
from glance_operator.core.glanceapi.drawing import Drawing
from glance_operator.core.glanceapi.observed import View
from glance_operator.core.plan import Phase, Plan, Rule, State, first_of
from glance_operator.core.workload import hold, respect_suspension

BEFORE: tuple[Rule[View], ...] = (
    rules.let_go,
    respect_suspension,
    hold,
    caching.tend,
    rules.name_the_image,
    rules.await_inputs,
    rules.await_stores,
    rules.await_default,
)
RULES: tuple[Rule[Drawing], ...] = (
    rules.configure,
    rules.equip,
    rules.prove,
    rules.migrate,
    rules.lay_out,
    rules.touch,
    rules.await_pods,
    rules.contract,
    rules.tidy,
    rules.serve,
)


def decide(view: View) -> tuple[Drawing | None, Plan]:
    """What was drawn, if anything could be, and what to do next."""
    for rule in BEFORE:
        if plan := rule(view):
            return None, plan
    try:
        drawn = drawing.draw(view)
    except ValueError as error:
        ref = view.spec.auth.keystone
        where = f"Secret {ref.credentials_secret_ref.name} (spec.auth.keystone.credentialsSecretRef): " if ref else ""
        return None, Plan(State(Phase.WORKING, "InputInvalid", f"{where}{error}"))
    return drawn, first_of(RULES, drawn)


__all__ = ["BEFORE", "RULES", "decide"]
