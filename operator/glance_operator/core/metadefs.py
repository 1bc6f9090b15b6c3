"""From what a namespace of metadata definitions should hold to the requests that make it so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from glance_operator.api.metadefs import Named, Namespace, Part, Property
from glance_operator.core.plan import Step

ROOT = "/metadefs/namespaces"
One = TypeVar("One", bound=Named)
_BASE = ("namespace", "display_name", "description", "visibility", "protected", "owner")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: path below the API's version, and the JSON that goes with it, if any."""

    method: str
    path: str
    body: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Define(Step):
    """Requests about one namespace, in this order. new: it is not there."""

    namespace: str
    calls: tuple[Call, ...]
    new: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """Requests that were sent. words: why Glance refused one of them. taken: somebody else was faster."""

    calls: tuple[Call, ...]
    words: str = ""
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at Glance found: its answer for each namespace, None where there is no such one.

    trouble: why nothing was found out about some of them. attempts: of late, by namespace.
    """

    found: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    trouble: str = ""
    attempts: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict)


class InvalidDocumentError(ValueError):
    """The text is no namespace; the message says where, and what is wrong there."""


@lru_cache(maxsize=256)
def read(text: str) -> Namespace:
    """A file. Raises InvalidDocumentError."""
    try:
        return Namespace.model_validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        what = "no such field" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidDocumentError(f"{where}: {what}" if where else what) from None


def address(namespace: str, *parts: str) -> str:
    return "/".join([ROOT, *(quote(part, safe="") for part in (namespace, *parts))])


def loaded(present: Mapping[str, Any]) -> bool:
    """Whether Glance's own tool has brought it: of whoever comes by the API the project is the owner."""
    return present.get("owner") == "admin"


def changes(wanted: Namespace, present: Mapping[str, Any] | None) -> tuple[Call, ...]:
    """What makes of `present`, Glance's answer, what is wanted; nothing where that is so."""
    if present is None:
        return (Call("POST", ROOT, _plain(wanted)),)
    try:
        found = Namespace.model_validate(present, extra="ignore")
    except ValidationError:  # nobody could have brought that in by the API: it is made anew
        return (*removal(present), Call("POST", ROOT, _plain(wanted)))
    return _differences(wanted, found)


def removal(present: Mapping[str, Any]) -> tuple[Call, ...]:
    """Deletes the namespace with all that is in it. A protected one has to be given free first."""
    name = str(present["namespace"])
    free = {**{key: present[key] for key in _BASE if present.get(key) is not None}, "protected": False}
    before = (Call("PUT", address(name), free),) if present.get("protected") else ()
    return (*before, Call("DELETE", address(name)))


def _differences(wanted: Namespace, found: Namespace) -> tuple[Call, ...]:
    name = wanted.namespace
    parts = [*_properties(wanted, found), *_objects(wanted, found), *_types(wanted, found), *_tags(wanted, found)]
    gone = [call for call in parts if call.method == "DELETE"]
    rest = [call for call in parts if call.method != "DELETE"]
    owner = wanted.owner or found.owner  # Glance would take ours for the one that is not told
    last = _base(wanted.model_copy(update={"owner": owner}))
    opened = found.protected and bool(gone)  # Glance takes nothing out of a protected namespace
    before = [Call("PUT", address(name), {**last, "protected": False})] if opened else []
    after = [Call("PUT", address(name), last)] if last != _base(found) or (opened and wanted.protected) else []
    return (*before, *gone, *rest, *after)


def _base(namespace: Namespace) -> dict[str, Any]:
    return namespace.model_dump(include=set(_BASE), exclude_none=True)


def _properties(wanted: Namespace, found: Namespace) -> Iterator[Call]:
    name = wanted.namespace
    yield from _gone(name, "properties", found.properties, wanted.properties)
    for key, one in wanted.properties.items():
        if key not in found.properties:
            yield Call("POST", address(name, "properties"), _property(key, one))
        elif found.properties[key] != one:
            yield Call("PUT", address(name, "properties", key), _property(key, one))


def _property(key: str, one: Property) -> dict[str, Any]:
    return {"name": key, **_plain(one)}


def _objects(wanted: Namespace, found: Namespace) -> Iterator[Call]:
    name, old, new = wanted.namespace, _by_name(found.objects), _by_name(wanted.objects)
    yield from _gone(name, "objects", old, new)
    for key, one in new.items():
        if key not in old:
            yield Call("POST", address(name, "objects"), _plain(one))
        elif old[key] != one:
            yield Call("PUT", address(name, "objects", key), _plain(one))


def _types(wanted: Namespace, found: Namespace) -> Iterator[Call]:
    """Glance cannot change an association: it is taken away and made again."""
    name = wanted.namespace
    old, new = _by_name(found.resource_type_associations), _by_name(wanted.resource_type_associations)
    kept = {key: one for key, one in new.items() if old.get(key) == one}
    yield from _gone(name, "resource_types", old, kept)
    for key, one in new.items():
        if key not in kept:
            yield Call("POST", address(name, "resource_types"), _plain(one))


def _tags(wanted: Namespace, found: Namespace) -> Iterator[Call]:
    name, old, new = wanted.namespace, _by_name(found.tags), _by_name(wanted.tags)
    yield from _gone(name, "tags", old, new)
    yield from (Call("POST", address(name, "tags", key)) for key in new if key not in old)


def _gone(name: str, what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Call]:
    yield from (Call("DELETE", address(name, what, key)) for key in old if key not in new)


def _by_name(parts: Iterable[One]) -> dict[str, One]:
    return {part.name: part for part in parts}


def _plain(part: Part) -> dict[str, Any]:
    return part.model_dump(mode="json", by_alias=True, exclude_none=True)
