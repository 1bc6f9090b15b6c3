"""The generator: what it makes of a model, and what it refuses because Kubernetes cannot say it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from glance_operator.api.base import Model, OneOf
from glance_operator.api.cel import INT_OR_STRING, KEYED, OPEN, SET, VALIDATIONS, Mark, Rule, keys
from glance_operator.api.schema import SchemaError, structural


class Inner(Model):
    """The model's own words."""

    rules: ClassVar[tuple[Rule, ...]] = (Rule("own", "a rule of the model"),)
    name: str
    """A name."""


class Recursive(BaseModel):
    child: Recursive | None = None


class Parent(BaseModel):
    children: list[Recursive] = Field(max_length=1)


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int = 1


class HasClosed(BaseModel):
    closed: Closed


class Untyped(BaseModel):
    anything: Any


class OpenMap(BaseModel):
    labels: dict[str, Any]


class Choice(BaseModel):
    value: int | str


class MixedWords(BaseModel):
    value: Literal[1, "a"]


class Pair(BaseModel):
    value: tuple[int, str]


class PythonSet(BaseModel):
    value: set[int]


class Examples(BaseModel):
    value: int = Field(examples=[1])


class Deprecated(BaseModel):
    value: int = Field(deprecated=True)


class ListDefault(BaseModel):
    value: list[int] = []


class MapDefault(BaseModel):
    value: dict[str, int] = {}


class ModelDefault(BaseModel):
    value: Inner = Inner(name="a")


class KeysWithPattern(BaseModel):
    value: dict[Annotated[str, Field(pattern="^a")], int]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Recursive, "Recursive refers to itself"),
        (Parent, "Parent.children.items.child: Recursive refers to itself"),
        (Closed, "extra='forbid' has no structural form"),
        (HasClosed, "HasClosed.closed: extra='forbid'"),
        (Untyped, "Untyped.anything: no single type"),
        (OpenMap, "OpenMap.labels: a map of anything must be marked OPEN"),
        (Choice, "Choice.value: ['anyOf'] is not structural"),
        (MixedWords, "MixedWords.value: no single type"),
        (Pair, "Pair.value: ['prefixItems'] is not structural"),
        (PythonSet, "PythonSet.value: ['uniqueItems'] is not structural"),
        (Examples, "Examples.value: ['examples'] is not structural"),
        (Deprecated, "Deprecated.value: ['deprecated'] is not structural"),
        (ListDefault, "ListDefault.value: a list, map or object must not have a default"),
        (MapDefault, "MapDefault.value: a list, map or object must not have a default"),
        (ModelDefault, "ModelDefault.value: a list, map or object must not have a default"),
        (KeysWithPattern, "KeysWithPattern.value: "),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_refused_with_its_path(model: type[BaseModel], words: str) -> None:
    with pytest.raises(SchemaError) as refusal:
        structural(model)
    assert words in str(refusal.value)


@pytest.mark.parametrize("field", [(str, ...), (str, "a")], ids=["required", "default"])
def test_a_union_member_must_be_optional(field: tuple[type, Any]) -> None:
    class Union(OneOf):
        one_of: ClassVar[tuple[str, ...]] = ("a", "b")
        a: str = Field(field[1])
        b: str | None = None

    with pytest.raises(SchemaError, match=r"Union\.a: a union member must be optional and have no default"):
        structural(Union)


def test_a_union_of_a_field_that_is_not_there() -> None:
    class Union(OneOf):
        one_of: ClassVar[tuple[str, ...]] = ("a",)

    with pytest.raises(SchemaError, match=r"Union\.a: "):
        structural(Union)


class Outer(Model):
    """Everything that has a form in Kubernetes."""

    described: Annotated[Inner, Rule("more", "a rule of the field")]
    """The field's words win."""
    plain: Inner
    maybe: str | None = None
    """May be absent."""
    word: Literal["only"] = "only"
    """One word."""
    above: Annotated[int, Field(gt=0, lt=9)]
    """Neither 0 nor 9."""
    either: Annotated[int | str, INT_OR_STRING] | None = None
    """A number or a percentage."""
    anything: Annotated[dict[str, Any], OPEN] | None = None
    """Not ours to judge."""
    names: Annotated[tuple[str, ...], SET, Rule("first", "one"), Rule("second", "two")] | None = None
    """In no order."""
    things: Annotated[tuple[Inner, ...], KEYED, keys("name")] | None = None
    """By their
    names."""


SCHEMA = structural(Outer)
FIELDS = SCHEMA["properties"]


def messages(node: dict[str, Any]) -> list[str]:
    """The rules of a node, by their words."""
    return [rule["message"] for rule in node.get(VALIDATIONS, [])]


def test_rules_of_a_field_stand_beside_those_of_its_model() -> None:
    assert messages(FIELDS["described"]) == ["a rule of the model", "a rule of the field"]
    assert messages(FIELDS["plain"]) == ["a rule of the model"]


def test_rules_of_one_field_keep_their_order() -> None:
    assert messages(FIELDS["names"]) == ["one", "two"]


def test_words_of_a_field_win_over_those_of_its_model() -> None:
    assert FIELDS["described"]["description"] == "The field's words win."
    assert FIELDS["plain"]["description"] == "The model's own words."
    assert FIELDS["things"]["description"] == "By their names."
    assert FIELDS["described"]["properties"]["name"]["description"] == "A name."


def test_optional_means_absent() -> None:
    assert FIELDS["maybe"] == {"type": "string", "description": "May be absent."}
    assert sorted(SCHEMA["required"]) == ["above", "described", "plain"]


def test_pydantics_dialect_is_translated() -> None:
    assert FIELDS["word"] == {"type": "string", "enum": ["only"], "default": "only", "description": "One word."}
    bounds = {"minimum": 0, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": True}
    assert FIELDS["above"] == {"type": "integer", "description": "Neither 0 nor 9.", **bounds}
    assert FIELDS["either"] == {"x-kubernetes-int-or-string": True, "description": "A number or a percentage."}
    preserved = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    assert FIELDS["anything"] == {**preserved, "description": "Not ours to judge."}


def test_lists_say_how_they_are_merged() -> None:
    assert FIELDS["names"]["x-kubernetes-list-type"] == "set"
    assert FIELDS["things"]["x-kubernetes-list-type"] == "map"
    assert FIELDS["things"]["x-kubernetes-list-map-keys"] == ["name"]


def test_no_reference_and_no_title_is_left() -> None:
    assert "$ref" not in str(SCHEMA)
    assert "title" not in str(SCHEMA)


def test_a_mark_is_any_extension() -> None:
    class Marked(BaseModel):
        value: Annotated[int, Mark("embedded-resource", True)]

    assert structural(Marked)["properties"]["value"]["x-kubernetes-embedded-resource"] is True
