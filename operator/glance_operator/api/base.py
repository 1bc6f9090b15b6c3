"""What the kinds share: the base model, the types fields are made of, conditions, and the description of a kind.

Everything here says WHAT may be written. The API server enforces it (schema and CEL); the models read it back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from glance_operator.api.cel import KEYED, SET, VALIDATIONS, JsonSchema, Rule, exactly_one, keys
from glance_operator.api.schema import SchemaError, field_docs

GROUP = "glance-operator.io"
VERSION = "v1alpha1"

ACRONYMS = {word.lower(): word for word in ("API", "GB", "ID", "MB", "MiB", "RAM", "URL", "UUID")}


def api_name(python_name: str) -> str:
    """glance_api_ref -> glanceAPIRef, min_ram_mb -> minRAMMB, except_ -> except."""
    first, *rest = python_name.rstrip("_").split("_")
    return first + "".join(ACRONYMS.get(word, word.capitalize()) for word in rest)


class Model(BaseModel):
    """A part of a spec or status. ``rules`` are CEL about the object itself; ``atomic`` = one manager owns it whole."""

    model_config = ConfigDict(
        alias_generator=api_name,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        defer_build=True,  # a start need not wait for the validators of kinds that nobody uses
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    atomic: ClassVar[bool] = False

    @classmethod
    def schema_rules(cls) -> tuple[Rule, ...]:
        """Every rule about this object."""
        return cls.rules

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> JsonSchema:
        schema: JsonSchema = handler(core)
        own = handler.resolve_ref_schema(schema)
        for name, text in field_docs(cls).items():
            own["properties"][api_name(name)]["description"] = text
        if rules := cls.schema_rules():
            own[VALIDATIONS] = [rule.as_schema() for rule in rules]
        if cls.atomic:
            own["x-kubernetes-map-type"] = "atomic"
        return schema


class OneOf(Model):
    """A union: exactly one of the fields named by ``one_of`` (API names) is set. Other fields stand beside it."""

    atomic: ClassVar[bool] = True
    one_of: ClassVar[tuple[str, ...]]

    @classmethod
    def schema_rules(cls) -> tuple[Rule, ...]:
        return (exactly_one(*cls.one_of), *cls.rules)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> JsonSchema:
        fields = {api_name(name): field for name, field in cls.model_fields.items()}
        for member in cls.one_of:
            if member not in fields or fields[member].is_required() or fields[member].default is not None:
                raise SchemaError(f"{cls.__name__}.{member}: a union member must be optional and have no default")
        return super().__get_pydantic_json_schema__(core, handler)


class Empty(Model):
    """Chosen by being there; it has no fields."""


LINE = r"^[^\x00-\x1f\x7f]*$"
# What may stand in a value of an INI file: a line break would let the value open a section of its own.
INI_VALUE = r"^[^\x00-\x08\x0a-\x1f\x7f]*$"


def line(most: int, least: int = 1, pattern: str = LINE) -> StringConstraints:
    """A string of ``least`` to ``most`` characters, without control characters unless ``pattern`` allows them."""
    return StringConstraints(min_length=least or None, max_length=most, pattern=pattern)


# For the values of a map under the rule NO_NULL.
NULLABLE = Field(json_schema_extra={"nullable": True})


def length(most: int, least: int | None = None) -> Any:
    """Bounds of a list or map."""
    return Field(max_length=most, min_length=least)


def within(least: int, most: int) -> Any:
    """Bounds of an integer."""
    return Field(ge=least, le=most)


Line = Annotated[str, line(255)]
Name = Annotated[str, line(253, pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")]
DataKey = Annotated[str, line(253, pattern=r"^[-._a-zA-Z0-9]+$")]
UUID = Annotated[str, line(36, 36, pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
HostPort = Annotated[str, line(255, pattern=r"^[^\s,\x00-\x1f\x7f]+$")]
StoreID = Annotated[str, line(64, pattern=r"^[A-Za-z0-9_.-]+$")]
URL = Annotated[
    str,
    line(2048, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$"),
    Rule("isURL(self) && url(self).getHost() != ''", "must be an absolute http or https URL with a host"),
    Rule("!self.matches('^https?://[^/?#]*@')", "must not hold a user name or password: they belong in a Secret"),
]

QUANTITY = r"^(\+)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?[0-9]+))?$"
Quantity = Annotated[
    str,
    StringConstraints(min_length=1, max_length=32, pattern=QUANTITY),
    Rule(
        "!isQuantity(self) || (quantity(self).compareTo(quantity('1Mi')) >= 0"
        " && quantity(self).compareTo(quantity('1Pi')) <= 0)",
        "must be from 1Mi to 1Pi: a number without a unit such as Gi means bytes",
    ),
]
DURATION = r"^([0-9]{1,5}(h|m|s))+$"
Duration = Annotated[str, StringConstraints(min_length=2, max_length=12, pattern=DURATION)]
# Waiting and looking: below a minute neither Glance nor a network says anything that could be relied on.
Period = Annotated[Duration, Rule("duration(self) >= duration('1m')", "must be at least 1m")]

LABEL = r"^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$"
Labels = Annotated[dict[str, Annotated[str, line(63, least=0, pattern=LABEL)]], length(64)]
Annotations = Annotated[dict[str, Annotated[str, StringConstraints(max_length=16384)]], length(64)]


class NameRef(Model):
    """An object of the same namespace, by name. It may not exist yet: a condition then says what is awaited."""

    atomic: ClassVar[bool] = True
    name: Name
    """Name of the object, in the same namespace."""


class SecretKeyRef(NameRef):
    """One key of a Secret in the same namespace."""

    key: DataKey
    """Key whose value is read."""


class KeyRef(NameRef):
    """One key of a ConfigMap or Secret in the same namespace."""

    kind: Literal["ConfigMap", "Secret"]
    """What kind of object holds the value."""
    key: DataKey
    """Key whose value is read."""


class CloudRef(Model):
    """An entry of a clouds.yaml that a Secret holds."""

    atomic: ClassVar[bool] = True
    secret_name: Name
    """Secret with the key clouds.yaml and, where the cloud's certificate needs it, the key cacert."""
    cloud_name: Line
    """Entry of clouds.yaml to use."""


