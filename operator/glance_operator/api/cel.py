"""What a schema says beyond types: rules in CEL and ``x-kubernetes-*`` marks, attached to types with ``Annotated``.

Kept apart from the models so that a model reads as a list of fields, and from the generator so that the exact text
of each recurring rule (union, immutability, no shrinking) stands in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

JsonSchema = dict[str, Any]
VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True)
class Rule:
    """One rule the API server enforces. ``field`` is the child the message is about; ``expression`` computes the
    message, and ``message`` is what is said when that fails."""

    cel: str
    message: str
    field: str = ""
    expression: str = ""

    def as_schema(self) -> JsonSchema:
        """The rule as an element of ``x-kubernetes-validations``."""
        optional = {"fieldPath": f".{self.field}" if self.field else "", "messageExpression": self.expression}
        return {"rule": self.cel, "message": self.message} | {k: v for k, v in optional.items() if v}

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> JsonSchema:
        schema = dict(handler(core))
        return {**schema, VALIDATIONS: [*schema.get(VALIDATIONS, []), self.as_schema()]}


@dataclass(frozen=True)
class Mark:
    """One ``x-kubernetes-*`` key; lists are given as tuples because the metadata of ``Annotated`` is hashed."""

    name: str
    value: str | bool | tuple[str, ...]

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> JsonSchema:
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {**handler(core), f"x-kubernetes-{self.name}": value}


SET = Mark("list-type", "set")
ORDERED = Mark("list-type", "atomic")
KEYED = Mark("list-type", "map")
ATOMIC_MAP = Mark("map-type", "atomic")
# An object of Kubernetes' own, passed on as it is: its schema belongs to the API server that will judge it.
OPEN = Mark("preserve-unknown-fields", True)
INT_OR_STRING = Mark("int-or-string", True)


def keys(*names: str) -> Mark:
    """The keys of a ``KEYED`` list."""
    return Mark("list-map-keys", names)


# YAML reads null, ~ and nothing as null, which the API server would drop in silence from a map; so it is let in by
# "nullable" and refused here, with the name. What else YAML makes of a value (2.0, yes) is refused by its type.
NO_NULL = Rule(
    "self.all(k, type(self[k]) == string)",
    "values must be strings: put them in quotes",
    expression="'the value of ' + self.filter(k, type(self[k]) != string)[0] + ' must be a string: put it in quotes'",
)


def quoted(words: tuple[str, ...]) -> str:
    """A CEL list of string literals."""
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"


def exactly_one(*names: str) -> Rule:
    """A union. An empty object counts as present, null as absent."""
    present = ", ".join(f"has(self.{name})" for name in names)
    return Rule(f"[{present}].exists_one(x, x)", f"exactly one of {', '.join(names)} must be set")


def at_most_one(*names: str) -> Rule:
    """A union that may be empty."""
    present = ", ".join(f"has(self.{name})" for name in names)
    return Rule(f"[{present}].filter(x, x).size() <= 1", f"at most one of {', '.join(names)} may be set")


def not_both(first: str, second: str, why: str) -> Rule:
    """Two fields that exclude each other."""
    return Rule(f"!(has(self.{first}) && has(self.{second}))", f"{first} and {second} exclude each other: {why}")


def needs(field: str, other: str, why: str) -> Rule:
    """A field that has a meaning only beside another one."""
    return Rule(f"!has(self.{field}) || has(self.{other})", f"{field} needs {other}: {why}", field=field)


def immutable(name: str, instead: str) -> Rule:
    """Belongs on the (always present) parent, so that adding and removing the field are refused as well."""
    same = f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || self.{name} == oldSelf.{name})"
    return Rule(same, f"{name} is immutable (neither set, changed nor removed later): {instead}", field=name)


def no_shrink(name: str, instead: str, absent: str = "") -> Rule:
    """A quantity that may only grow; 10Gi and 10240Mi are equal. ``absent`` is what no value means, if anything;
    otherwise the rule judges only while both are there."""
    old, new = (
        f"(has({side}) ? {side} : '{absent}')" if absent else side for side in (f"oldSelf.{name}", f"self.{name}")
    )
    there = "" if absent else f"!has({old}) || !has({new}) || "
    grown = f"quantity({new}).compareTo(quantity({old})) >= 0"
    wording = f"{name} must not shrink: {instead}"
    return Rule(f"{there}!isQuantity({old}) || !isQuantity({new}) || {grown}", wording, field=name)
