"""The election on a Lease in memory and clocks that the tests move; each replica has a clock of its own."""

import copy
from collections.abc import Callable

import pytest

from glance_operator.runtime.kube import ApiError, Unreachable
from glance_operator.runtime.leader import Alone, Leader, LostLease, Terms
from glance_operator.runtime.store import Body


class World:
    """The API server's one Lease, and true time."""

    def __init__(self) -> None:
        self.lease: Body | None = None
        self.now = 0.0
        self.writes: list[str] = []

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Replica:
    """A Leader with its own clock and its own, perhaps broken, way to the API server."""

    def __init__(self, world: World, name: str, offset: float = 0.0) -> None:
        self.world, self.name, self.cut = world, name, False
        self.told: list[str] = []
        self.before_write: Callable[[], None] = lambda: None
        terms = Terms("default", "operator", name, duration=15, deadline=10, renew=3, look=1)
        self.leader = Leader(self, terms, self, lambda: self.told.append("lost"), lambda: world.now + offset)

    def on_leading(self) -> None:
        self.told.append("leading")

    def on_fenced(self) -> None:
        self.told.append("fenced")

    def get_lease(self, namespace: str, name: str) -> Body | None:
        self._reach()
        return copy.deepcopy(self.world.lease)

    def create_lease(self, namespace: str, lease: Body) -> Body:
        self._reach()
        if self.world.lease is not None:
            raise ApiError(409, "AlreadyExists", "somebody was first")
        return self._store(lease, 1)

    def update_lease(self, lease: Body) -> Body:
        self._reach()
        self.before_write()
        current = self.world.lease
        if current is None or current["metadata"]["resourceVersion"] != lease["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", "changed meanwhile")
        return self._store(lease, current["metadata"]["resourceVersion"] + 1)

    def _store(self, lease: Body, version: int) -> Body:
        stored = copy.deepcopy(lease)
        stored["metadata"]["resourceVersion"] = version
        stored["spec"]["renewTime"] = f"{self.name}-{version}"  # two renewals within one tick of a clock differ, too
        self.world.lease = stored
        self.world.writes.append(self.name)
        return copy.deepcopy(stored)

    def _reach(self) -> None:
        if self.cut:
            raise Unreachable("cut off")

    def may_write(self) -> bool:
        try:
            self.leader.fence()
        except LostLease:
            return False
        return True


@pytest.fixture
def world() -> World:
    return World()


def holder(world: World) -> str:
    return str(world.lease["spec"]["holderIdentity"]) if world.lease else ""


def run(world: World, seconds: float, *replicas: Replica) -> None:
    """Let time pass in quarters of a second, each replica looking when its own step said so; never two may write."""
    due = {replica.name: world.now for replica in replicas}
    for _ in range(int(seconds * 4)):
        for replica in replicas:
            if world.now >= due[replica.name] and "lost" not in replica.told:
                due[replica.name] = world.now + replica.leader.step()
        assert sum(replica.may_write() for replica in replicas) <= 1
        world.advance(0.25)


def test_the_first_leads_and_the_second_waits(world: World) -> None:
    a, b = Replica(world, "a"), Replica(world, "b", offset=1e6)
    run(world, 60, a, b)
    assert (a.told, b.told, holder(world)) == (["leading"], [], "a")
    assert a.may_write()
    assert not b.may_write()


def test_nobody_may_write_before_the_election(world: World) -> None:
    assert not Replica(world, "a").may_write()


def test_a_released_lease_is_taken_at_the_next_look(world: World) -> None:
    a, b = Replica(world, "a"), Replica(world, "b")
    run(world, 20, a, b)
    a.leader._give_back()
    a.leader._renewed = -1e9
    run(world, 1.25, b)
    assert b.told == ["leading"]


@pytest.mark.parametrize("offset", [0.0, 1e6, -1e6])
def test_a_dead_leader_is_followed_within_twenty_seconds(world: World, offset: float) -> None:
    a, b = Replica(world, "a"), Replica(world, "b", offset)
    run(world, 20, a, b)
    died = world.now
    run(world, 14, b)
    assert b.told == []
    run(world, 6, b)
    assert b.told == ["leading"]
    assert world.now - died <= 20


