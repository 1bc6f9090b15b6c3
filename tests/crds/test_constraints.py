"""Every enum, bound, pattern, required field and rule of the CRDs refuses something on the real API server.

The list is read from ``crds/``. An accepted object of the tables is spoilt at one place; so the tables must hold every
field at least once. Rules are refused by the tables themselves, rules of types that many fields share by a bad value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.crds.schemas import Constraint, constraints, manifests, nodes, schema_of, with_value
from tests.crds.server import Answer, Server
from tests.crds.tables import ACCEPTED, Body

ALL = constraints()
PLAIN = [c for c in ALL if c.keyword not in ("rule", "required")]
REQUIRED = [c for c in ALL if c.keyword == "required"]
RULES = [c for c in ALL if c.keyword == "rule"]

# Keyword -> what the server says when it is broken.
SAYS = {
    "enum": "Unsupported value",
    "pattern": "should match",
    "minimum": "should be greater than or equal to",
    "maximum": "should be less than or equal to",
    "minLength": "should be at least",
    "maxLength": "may not be more than",
    "minItems": "should have at least",
    "maxItems": "must have at most",
    "maxProperties": "must have at most",
}
# Rules of shared types: the start of their words -> a value that breaks them wherever they stand.
BAD_VALUES: dict[str, Any] = {
    "must be an absolute http or https URL with a host": "https:///path",
    "must not hold a user name or password": "https://me:secret@example.org/path",
    "must be from 1Mi to 1Pi": "20",
    "must be at least 1m": "59s",
    "the value of ": {"name": None},
    "os_glance_* are Glance's own": ["os_glance_staging_store"],
}


# Keyword -> a value beyond the limit, made from the limit and a good value.
BREAKING: dict[str, Callable[[Any, Any], Any]] = {
    "enum": lambda _, value: "no-such-word",
    "pattern": lambda _, value: "\x00" * len(value),
    "minimum": lambda limit, _: limit - 1,
    "maximum": lambda limit, _: limit + 1,
    "minLength": lambda limit, _: "a" * (limit - 1),
    "maxLength": lambda limit, _: "a" * (limit + 1),
    "minItems": lambda limit, value: value[: limit - 1],
    "maxItems": lambda limit, value: value * (limit + 1),
    "maxProperties": lambda limit, value: {f"k{i}": next(iter(value.values())) for i in range(limit + 1)},
}


def spoilt(constraint: Constraint, change: Any) -> Body:
    """The first accepted object that has the place, changed there."""
    for case in ACCEPTED:
        body = with_value(case.body, constraint.place, change) if case.kind == constraint.kind else None
        if body:
            return body
    raise AssertionError(f"no accepted case has {constraint.where}: the tables must hold every field")


def refused(answer: Answer, says: str, where: str) -> bool:
    """Whether the answer has those words at that place."""
    return any(says in r.text and r.place.startswith(where) for r in answer.refusals)


@pytest.mark.parametrize("constraint", PLAIN, ids=str)
def test_a_value_beyond_the_limit_is_refused(server: Server, constraint: Constraint) -> None:
    def change(parent: Any, key: Any) -> None:
        parent[key] = BREAKING[constraint.keyword](constraint.limit, parent[key])

    answer = server.create(spoilt(constraint, change))
    assert refused(answer, SAYS[constraint.keyword], constraint.where), answer.body


@pytest.mark.parametrize("constraint", REQUIRED, ids=str)
def test_a_missing_field_is_refused(server: Server, constraint: Constraint) -> None:
    def change(parent: Any, key: Any) -> None:
        parent[key].pop(constraint.limit)

    if constraint.place:
        body = spoilt(constraint, change)
    else:
        body = {k: v for k, v in next(c for c in ACCEPTED if c.kind == constraint.kind).body.items() if k != "spec"}
    where = f"{constraint.where}.{constraint.limit}".lstrip(".")
    assert refused(server.create(body), "Required value", where), where


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_rule_refuses_something(server: Server, answers: dict[str, Answer], rule: Constraint) -> None:
    """By a case of the tables, or, for a rule of a shared type, by a bad value at this very place."""
    if any(rule.message in r.text and r.place == rule.where for a in answers.values() for r in a.refusals):
        return
    bad = [value for words, value in BAD_VALUES.items() if rule.message.startswith(words)]
    assert bad, f"no refused case for the rule {rule}: {rule.limit}"

    def change(parent: Any, key: Any) -> None:
        parent[key] = bad[0]

    answer = server.create(spoilt(rule, change))
    assert refused(answer, rule.message, rule.where), answer.body


def test_every_field_of_a_spec_is_in_an_accepted_case() -> None:
    """Even those that have no constraint at all."""
    missing = [
        f"{crd['spec']['names']['kind']} {'.'.join(place)}"
        for crd in manifests()
        for place, _ in nodes(schema_of(crd)["properties"]["spec"], ("spec",))
        if not any(
            with_value(c.body, place, lambda *_: None) for c in ACCEPTED if c.kind == crd["spec"]["names"]["kind"]
        )
    ]
    assert missing == []
