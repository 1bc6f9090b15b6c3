"""What happens during a fault is done within 30 s of its end, for every one of 200 objects, by the same process."""

import logging
import time

import pytest
from tests.chaos.conftest import Weather
from tests.chaos.faults import FAULTS
from tests.chaos.proxy import Fault
from tests.integration.engine.cluster import recorded
from tests.integration.engine.operators import Operator
from tests.support import eventually

log = logging.getLogger(__name__)
FINALIZER = "glance-operator.io/image"
OBJECTS, CHANGED, DELETED, VANISHED = 200, 50, 3, 2  # all there are; and what happens to how many in each fault
LASTS = 2.0
IN_TIME = 30.0


@pytest.fixture(scope="module")
def operator(weather: Weather) -> Operator:
    """Started while there is no API server, and 200 objects wait for it. Its Lease runs out in the longer faults."""
    list(weather.hands.map(lambda number: weather.cluster.create(f"image-{number}"), range(OBJECTS)))
    operator = weather.operators.start(
        "survivor", lease_duration=3, renew_deadline=2, renew_interval=0.5, standby_interval=0.3
    )
    eventually(lambda: "does not answer" in operator.text())
    weather.proxy.end()
    return operator


def unfinished(weather: Weather) -> list[str]:
    """Objects whose present generation was not handled, and deleted ones that are still held."""
    bodies = weather.cluster.all()
    return [one["metadata"]["name"] for one in bodies if not recorded(one) or "deletionTimestamp" in one["metadata"]]


def finish(weather: Weather, operator: Operator, since: float) -> float:
    """Wait until nothing is unfinished; how long it took. Fails when it took longer than it may."""

    def finished() -> bool:
        left = unfinished(weather)
        assert not left, f"{len(left)} of {OBJECTS} are lost, {left[:5]} among them; log:\n{operator.text()[-3000:]}"
        return True

    eventually(finished, timeout=IN_TIME, interval=0.3)
    assert operator.process.poll() is None
    return time.monotonic() - since


def test_an_api_server_that_comes_late(weather: Weather, operator: Operator) -> None:
    finish(weather, operator, time.monotonic())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(weather: Weather, operator: Operator, fault: Fault) -> None:
    finish(weather, operator, time.monotonic())
    cluster, tag, number = weather.cluster, fault.name.replace(" ", "-"), FAULTS.index(fault)
    changing = [f"image-{n % OBJECTS}" for n in range(number * CHANGED, (number + 1) * CHANGED)]
    doomed = [f"doomed-{tag}-{n}" for n in range(DELETED)]
    vanishing = [f"vanishing-{tag}-{n}" for n in range(VANISHED)]
    list(weather.hands.map(cluster.create, doomed + vanishing))
    list(weather.hands.map(lambda name: cluster.patch(name, {"metadata": {"finalizers": [FINALIZER]}}), doomed))
    finish(weather, operator, time.monotonic())

    weather.proxy.begin(fault)
    began = time.monotonic()
    list(weather.hands.map(lambda name: cluster.patch(name, {"spec": {"tags": [tag]}}), changing))
    list(weather.hands.map(cluster.delete, doomed + vanishing))
    cluster.create(f"new-{tag}")
    eventually(lambda: time.monotonic() - began > LASTS and (fault.refuse or weather.proxy.hits > 0))
    asked = [kind for kind, _, _ in weather.proxy.asked]
    weather.proxy.end()

    seconds = finish(weather, operator, time.monotonic())
    log.info("%s: all done %.1f s after its end; %d watches asked for", fault.name, seconds, asked.count("watch"))
    assert asked.count("watch") < 40, "a watch that fails must not be asked for in a hot loop"
    eventually(lambda: all(f"forgot Image/{cluster.namespace}/{name}" in operator.text() for name in vanishing))


def test_none_of_it_needed_another_process(weather: Weather, operator: Operator) -> None:
    assert operator.process.poll() is None
    assert operator.ask("/healthz") == (200, "ok\n")
    figures = operator.metrics()
    ours = {name: value for name, value in figures.items() if name.startswith(("glance_operator", "process"))}
    log.info("in the end: %s", ours)
    assert figures["glance_operator_feed_starts_total"] > 1
