"""Whatever a watch, a list or a write is answered: nothing is lost, and no process has to be started again.

Several operators go through the faults side by side, each through some of them: most of the time is waiting.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack

import pytest
from tests.chaos.conftest import DOWN, Weather
from tests.chaos.faults import ERROR_500, READS, WRITES
from tests.chaos.proxy import Fault
from tests.chaos.storm import STARTS, survive
from tests.support import eventually

from glance_operator.runtime.kube import Kube

log = logging.getLogger(__name__)
FAULTS = READS + WRITES
OPERATORS = 4
OBJECTS = 50  # for each operator
DEADLINE = 2.0  # so that the Lease runs out in the longer faults


@pytest.fixture(scope="module")
def weathers(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Weather]]:
    """Operators that were started while there was no API server, and all have found their objects since."""
    lease = {"lease_duration": 3, "renew_deadline": DEADLINE, "renew_interval": 0.5, "standby_interval": 0.3}
    with ExitStack() as stack:
        weathers = [Weather(kube, tmp_path_factory.mktemp("chaos"), OBJECTS, stack) for _ in range(OPERATORS)]
        for weather in weathers:
            weather.proxy.begin(DOWN)
            weather.crowd.fill()
            weather.start(**lease)
        for weather in weathers:
            eventually(lambda operator=weather.operator: "does not answer" in operator.text())  # type: ignore[misc]
            weather.proxy.end()
            weather.crowd.finish(weather.operator)
        yield weathers


@pytest.fixture(scope="module")
def survived(weathers: list[Weather]) -> Iterator[dict[str, Future[None]]]:
    """What became of each fault, by its name."""
    with ExitStack() as stack:
        hands = [stack.enter_context(ThreadPoolExecutor(1)) for _ in weathers]
        for hand in hands:
            stack.callback(hand.shutdown, cancel_futures=True)
        lines = list(zip(hands, weathers, strict=True))
        yield {
            fault.name: lines[number % OPERATORS][0].submit(survive, lines[number % OPERATORS][1], fault)
            for number, fault in enumerate(FAULTS)
        }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(survived: dict[str, Future[None]], fault: Fault) -> None:
    survived[fault.name].result()


def test_none_of_it_needed_another_process(weathers: list[Weather], survived: dict[str, Future[None]]) -> None:
    wait(survived.values())
    for weather in weathers:
        assert weather.operator.process.alive
        assert weather.operator.ask("/healthz") == (200, "ok\n")
        figures = weather.operator.metrics()
        log.info("in the end: %s", {n: v for n, v in figures.items() if n.startswith(("glance_operator", "process"))})
        assert figures[STARTS] > 1


def test_without_its_lease_an_operator_writes_nothing(
    weathers: list[Weather], survived: dict[str, Future[None]]
) -> None:
    wait(survived.values())
    weather = weathers[0]
    weather.crowd.cluster.create("writer", "write")  # the operator writes it for ever
    weather.proxy.begin(Fault("the Lease cannot be renewed", "lease", ERROR_500))
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 2 * DEADLINE)
    writes = [one.at - began for one in weather.proxy.asked if one.kind == "patch"]
    weather.proxy.end()
    ended = time.monotonic()
    assert writes, "there was nothing to be done at all"
    assert writes[-1] <= DEADLINE + 0.2
    eventually(lambda: any(one.kind == "patch" and one.at > ended for one in weather.proxy.asked))
