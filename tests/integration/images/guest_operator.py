"""The operator where no pod of a GlanceAPI can run: of the service it knows what the test has written to its status."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from glance_operator.__main__ import main
from glance_operator.core.plan import Phase, Plan, State
from glance_operator.runtime import kinds
from glance_operator.runtime.store import Body, Key
from glance_operator.runtime.world import World

_AT_REST = 3600.0


class Told:
    """In place of the controller of GlanceAPIs: nothing is made, and the status stays as it is."""

    def __init__(self, world: World) -> None:
        pass

    def look(self, key: Key, body: Body) -> Any:
        return SimpleNamespace(plan=Plan(State(Phase.READY, "Told")))

    def admit(self, key: Key, look: Any) -> None:
        pass

    def status(self, look: Any, plan: Plan, body: Body) -> None:
        pass

    def pace(self, key: Key, look: Any, plan: Plan) -> float:
        return _AT_REST

    def settled(self, body: Body) -> bool:
        return True

    def forget(self, key: Key) -> None:
        pass


def run() -> int:
    """Be that operator."""
    kinds.GlanceAPIController = Told  # type: ignore[assignment,attr-defined]
    return main()