NameRefs = Annotated[tuple[NameRef, ...], length(32), KEYED, keys("name")]
Names = Annotated[tuple[Line, ...], length(256), SET]


class Condition(Model):
    """One aspect of the state, as metav1.Condition has it."""

    type: str
    """What the condition is about, such as Ready."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: str | None = None
    """One word in CamelCase for machines and for kubectl get."""
    message: str | None = None
    """What happened, and what to do about it."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None
    """When status changed last."""
    observed_generation: int | None = None
    """metadata.generation that the condition speaks about."""


Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Conditions = Annotated[tuple[Condition, ...], KEYED, keys("type")]


class Status(Model):
    """What every kind's status holds."""

    observed_generation: int | None = None
    """metadata.generation that the status speaks about; -1 until the operator has looked."""
    conditions: Conditions | None = None
    """Ready, Reconciling and Stalled (as kstatus reads them), and the kind's own."""
    last_handled_retry: str | None = None
    """Value of the annotation glance-operator.io/retry that was acted upon last."""


@dataclass(frozen=True)
class Column:
    """A column of ``kubectl get``; a wide one is shown by ``-o wide``."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False


def condition_column(name: str, field: str, wide: bool = False) -> Column:
    """A column that shows a field of the condition Ready."""
    return Column(name, f'.status.conditions[?(@.type=="Ready")].{field}', wide=wide)


AGE = Column("Age", ".metadata.creationTimestamp", "date")


@dataclass(frozen=True)
class Kind:
    """A kind of ours: everything its CustomResourceDefinition and the rest of the operator need to know."""

    kind: str
    plural: str
    short_name: str
    description: str
    spec: type[Model]
    status: type[Status]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    selectable: tuple[str, ...] = ()
    scalable: bool = False

    @property
    def api_version(self) -> str:
        """apiVersion of its objects."""
        return f"{GROUP}/{VERSION}"


UNIT_SECONDS = {"h": 3600, "m": 60, "s": 1}


def seconds(duration: str) -> float:
    """ "1h30m" -> 5400.0. Raises ValueError for anything but hours, minutes and seconds."""
    if not re.fullmatch(DURATION[1:-1], duration):
        raise ValueError(f"{duration!r} is not a duration such as 90s, 10m or 1h30m")
    return float(sum(int(n) * UNIT_SECONDS[unit] for n, unit in re.findall(r"([0-9]+)([hms])", duration)))


SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY = {suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}


def bytes_of(quantity: str) -> int:
    """ "20Gi" -> 21474836480, rounded up as Kubernetes does. Raises ValueError for what is no quantity."""
    if not re.fullmatch(QUANTITY[1:-1], quantity):
        raise ValueError(f"{quantity!r} is not a quantity such as 500M or 20Gi")
    number, suffix = re.fullmatch(r"(.*?)([KMGTPE]i|[numkMGTPE]?)", quantity).groups()  # type: ignore[union-attr]
    factor = BINARY.get(suffix) or Decimal(10) ** SUFFIXES[suffix]
    return int((Decimal(number) * factor).to_integral_value(ROUND_CEILING))


def quantity_of(count: int) -> str:
    """42029113344 -> "39Gi": bytes as people read them, rounded down to at most four digits."""
    for unit, factor in reversed(BINARY.items()):
        if count >= 10 * factor:
            return f"{count // int(factor)}{unit}"
    return str(count)
