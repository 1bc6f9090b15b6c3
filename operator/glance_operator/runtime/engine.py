"""One pass over one object, the same for every kind: look, plan, act, describe, publish.

Nothing here is remembered that matters after a crash: the two small tables only keep passing states from being written.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from glance_operator.core.conditions import find, merged, standard
from glance_operator.core.plan import AddFinalizer, LetGo, Phase, Plan, State
from glance_operator.runtime.errors import Invalid, Refused, Unavailable
from glance_operator.runtime.intake import wish
from glance_operator.runtime.kube import Changed
from glance_operator.runtime.logs import about
from glance_operator.runtime.queue import Lane, Next
from glance_operator.runtime.store import Body, Key
from glance_operator.runtime.world import World

log = logging.getLogger(__name__)
_LONGEST_HOLD = 10.0  # seconds between two writes of what only passes
_STEPS = 8  # steps in a row before other keys get their turn


class Controller(Protocol):
    """What one kind brings. Its looks are its own; the engine only reads their ``plan``."""

    def look(self, key: Key, body: Body) -> Any:
        """Reads only. Raises Invalid."""

    def admit(self, key: Key, look: Any) -> Plan | None:
        """None if the plan may go on; else what to show until the key is woken, ``after`` seconds from now."""

    def act(self, key: Key, look: Any) -> None:
        """The plan's step: one mutating call. Raises Refused or Unavailable."""

    def refused(self, key: Key, look: Any, error: Refused | Unavailable) -> Plan:
        """What a step that did not succeed means."""

    def status(self, look: Any, plan: Plan, body: Body) -> dict[str, Any] | None:
        """The whole new status; None leaves it untouched."""

    def pace(self, key: Key, look: Any, plan: Plan) -> float:
        """Seconds until the next look when the plan does not say."""

    def settled(self, body: Body) -> bool:
        """Whether nothing is to be done about the object as far as its body tells."""

    def forget(self, key: Key) -> None:
        """The object is gone."""


def finalizer(kind: str) -> str:
    """Ours, one per kind."""
    return f"glance-operator.io/{kind.lower()}"


@dataclass(frozen=True, slots=True)
class _Held:
    """A passing state: not written before it has lasted, since then (monotonic), ``hold`` seconds."""

    reason: str
    since: float
    hold: float


