"""Why: a spec is read by its model in one place, and what is wrong with it is said in one way."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from glance_operator.api.base import Model
from glance_operator.core.plan import Phase, State
from glance_operator.runtime.errors import Invalid
from glance_operator.runtime.store import Body

Spec = TypeVar("Spec", bound=Model)


def parsed(model: type[Spec], body: Body) -> Spec:
    """Raises Invalid: the field and what is wrong with it, never its value."""
    try:
        return model.model_validate(body["spec"])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in ("spec", *first["loc"]))
        raise Invalid(State(Phase.STALLED, "InvalidSpec", f"{where}: {first['msg']}")) from None