def test_a_standby_that_has_just_come_gives_the_holder_its_whole_time(world: World) -> None:
    """However old the renewTime looks: it may be another machine's wrong clock."""
    a = Replica(world, "a")
    run(world, 1, a)
    world.advance(1000)
    b = Replica(world, "b")
    run(world, 14, b)
    assert b.told == []


def test_a_leader_cut_off_stops_writing_before_another_may_begin(world: World) -> None:
    a, b = Replica(world, "a"), Replica(world, "b")
    run(world, 20, a, b)
    a.cut = True
    run(world, 40, a, b)
    assert (a.told, b.told) == (["leading", "fenced"], ["leading"])


def test_a_leader_cut_off_goes_on_if_nobody_took_the_lease(world: World) -> None:
    a = Replica(world, "a")
    run(world, 20, a)
    a.cut = True
    run(world, 300, a)
    assert not a.may_write()
    a.cut = False
    run(world, 2, a)
    assert a.told == ["leading", "fenced", "leading"]
    assert a.may_write()


def test_a_leader_that_finds_another_in_its_place_ends(world: World) -> None:
    a, b = Replica(world, "a"), Replica(world, "b")
    run(world, 20, a, b)
    a.cut = True
    run(world, 30, a, b)
    a.cut = False
    run(world, 2, a, b)
    assert a.told[-1] == "lost"
    assert holder(world) == "b"


def test_a_leader_that_slept_does_not_write_when_it_wakes(world: World) -> None:
    """The fence knows before the election's thread has looked even once."""
    a, b = Replica(world, "a"), Replica(world, "b")
    run(world, 20, a, b)
    run(world, 25, b)
    assert b.may_write()
    assert not a.may_write()
    a.leader.step()
    a.leader.step()
    assert a.told[-1] == "lost"


def test_a_renewal_counts_from_its_beginning(world: World) -> None:
    """An answer that took nine seconds leaves one of the ten."""
    a = Replica(world, "a")
    run(world, 3, a)
    a.before_write = lambda: world.advance(9)
    a.leader.step()
    assert a.may_write()
    world.advance(1.5)
    assert not a.may_write()


def test_of_two_that_take_it_at_once_one_wins(world: World) -> None:
    a, b = Replica(world, "a"), Replica(world, "b")
    run(world, 1, a)
    world.lease["spec"]["holderIdentity"] = ""  # type: ignore[index]
    c = Replica(world, "c")
    c.before_write = lambda: (b.leader.step(), None)[1]
    c.leader.step()
    assert (holder(world), b.told, c.told) == ("b", ["leading"], [])


def test_a_deleted_lease_is_made_again(world: World) -> None:
    a = Replica(world, "a")
    run(world, 5, a)
    world.lease = None
    run(world, 5, a)
    assert (holder(world), a.told) == ("a", ["leading"])


def test_a_lease_without_a_spec_is_free(world: World) -> None:
    world.lease = {"metadata": {"name": "operator", "namespace": "default", "resourceVersion": 1}}
    a = Replica(world, "a")
    run(world, 1, a)
    assert a.told == ["leading"]


def test_release_closes_the_fence_and_gives_the_lease_back(world: World) -> None:
    a = Replica(world, "a")
    a.leader.start()
    a.leader.release()
    assert holder(world) == ""
    assert not a.may_write()
    assert not a.leader.alive()


def test_release_leaves_another_ones_lease_alone(world: World) -> None:
    a, b = Replica(world, "a"), Replica(world, "b")
    run(world, 1, a, b)
    b.leader._thread.start()
    b.leader.release()
    assert holder(world) == "a"


def test_alone_is_always_the_leader(world: World) -> None:
    a = Replica(world, "a")
    alone = Alone(a)
    alone.start()
    alone.fence()
    alone.release()
    assert (a.told, alone.leading(), alone.alive(), world.writes) == (["leading"], True, True, [])
