"""What others do to an object while a pass is under way."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.runtime.engine_cluster import KEY, Cluster

from glance_operator.core.plan import AddFinalizer, Phase, Plan, State, doing
from glance_operator.runtime.engine import finalizer
from glance_operator.runtime.kube import ApiError, Changed
from glance_operator.runtime.store import Body

READY = Plan(State(Phase.READY, "Available", "Served"))
HOLDING = doing(AddFinalizer(), "Holding", "")
CHANGES: dict[str, dict[str, Any]] = {
    "another spec": {"generation": 2},
    "deleted": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
    "to be tried again": {"annotations": {"glance-operator.io/retry": "now"}},
}


class Busy(Cluster):
    """Somebody changes the object just before each write of ours: the watch brings nothing newer than our answer."""

    def __init__(self, changed: dict[str, Any]) -> None:
        super().__init__()
        self.changed = changed
        self.create(finalizer("Image"))

    def _new(self, body: Body, **changes: Any) -> Body | None:
        new = super()._new(body, **changes)
        return new and {**new, "metadata": new["metadata"] | self.changed}


@pytest.mark.parametrize("plan", [READY, HOLDING], ids=["status", "finalizer"])
@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_a_change_that_only_our_own_answer_shows_gets_a_pass(plan: Plan, changed: dict[str, Any]) -> None:
    busy = Busy(changed)
    busy.run(plan, READY)
    assert busy.engine._world.queue.poll() == KEY


@pytest.mark.parametrize("changed", [{}, {"labels": {"a": "b"}}], ids=["nothing", "a label"])
def test_what_nobody_wished_for_gets_none(changed: dict[str, Any]) -> None:
    busy = Busy(changed)
    busy.run(READY)
    assert busy.engine._world.queue.poll() is None


class Outrun(Cluster):
    """Somebody else is faster with the first write."""

    outrun = False

    def patch_status(self, body: Body, status: Body) -> Body | None:
        if self.outrun:
            return super().patch_status(body, status)
        self.outrun, fresh = True, self._new(body)
        assert fresh is not None
        raise Changed(ApiError(409, "Conflict", "the object has been modified"), fresh)


def test_a_status_thought_of_an_older_state_is_thought_again_at_once() -> None:
    cluster = Outrun()
    cluster.create(finalizer("Image"))
    cluster.run(READY, READY)
    assert cluster.told() == ["write Available", "Normal Available: Served"]
