"""No API server for two minutes, in every way, at the same time: each way has an operator of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
from tests.chaos.conftest import DOWN, Weather, new_namespace
from tests.chaos.crowd import forgot
from tests.chaos.faults import MINUTES
from tests.chaos.gallery import Door, Gallery
from tests.chaos.proxy import Fault, Proxy
from tests.integration.images.lab import Lab, Operator
from tests.support import eventually

from glance_operator.runtime.kube import Kube
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Source

log = logging.getLogger(__name__)
LASTS = 120.0
LATE = 10.0  # so long before the end, when all pauses have become as long as they may, more is changed
OBJECTS = 30  # for each fault
DEADLINE = 10.0  # the operator's default: it acts for so long after it last renewed its Lease


class Glancing:
    """The real operator, with a proxy before the API server and a door before Glance."""

    def __init__(self, lab: Lab, kube: Kube, directory: Path, stack: ExitStack) -> None:
        self.lab, self.gallery, self._kube = lab, Gallery(lab), kube
        self.proxy = stack.enter_context(Proxy(kube.transport.connection()))
        self.door = stack.enter_context(Door(lab.glance.url))
        headers = lab.glance.trusted_headers()
        entry = {"auth_type": "none", "image_endpoint_override": self.door.url, "trusted_headers": headers}
        lab.apply(lab.credentials(clouds={"clouds": {"images": entry}}))
        settings = {"watch_namespaces": lab.namespace, "lease_namespace": lab.namespace, "leader_elect": "true"}
        kubeconfig = self.proxy.kubeconfig(directory / "kubeconfig")
        self.operator = stack.enter_context(Operator(directory, kubeconfig, **settings))

    def renewed(self) -> float:
        """When the Lease was renewed last, in seconds of the wall clock."""
        lease = self._kube.get_lease(self.lab.namespace, "glance-operator")
        assert lease
        return datetime.fromisoformat(lease["spec"]["renewTime"]).timestamp()


class Endured:
    """What all of them went through. done: seconds after the end until everything was as it should be, by fault."""

    def __init__(self, weathers: dict[str, Weather], glancing: Glancing) -> None:
        self.weathers, self.glancing = weathers, glancing
        self.done: dict[str, Future[float]] = {}
        self.images: Future[float]
        self.renewed = self.ended = 0.0

    def go_through(self) -> None:
        """From fair weather to fair weather."""
        for name, weather in self.weathers.items():
            weather.crowd.before("minutes")
            log.info("%s: begins after %.1f s", name, weather.crowd.finish(weather.operator))
        self.glancing.gallery.fill()
        for fault in MINUTES:
            self.weathers[fault.name].proxy.begin(fault)
        self.glancing.proxy.begin(DOWN)
        self._meanwhile(time.monotonic())
        for proxy in [weather.proxy for weather in self.weathers.values()] + [self.glancing.proxy]:
            proxy.end()
        self.ended = time.time()

    def look(self, hands: ThreadPoolExecutor) -> None:
        """Wait for all of them at the same time."""
        self.images = hands.submit(self.glancing.gallery.finish)
        self.done = {name: hands.submit(w.crowd.finish, w.operator) for name, w in self.weathers.items()}

    def _meanwhile(self, began: float) -> None:
        for weather in self.weathers.values():
            weather.crowd.during("minutes", OBJECTS // 2)
        self.glancing.gallery.during()
        self.renewed = self.glancing.renewed()
        eventually(lambda: time.time() > self.renewed + DEADLINE + 1)
        self.glancing.gallery.let_finish()
        eventually(lambda: time.monotonic() - began > LASTS - LATE, timeout=LASTS, interval=1)
        for weather in self.weathers.values():
            weather.crowd.change("late", OBJECTS // 2)
        eventually(lambda: time.monotonic() - began > LASTS)


@pytest.fixture(scope="module")
def endured(
    kube: Kube, crds_installed: ControlPlane, glance: Glance, source: Source, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Endured]:
    """All operators, after the faults are over and everybody had time to catch up."""
    with ExitStack() as stack:
        lab = Lab(crds_installed, glance, source, new_namespace(kube))
        glancing = Glancing(lab, kube, tmp_path_factory.mktemp("glancing"), stack)
        weathers = {fault.name: Weather(kube, tmp_path_factory.mktemp("minutes"), OBJECTS, stack) for fault in MINUTES}
        for weather in weathers.values():
            weather.crowd.fill()
            weather.start()
        endured = Endured(weathers, glancing)
        endured.go_through()
        endured.look(stack.enter_context(ThreadPoolExecutor(len(MINUTES) + 1)))
        yield endured


@pytest.mark.parametrize("fault", MINUTES, ids=lambda fault: fault.name)
def test_everything_is_done_within_half_a_minute(endured: Endured, fault: Fault) -> None:
    weather = endured.weathers[fault.name]
    log.info("%s: done %.1f s after its end", fault.name, endured.done[fault.name].result())
    assert weather.operator.process.alive
    assert weather.operator.ask("/healthz") == (200, "ok\n")
    assert fault.refuse or weather.proxy.hits
    eventually(lambda: forgot(weather.crowd, weather.operator, "minutes"))


def test_images_are_as_they_should_be_each_of_them_once(endured: Endured) -> None:
    log.info("images: done %.1f s after the end", endured.images.result())
    assert endured.glancing.operator.process.alive


def test_glance_is_left_alone_without_the_lease(endured: Endured) -> None:
    endured.images.result()
    from_, to = endured.renewed + DEADLINE + 0.5, endured.ended
    changes = endured.glancing.door.changes
    assert [what for at, what in changes if from_ < at < to] == []
    assert [what for at, what in changes if at >= to], "there was nothing to be done at all"
