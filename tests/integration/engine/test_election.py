"""Two operators and one Lease: the second takes over in time, and never do two write.

What was written by whom, in which order, is read from the API server's own watch.
"""

import signal
from collections.abc import Iterator
from itertools import groupby

import pytest
from tests.integration.engine.cluster import IMAGES, LEASES, Cluster, Seen, Watch, message
from tests.integration.engine.operators import Operator, Operators
from tests.support import eventually

from glance_operator.runtime.kube import Kube


@pytest.fixture
def writes(kube: Kube, cluster: Cluster) -> Iterator[Watch]:
    """Every status that an operator wrote: `<identity> <count> <what>`."""
    watch = Watch(kube, IMAGES.path(cluster.namespace), message)
    yield watch
    watch.close()


@pytest.fixture
def holders(kube: Kube, cluster: Cluster) -> Iterator[Watch]:
    """Every holder of the Lease, "" when it is free."""
    watch = Watch(kube, LEASES.path(cluster.namespace), lambda lease: str(lease["spec"].get("holderIdentity") or ""))
    yield watch
    watch.close()


def pair(operators: Operators, **settings: object) -> tuple[Operator, Operator]:
    """`a`, which leads, and `b`, which is ready to."""
    a = operators.start("a", **settings)
    eventually(lambda: a.ready() and a.leads())
    b = operators.start("b", **settings)
    eventually(b.ready)
    return a, b


def writers(watch: Watch) -> list[str]:
    """Who wrote, one entry for an unbroken series of writes."""
    return [name for name, _ in groupby(one.says.split(" ")[0] for one in list(watch.seen) if one.says)]


def first(watch: Watch, start: str) -> Seen:
    """The first state that says something beginning so."""
    found = eventually(lambda: [one for one in list(watch.seen) if one.says.startswith(start)])
    return found[0]


def test_a_leader_that_ends_finishes_its_pass_then_hands_over(
    cluster: Cluster, operators: Operators, writes: Watch, holders: Watch
) -> None:
    """SIGTERM: no new pass, the running one ends, then the Lease is released, and the other acts within 2 s."""
    a, b = pair(operators)
    cluster.create("slow", "slow-3")
    first(writes, "a 1 began")
    a.send(signal.SIGTERM)
    cluster.create("next")
    assert a.wait() == 0
    took_over = first(writes, "b ")
    ended, released = first(writes, "a 2 ended"), next(one for one in holders.seen if not one.says)
    assert ended.version < released.version < took_over.version
    assert took_over.at - released.at <= 2.0
    assert writers(writes) == ["a", "b"]
    assert "the Lease is released" in a.text()
    assert b.leads()


def test_a_pass_longer_than_the_grace_is_cut_and_writes_nothing_more(
    cluster: Cluster, operators: Operators, writes: Watch
) -> None:
    a, _ = pair(operators, shutdown_grace=1)
    cluster.create("slow", "slow-20")
    first(writes, "a 1 began")
    a.send(signal.SIGTERM)
    assert a.wait(10) == 0
    cluster.create("next")
    first(writes, "b ")
    assert "they are cut" in a.text()
    assert writers(writes) == ["a", "b"]


def test_a_leader_that_is_killed_is_followed_when_its_lease_is_over(
    cluster: Cluster, operators: Operators, writes: Watch
) -> None:
    """A third of the default times: a third of 20 s. (The test below waits for the default ones.)"""
    a, _ = pair(operators, lease_duration=5, renew_deadline=3.5, renew_interval=1, standby_interval=0.3)
    cluster.create("write", "write")
    first(writes, "a ")
    a.send(signal.SIGKILL)
    a.wait()
    last = writes.seen[-1]
    assert first(writes, "b ").at - last.at <= 20 / 3
    assert writers(writes) == ["a", "b"]


def test_a_leader_that_was_paused_never_writes_beside_its_successor(
    cluster: Cluster, operators: Operators, writes: Watch
) -> None:
    """Stopped for more than 20 s while it writes without pause; awake again, it writes nothing and ends."""
    a, b = pair(operators)
    cluster.create("write", "write")
    first(writes, "a ")
    a.send(signal.SIGSTOP)
    stopped = writes.seen[-1].at
    followed = first(writes, "b ")
    assert followed.at - stopped <= 20
    eventually(lambda: writes.seen[-1].at - stopped > 21)
    a.send(signal.SIGCONT)
    assert a.wait() == 1
    count = len(writes.seen)
    eventually(lambda: len(writes.seen) > count + 20)
    assert writers(writes) == ["a", "b"]
    assert "another replica took the Lease" in a.text()
    assert b.leads()


def test_a_single_operator_without_election_needs_no_lease(cluster: Cluster, operators: Operators) -> None:
    operators.start("alone", leader_elect=False)
    cluster.create("a")
    assert eventually(lambda: message(cluster.get("a"))).startswith("alone ")
    assert cluster.lease() == {}
