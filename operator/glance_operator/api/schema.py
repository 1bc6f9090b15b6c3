"""From a pydantic model to a structural schema, or an error: what cannot be said is refused, never dropped.

A field's description is the string beneath it in the source. It is read here, when schemas are generated, and not by
pydantic when the operator starts: the running operator neither parses sources nor keeps the texts in memory.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from glance_operator.api.cel import VALIDATIONS, JsonSchema

KEYWORDS = frozenset(
    {
        "type",
        "properties",
        "items",
        "additionalProperties",
        "required",
        "description",
        "default",
        "enum",
        "format",
        "pattern",
        "nullable",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
    }
)
PRESERVE, INT_OR_STRING = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"


class SchemaError(ValueError):
    """A model that has no faithful structural schema; the message begins with the path of the culprit."""


class OpenAPI3(GenerateJsonSchema):
    """Optional means absent, not null: the key leaves ``required`` and keeps its type."""

    def nullable_schema(self, schema: Any) -> JsonSchema:
        return self.generate_inner(schema["schema"])


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """Python field name -> the string beneath it, those of base classes included."""
    classes = [cls for cls in reversed(model.__mro__) if issubclass(cls, BaseModel) and cls is not BaseModel]
    return {name: text for cls in classes for name, text in _own_docs(cls)}


@cache
def _own_docs(cls: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """Read once per class: to find the source of one is to parse its whole file."""
    return tuple(_docs_in(ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]))


def _docs_in(cls: ast.stmt) -> Iterator[tuple[str, str]]:
    for field, doc in pairwise(cls.body if isinstance(cls, ast.ClassDef) else []):
        match field, doc:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(text.split())


def structural(model: type[BaseModel]) -> JsonSchema:
    """The structural schema of ``model``: references inlined, titles gone, nothing unknown.

    Raises SchemaError, with the path, for whatever Kubernetes cannot express.
    """
    raw = model.model_json_schema(by_alias=True, schema_generator=OpenAPI3)
    return _Converter(raw.pop("$defs", {})).convert(raw, model.__name__, ())


class _Converter:
    """One conversion: the definitions that references point at."""

    def __init__(self, defs: dict[str, JsonSchema]) -> None:
        self.defs = defs

    def convert(self, node: JsonSchema, path: str, seen: tuple[str, ...]) -> JsonSchema:
        if ref := node.get("$ref"):
            return self._inline(ref.removeprefix("#/$defs/"), node, path, seen)
        out = _plain(node)
        _refuse(out, path)
        for key in ("items", "additionalProperties"):
            if key in out:
                out[key] = self.convert(out[key], f"{path}.{key}", seen)
        if "properties" in out:
            fields = out["properties"].items()
            out["properties"] = {name: self.convert(child, f"{path}.{name}", seen) for name, child in fields}
        return out

    def _inline(self, name: str, node: JsonSchema, path: str, seen: tuple[str, ...]) -> JsonSchema:
        """The definition, overlaid by what stands beside the reference; rules of both are kept."""
        if name in seen:
            raise SchemaError(f"{path}: {name} refers to itself")
        beside = {key: value for key, value in node.items() if key != "$ref"}
        merged = self.defs[name] | beside
        if rules := [*self.defs[name].get(VALIDATIONS, []), *beside.get(VALIDATIONS, [])]:
            merged[VALIDATIONS] = rules
        return self.convert(merged, path, (*seen, name))


def _plain(node: JsonSchema) -> JsonSchema:
    """pydantic's dialect in the words of OpenAPI v3."""
    out = {key: value for key, value in node.items() if key not in ("title", "const")}
    if "const" in node:
        out["enum"] = [node["const"]]
    if out.get("default", ...) is None:
        del out["default"]
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in out:
            out |= {bound: out[exclusive], exclusive: True}
    if out.get(PRESERVE) and out.get("additionalProperties") is True:
        del out["additionalProperties"]
    if out.get(INT_OR_STRING):
        out.pop("anyOf", None)
    return out


def _refuse(node: JsonSchema, path: str) -> None:
    extra = node.get("additionalProperties")
    if extra is False:
        raise SchemaError(f"{path}: extra='forbid' has no structural form; the API server prunes instead")
    if extra is True:
        raise SchemaError(f"{path}: a map of anything must be marked OPEN")
    if unknown := sorted(key for key in node if key not in KEYWORDS and not key.startswith("x-kubernetes-")):
        raise SchemaError(f"{path}: {unknown} is not structural")
    if not {"type", INT_OR_STRING} & node.keys():
        raise SchemaError(f"{path}: no single type")
    if isinstance(node.get("default"), (list, dict)):
        raise SchemaError(f"{path}: a list, map or object must not have a default; absent means the operator's own")
