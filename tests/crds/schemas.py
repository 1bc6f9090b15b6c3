"""The generated CRDs, taken apart: every rule, enum, bound, pattern and required field with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Body = dict[str, Any]
Place = tuple[str, ...]
CRDS = Path(__file__).parents[2] / "crds"
# A step of a place that is not a field: into the first element of a list, into the first value of a map.
ELEMENT, VALUE = "[]", "{}"


@dataclass(frozen=True)
class Constraint:
    """Something a value must be. ``limit`` is the keyword's own value, for a rule its expression."""

    kind: str
    place: Place
    keyword: str
    limit: Any
    message: str = ""
    field: str = ""

    def __str__(self) -> str:
        detail = self.message if self.keyword == "rule" else str(self.limit) if self.keyword == "required" else ""
        return " ".join(filter(None, [self.kind, self.where or "(root)", self.keyword, detail]))

    @property
    def where(self) -> str:
        """The place as the server names it, without indices and keys (values of maps are under their own name)."""
        return (".".join(step for step in self.place if step not in (ELEMENT, VALUE)) + self.field).lstrip(".")


def manifests() -> list[Body]:
    """The CRDs as committed."""
    return [yaml.load(path.read_text(), yaml.CSafeLoader) for path in sorted(CRDS.glob("*.yaml"))]


def schema_of(crd: Body) -> Body:
    """The schema of its only version."""
    return dict(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def nodes(schema: Body, place: Place = ()) -> Iterator[tuple[Place, Body]]:
    """Every node of a schema with its place, the root first."""
    yield place, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, (*place, name))
    for keyword, step in (("items", ELEMENT), ("additionalProperties", VALUE)):
        if keyword in schema:
            yield from nodes(schema[keyword], (*place, step))


def constraints() -> list[Constraint]:
    """Everything the CRDs demand of objects; status apart, for only the operator writes it."""
    return [
        constraint
        for crd in manifests()
        for place, node in nodes(schema_of(crd))
        if place[:1] != ("status",)
        for constraint in _of_node(crd["spec"]["names"]["kind"], place, node)
    ]


KEYWORDS = ("enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties")


def _of_node(kind: str, place: Place, node: Body) -> Iterator[Constraint]:
    for keyword in KEYWORDS:
        if keyword in node:
            yield Constraint(kind, place, keyword, node[keyword])
    for name in node.get("required", []):
        yield Constraint(kind, place, "required", name)
    for rule in node.get("x-kubernetes-validations", []):
        yield Constraint(kind, place, "rule", rule["rule"], _wording(rule), rule.get("fieldPath", ""))


def _wording(rule: Body) -> str:
    """What every refusal by the rule says; of a computed message, the part before the first computed word."""
    computed = re.match(r"'([^']*)'", rule.get("messageExpression", ""))
    return computed[1] if computed else str(rule["message"])


def with_value(body: Body, place: Place, change: Any) -> Body | None:
    """A copy of ``body`` where ``change(parent, key)`` was done at ``place``; None if the body has no such place."""
    copy = deepcopy(body)
    parent: Any = None
    key: Any = None
    node: Any = copy
    for step in place:
        parent, key = node, _key(node, step)
        if key is None:
            return None
        node = parent[key]
    change(parent, key)
    return copy


def _key(node: Any, step: str) -> Any:
    """The key of a step in a concrete object, or None if there is nothing."""
    if step == ELEMENT:
        return 0 if isinstance(node, list) and node else None
    if not isinstance(node, dict):
        return None
    return next(iter(node), None) if step == VALUE else (step if step in node else None)
