"""What an engine needs around it, in memory: an API server, a recorder of Events, and a controller to be told."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from glance_operator.core.conditions import find, merged, standard
from glance_operator.core.plan import Plan, State, stalled
from glance_operator.runtime.engine import Engine
from glance_operator.runtime.errors import Invalid, Refused, Unavailable
from glance_operator.runtime.metrics import Metrics
from glance_operator.runtime.queue import Next, Queue
from glance_operator.runtime.store import Body, Key, Store
from glance_operator.runtime.world import World
from glance_operator.settings import Settings

KEY = Key("Image", "ns", "a")


class Cluster:
    """An API server, a recorder of Events and a controller that plans what it is told; `journal` is what happened."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.now = 1000.0
        self.version = 1
        self.gone = False
        self.store, self.metrics = Store(), Metrics()
        self.plans: list[Plan] = []
        self.parked: Plan | None = None
        self.invalid: State | None = None
        self.error: Exception | None = None
        self.ending = False
        world = World(
            settings=Settings(),
            kube=cast("Any", self),
            store=self.store,
            queue=Queue(),
            events=cast("Any", SimpleNamespace(record=self.record)),
            metrics=self.metrics,
            clouds=cast("Any", None),
            objects=cast("Any", None),
            inputs=cast("Any", None),
            stopping=lambda: self.ending,
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        )
        self.engine = Engine(world, {"Image": self})

    def create(self, *finalizers: str, status: Body | None = None, **meta: Any) -> None:
        found = {"uid": "u", "name": "a", "namespace": "ns", "generation": 1, "resourceVersion": "1", **meta}
        body = {"apiVersion": "x/v1", "kind": "Image", "metadata": found | {"finalizers": list(finalizers)}, "spec": {}}
        self.store.put(KEY, body | {"status": status or {}})

    def told(self) -> list[str]:
        """The journal since this was asked last."""
        told, self.journal = self.journal, []
        return told

    def run(self, *plans: Plan, after: float = 0.0) -> Next:
        """`after` seconds later, a pass in which these are planned in turn, the last one again and again."""
        self.now += after
        self.plans = list(plans)
        return self.engine.reconcile(KEY)

    # what the engine asks of the API server
    def _new(self, body: Body, **changes: Any) -> Body | None:
        if self.gone:
            return None
        self.version += 1
        new = copy.deepcopy(body) | changes
        new["metadata"]["resourceVersion"] = str(self.version)
        return new

    def patch_status(self, body: Body, status: Body) -> Body | None:
        self.journal.append(f"write {find(status['conditions'], 'Ready')['reason']}")
        return self._new(body, status=status)

    def add_finalizer(self, body: Body, name: str) -> Body | None:
        self.journal.append("hold")
        body["metadata"]["finalizers"] = [*body["metadata"]["finalizers"], name]
        return self._new(body)

    def remove_finalizer(self, body: Body, name: str) -> Body | None:
        self.journal.append("let go")
        body["metadata"]["finalizers"] = [f for f in body["metadata"]["finalizers"] if f != name]
        return self._new(body)

    def record(self, body: Body, kind: str, reason: str, action: str, note: str) -> bool:
        self.journal.append(f"{kind} {reason}: {note}")
        return True

    # what the engine asks of the controller
    def look(self, key: Key, body: Body) -> Any:
        if self.invalid:
            raise Invalid(self.invalid)
        return SimpleNamespace(plan=self.plans.pop(0) if len(self.plans) > 1 else self.plans[0])

    def admit(self, key: Key, look: Any) -> Plan | None:
        return self.parked

    def act(self, key: Key, look: Any) -> None:
        self.journal.append("act")
        if self.error:
            raise self.error

    def refused(self, key: Key, look: Any, error: Refused | Unavailable) -> Plan:
        return stalled("Refused", str(error), after=60) if isinstance(error, Refused) else Plan(error.state, after=7)

    def status(self, look: Any, plan: Plan, body: Body) -> Body | None:
        before = body.get("status", {}).get("conditions") or ()
        return {"conditions": merged(before, standard(plan.state, False), 1, "2026-01-01T00:00:00Z")}

    def pace(self, key: Key, look: Any, plan: Plan) -> float:
        return 100.0

    def settled(self, body: Body) -> bool:
        return bool(body["status"])

    def forget(self, key: Key) -> None:
        self.journal.append("forget")