class Engine:
    """Runs passes; ``reconcile`` may be called by many threads, never twice at once for the same key."""

    def __init__(self, world: World, controllers: Mapping[str, Controller]) -> None:
        self._world, self._controllers = world, controllers
        self._passing: dict[Key, _Held] = {}

    def settled(self, body: Body) -> bool:
        controller = self._controllers.get(body["kind"])
        return controller is None or controller.settled(body)

    def forget(self, key: Key) -> None:
        self._passing.pop(key, None)
        if controller := self._controllers.get(key.kind):
            controller.forget(key)

    def reconcile(self, key: Key) -> Next:
        """Passes over the object until there is something to wait for. Raises what the API server's client raises."""
        for _ in range(_STEPS):
            try:
                wait = self._once(key)
            except Changed as change:  # what was about to be written was thought of another state
                self._world.store.put(key, change.body)
                continue
            if wait is not None or self._world.stopping():
                return wait or Next(0, Lane.BEGUN)
        return Next(0, Lane.BEGUN)

    def _once(self, key: Key) -> Next | None:
        """One pass; None: a step was taken, look again at once."""
        body, controller = self._world.store.get(key), self._controllers.get(key.kind)
        if controller is None or body is None or _released(body):
            self.forget(key)
            return Next()
        try:
            look = controller.look(key, body)
        except Invalid as invalid:
            self.forget(key)
            self._publish(key, body, _invalid_status(body, invalid.state, self._world.now().strftime("%FT%TZ")))
            return Next()
        if (parked := controller.admit(key, look)) is not None:
            held = self._describe(key, controller, look, parked, body)
            return Next(parked.after if held else None, Lane.RESYNC)
        plan: Plan = look.plan
        if plan.step is not None:
            plan, body = self._act(key, controller, look, body)
            if plan.step is not None:  # it was taken
                after = controller.pace(key, look, plan) if plan.after is None else plan.after
                return Next(after, Lane.BEGUN) if after else None
        held = self._describe(key, controller, look, plan, body)
        return self._next(key, controller, look, plan, held)

    def _act(self, key: Key, controller: Controller, look: Any, body: Body) -> tuple[Plan, Body]:
        """The plan with its step taken, or the plan that explains why it was not."""
        plan: Plan = look.plan
        if plan.record:
            recorded = self._record(key, body, plan, controller.status(look, plan, body))
            if recorded is None:  # the object is gone: nothing more is done in its name
                return replace(plan, step=None), body
            body = recorded
        try:
            if isinstance(plan.step, AddFinalizer):
                self._hold(key, body)
            elif isinstance(plan.step, LetGo):
                self._let_go(key, body, plan.step)
            else:
                controller.act(key, look)
        except (Refused, Unavailable) as error:
            return controller.refused(key, look, error), body
        return plan, body

    def _record(self, key: Key, body: Body, plan: Plan, status: dict[str, Any] | None) -> Body | None:
        """The object after what the step will destroy has been written down, and told; None if it is gone. Of what the
        step begins nothing is told yet."""
        if status is None or status == body.get("status"):
            return body
        if (new := self._publish(key, body, status)) is not None:
            self._tell(key, body, replace(plan, passing=plan.slot))
        return new

    def _hold(self, key: Key, body: Body) -> None:
        self._keep(key, self._world.kube.add_finalizer(body, finalizer(key.kind)), body)

    def _let_go(self, key: Key, body: Body, step: LetGo) -> None:
        if step.left_behind:
            self._world.metrics.left_in_glance.inc()
            self._world.events.record(body, "Warning", "LeftInGlance", "Delete", step.left_behind)
        rest = self._world.kube.remove_finalizer(body, finalizer(key.kind))
        self._keep(key, rest if rest and rest["metadata"].get("finalizers") else None, body)

    def _keep(self, key: Key, new: Body | None, old: Body) -> None:
        """Own writes are known at once; the watch brings them again, and they are recognised as old.

        So is a change that somebody made just before: it comes with our answer and must not pass unnoticed.
        """
        if new is None:
            self._world.store.drop(key, old["metadata"]["uid"])
        elif self._world.store.put(key, new) and wish(new) != wish(old):
            self._world.queue.add(key, Lane.CHANGED)
        self._world.told(key, old, new)

    def _describe(self, key: Key, controller: Controller, look: Any, plan: Plan, body: Body) -> float:
        """Publish what is new; for a passing state, the seconds for which it is still held back."""
        if plan.passing and (left := self._held_back(key, plan)):
            return left
        if not plan.passing:
            self._passing.pop(key, None)
        status = controller.status(look, plan, body)
        if status is None or status == body.get("status"):
            return 0
        self._publish(key, body, status)
        self._tell(key, body, plan)
        return 0

    def _held_back(self, key: Key, plan: Plan) -> float:
        """Seconds until a passing state has lasted long enough to be worth a write; each one that is written makes
        the next wait twice as long, be it another state or progress in the same."""
        now, reason = time.monotonic(), plan.state.reason
        held = self._passing.get(key, _Held("", now, self._world.settings.show_after))
        if reason != held.reason:
            held = replace(held, reason=reason, since=now)
        left = held.since + held.hold - now
        self._passing[key] = held if left > 0 else _Held(reason, now, max(held.hold, min(2 * held.hold, _LONGEST_HOLD)))
        return max(left, 0.0)

    def _publish(self, key: Key, body: Body, status: dict[str, Any]) -> Body | None:
        if status == body.get("status"):
            return body
        new = self._world.kube.patch_status(body, status)
        self._keep(key, new, body)
        return new

    def _tell(self, key: Key, body: Body, plan: Plan) -> None:
        """An Event and a line in the log for each change of Ready's reason; what only passes is in the status."""
        before = find((body.get("status") or {}).get("conditions") or (), "Ready")
        if plan.passing or before.get("reason") == plan.state.reason:
            return
        reason, message = plan.state.reason, plan.state.message
        fine = plan.state.phase in (Phase.READY, Phase.PAUSED)
        kind: Literal["Normal", "Warning"] = "Normal" if fine else "Warning"
        log.log(logging.INFO if fine else logging.WARNING, "%s: %s", reason, message, extra=about(key))
        self._world.events.record(body, kind, reason, "Reconcile", message or reason)

    def _next(self, key: Key, controller: Controller, look: Any, plan: Plan, held: float) -> Next:
        if plan.backoff:
            return Next(backoff=True)
        if plan.after is None and plan.state.phase in (Phase.READY, Phase.STALLED, Phase.PAUSED):
            return Next(controller.pace(key, look, plan) * random.uniform(0.9, 1.1), Lane.RESYNC)  # noqa: S311
        after = controller.pace(key, look, plan) if plan.after is None else plan.after
        return Next(min(after, held) if held else after, Lane.BEGUN if plan.passing else Lane.CHANGED)


def _released(body: Body) -> bool:
    """Deleted, and not held by us: others may still hold it, but it is none of our business."""
    meta = body["metadata"]
    return "deletionTimestamp" in meta and finalizer(body["kind"]) not in (meta.get("finalizers") or ())


def _invalid_status(body: Body, state: State, now: str) -> dict[str, Any]:
    old = body.get("status") or {}
    generation = body["metadata"]["generation"]
    conditions = merged(old.get("conditions") or (), standard(state, False), generation, now)
    return {**old, "observedGeneration": generation, "conditions": conditions}
