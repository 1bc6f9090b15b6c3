"""An Image in the caches of the service's pods: what is done, what is said, and when there is nothing to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import EXPECTED_ID, body_of, later, memory, queued, read_again, spec
from tests.unit.core.caches import COMING, FILLED, HAVE, NODES, NOT, ROOM, node, world

from glance_operator.core.conditions import find
from glance_operator.core.image import caching, decide
from glance_operator.core.image.caches import CacheList, Caches
from glance_operator.core.image.caching import CacheImage, UncacheImage
from glance_operator.core.image.deletion import DeleteImage
from glance_operator.core.image.observed import Node, View
from glance_operator.core.image.status import status
from glance_operator.core.plan import Phase


def step(of: View) -> object:
    _, plan = decide(of)
    assert plan.state.phase is Phase.READY or plan.passing, "the image is served, whatever its caches do"
    return plan.step


def said(of: View, old: dict[str, Any] | None = None) -> dict[str, Any]:
    body = body_of(of, old)
    return status(*decide(of), body)


def told(of: View) -> tuple[str, str, list[str]]:
    """status and reason of the condition, and each pod in few words."""
    found = said(of)
    one = find(found["conditions"], "Cached")
    pods = [f"{pod['node']} {pod['status']} {pod.get('reason')}" for pod in found.get("cached") or ()]
    return one.get("status", ""), one.get("reason", ""), pods


class TestPuttingIt:
    def test_pod_after_pod(self) -> None:
        assert step(world(NOT, NOT)) == CacheImage(EXPECTED_ID, NODES[0])
        asked = {"resting": frozenset({"glance-0"})}
        assert step(world(COMING, NOT, caches=asked)) == CacheImage(EXPECTED_ID, NODES[1])
        assert step(world(HAVE, HAVE)) is None

    def test_meanwhile_it_is_looked_at_and_told(self) -> None:
        of = world(COMING, HAVE, caches={"resting": frozenset({"glance-0"}), "idle": 10.0})
        assert decide(of)[1].after == 1.5
        assert told(of) == ("False", "Caching", ["glance-0 False Caching", "glance-1 True Cached"])

    def test_once_it_is_everywhere_there_is_quiet(self) -> None:
        of = world(HAVE, HAVE)
        assert decide(of)[1].after is None
        assert told(of) == ("True", "AllNodes", ["glance-0 True Cached", "glance-1 True Cached"])
        first = said(of)
        again = read_again(of, body_of(of, first))
        assert again.memory.cached == FILLED
        assert said(again, first) == first

    @pytest.mark.parametrize(
        "gone", [{"ready": False}, {"leaving": True}, {"cache_ready": False}, {"cache_ready": None}]
    )
    def test_what_cannot_be_believed_is_not_asked(self, gone: dict[str, Any]) -> None:
        of = world(HAVE, nodes=(node(0), node(1, **gone)))
        assert [caching.concerns(of, one) for one in of.nodes or ()] == [True, False]
        assert (step(of), decide(of)[1].after) == (None, None)
        assert told(of)[2] == ["glance-0 True Cached", "glance-1 False PodNotReady"]

    def test_a_pod_that_does_not_answer_keeps_what_it_had(self) -> None:
        of = world(HAVE, memory=memory(cached=FILLED), caches={"idle": float("inf")})
        assert told(of)[2] == ["glance-0 True Cached", "glance-1 True Cached"]
        assert decide(of)[1].after == 15
        new = replace(of, nodes=(node(0), node(1, container_id="new")))
        assert told(new)[2] == ["glance-0 True Cached", "glance-1 False PodNotAnswering"]

    def test_why_it_does_not_come_about_is_quoted(self) -> None:
        of = world(NOT, HAVE, caches={"words": {"glance-0": "HTTP 403: no"}, "resting": frozenset({"glance-0"})})
        message = find(said(of)["conditions"], "Cached")["message"]
        assert message == "In the caches of 1 of 2 pods; glance-0: Caching (HTTP 403: no)"

    def test_not_before_it_has_content(self) -> None:
        of = world(image=queued(), memory=memory(imported=False, was_ready=False, cached=FILLED))
        assert told(of) == ("Unknown", "NotImported", [])

    def test_nothing_is_said_where_nobody_asks_for_it(self) -> None:
        assert told(world(spec=spec())) == ("", "", [])


class TestNoRoom:
    def test_a_service_without_a_cache(self) -> None:
        of = world(caches={"room": None})
        assert (step(of), decide(of)[1].after) == (None, None)
        assert told(of) == ("False", "NoCache", [])
        assert "GlanceAPI glance" in find(said(of)["conditions"], "Cached")["message"]

    def test_what_does_not_fit_beside_those_before_is_not_put(self) -> None:
        of = world(NOT, NOT, caches={"taken": ROOM - 1535})
        assert (step(of), decide(of)[1].after) == (None, None)
        assert told(of) == ("False", "CacheTooSmall", [])
        assert step(world(NOT, NOT, caches={"taken": ROOM - 1536}))

    def test_what_no_longer_fits_is_removed(self) -> None:
        of = world(HAVE, NOT, memory=memory(cached=FILLED), caches={"taken": ROOM})
        assert step(of) == UncacheImage(EXPECTED_ID, NODES[0])
        assert told(of) == ("False", "CacheTooSmall", ["glance-0 True Cached"])

    def test_each_has_its_turn_by_its_name(self) -> None:
        assert caching.taken({}, 10) == {}
        assert caching.taken({"b": 3, "a": 4, "c": 1}, 10) == {"a": 0, "b": 4, "c": 7}
        assert caching.taken({"a": 11, "b": 3, "c": 2}, 10) == {"a": 0, "b": 0, "c": 3}, "the first is too large"
        assert caching.taken({"a": 8, "b": 3, "c": 2, "d": 1}, 10) == {"a": 0, "b": 8, "c": 8, "d": 10}


class TestRemovingIt:
    OF = spec(cloudCredentialsRef=None, glanceAPIRef={"name": "glance"})

    def of(self, *lists: CacheList | None, **changes: Any) -> View:
        plain: dict[str, Any] = {"spec": self.OF, "memory": memory(cached=FILLED)}
        return world(*lists, **plain | changes)

    def test_from_each_pod_that_had_it(self) -> None:
        assert step(self.of(NOT, HAVE)) == UncacheImage(EXPECTED_ID, NODES[1])
        assert told(self.of(NOT, HAVE)) == ("False", "Removing", ["glance-1 True Cached"])
        assert told(self.of(NOT, NOT)) == ("", "", [])

    def test_what_is_being_fetched_is_removed_once_it_is_there(self) -> None:
        assert step(self.of(NOT, COMING, caches={"idle": 1.0})) is None
        assert decide(self.of(NOT, COMING, caches={"idle": 1.0}))[1].after == 0.5
        assert step(self.of(NOT, COMING, caches={"idle": 100.0})) == UncacheImage(EXPECTED_ID, NODES[1])

    def test_a_pod_that_is_away_is_awaited(self) -> None:
        of = self.of(NOT, nodes=(node(0), node(1, ready=False)))
        assert (step(of), decide(of)[1].after) == (None, None)
        assert told(of)[2] == ["glance-1 True Cached"]

    def test_a_new_pod_has_nothing_to_remove(self) -> None:
        assert told(self.of(NOT, nodes=(node(0), node(1, cache_ready=False)))) == ("", "", [])
        assert told(self.of(NOT, nodes=(node(0),))) == ("", "", [])

    def test_before_the_image_goes(self) -> None:
        of = world(HAVE, HAVE, memory=memory(cached=FILLED), deleted_at=later(-1))
        assert step(of) == UncacheImage(EXPECTED_ID, NODES[0])
        assert step(replace(of, caches=replace(of.caches, resting=frozenset({"glance-0", "glance-1"})))) == (
            DeleteImage(EXPECTED_ID)
        ), "nobody waits for a pod that does not do it"
        assert isinstance(step(replace(of, caches=Caches(ROOM))), DeleteImage)


class TestQuiet:
    """Whether an Image rests, as far as it tells itself."""

    @staticmethod
    def quiet(of: View, nodes: tuple[Node, ...] = NODES, fitting: bool | None = True) -> bool:
        return caching.quiet(body_of(of, said(of)), nodes, fitting)

    def test_with_what_was_told_last(self) -> None:
        assert self.quiet(world(HAVE, HAVE))
        assert not self.quiet(world(HAVE, COMING))
        assert self.quiet(world(spec=spec()))

    @pytest.mark.parametrize(
        ("changes", "quiet"),
        [
            ({"container_id": "new"}, False),
            ({"container_id": "", "ready": False}, False),
            ({"ready": False}, True),
            ({"leaving": True}, True),
        ],
    )
    def test_when_a_pod_changes(self, changes: dict[str, Any], quiet: bool) -> None:
        assert self.quiet(world(HAVE, HAVE), (node(0), node(1, **changes))) is quiet

    def test_when_pods_come_and_go(self) -> None:
        assert not self.quiet(world(HAVE, HAVE), (node(0),))
        assert not self.quiet(world(HAVE, HAVE), (*NODES, node(2)))
        away = world(HAVE, nodes=(node(0), node(1, cache_ready=False)))
        assert self.quiet(away, away.nodes or ())
        assert not self.quiet(away)

    def test_when_room_changes(self) -> None:
        small = world(NOT, NOT, caches={"taken": ROOM})
        assert [self.quiet(small, fitting=fitting) for fitting in (False, True, None)] == [True, False, False]
        without = world(caches={"room": None})
        assert [self.quiet(without, fitting=fitting) for fitting in (False, True, None)] == [False, False, True]
        assert not self.quiet(world(HAVE, HAVE), fitting=False)

    def test_when_it_is_no_longer_wanted(self) -> None:
        told = said(world(HAVE, HAVE))
        assert not caching.quiet(body_of(world(spec=spec()), told), NODES, fitting=True)
