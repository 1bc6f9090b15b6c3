"""The document in a ConfigMap with metadata definitions: one namespace, in the format of Glance's own files.

The bounds are Glance's; what it would take and silently change or drop is refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr
from pydantic.alias_generators import to_camel

from glance_operator.api.base import line


class Part(BaseModel):
    """A part of the document."""

    model_config = ConfigDict(frozen=True, defer_build=True)


def _addressable(name: str) -> str:
    """Each part has an address of its own, of which its name is the end."""
    if "/" in name or name in (".", ".."):
        raise ValueError("must not be . or .. or hold a slash: Glance could not find it by its name")
    return name


def _no_comma(name: str) -> str:
    if "," in name:
        raise ValueError("must not hold a comma: Glance keeps these names in one line")
    return name


def _forgotten(_: str | None) -> None:
    """A property is known by its key; Glance shows the name as well of those that were made one by one."""


def _text(value: Any) -> Any:
    """As Glance keeps it."""
    return value if value is None else str(value)


Called = Annotated[str, line(80), AfterValidator(_addressable)]
Words = Annotated[str, Field(max_length=80)]
Type = Literal["array", "boolean", "integer", "number", "object", "string"]
Count = Annotated[int, Field(ge=0)]


class Items(Part):
    """What a property of type array holds."""

    type: Type
    enum: tuple[str, ...] | None = None


class Property(Part):
    """What one key may be set to."""

    model_config = ConfigDict(alias_generator=to_camel)

    title: str
    type: Type
    name: Annotated[str | None, AfterValidator(_forgotten)] = None
    description: str | None = None
    operators: tuple[str, ...] | None = None
    default: Annotated[StrictStr | StrictBool | StrictInt | StrictFloat | None, AfterValidator(_text)] = None
    readonly: bool | None = None
    minimum: int | None = None
    maximum: int | None = None
    enum: tuple[str, ...] | None = None
    pattern: str | None = None
    min_length: Count | None = None
    max_length: Count | None = None
    items: Items | None = None
    unique_items: bool | None = None
    min_items: Count | None = None
    max_items: Count | None = None
    additional_items: bool | None = None


Properties = dict[Called, Property]


class Named(Part):
    """A part that is known by its name."""

    name: Called


One = TypeVar("One", bound=Named)


class Group(Named):
    """Properties that belong together, which Glance calls an object."""

    description: str | None = None
    required: tuple[Annotated[str, AfterValidator(_no_comma)], ...] = ()
    properties: Properties = {}


class Association(Named):
    """What the definitions are for, and how their keys begin there."""

    prefix: Words | None = None
    properties_target: Words | None = None


class Tag(Named):
    """A word that may be set without a value."""


def _each_once(parts: tuple[One, ...]) -> tuple[One, ...]:
    names = [part.name for part in parts]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{twice[0]} is there twice")
    return parts


class Namespace(Part):
    """All definitions under one name."""

    namespace: Called
    display_name: Words | None = None
    description: Annotated[str, Field(max_length=500)] | None = None
    visibility: Literal["public", "private"] = "private"
    protected: bool = False
    owner: Annotated[str, line(255)] | None = None
    resource_type_associations: Annotated[tuple[Association, ...], AfterValidator(_each_once)] = ()
    properties: Properties = {}
    objects: Annotated[tuple[Group, ...], AfterValidator(_each_once)] = ()
    tags: Annotated[tuple[Tag, ...], AfterValidator(_each_once)] = ()
