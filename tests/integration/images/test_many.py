"""Many at once: few imports in flight, one look for all of them, and nobody waits behind a crowd."""

import re
import time
from collections.abc import Iterator

import pytest
from tests.integration.images.conftest import new_namespace
from tests.integration.images.lab import ForkedOperator, Lab, Operator, condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Fault, Source

DATA = images.raw(1 << 16)
GETS = re.compile(r'glance_operator_glance_requests_total\{cloud="[^"]*",code="\d+",method="GET"\}')


@pytest.fixture
def crowd(crds_installed: ControlPlane, glance: Glance, source: Source) -> Lab:
    lab = Lab(crds_installed, glance, source, new_namespace(crds_installed))
    lab.apply(lab.credentials())
    return lab


@pytest.fixture
def serving(crowd: Lab, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Operator]:
    settings = {"watch_namespaces": crowd.namespace, "imports_per_cloud": request.param}
    with ForkedOperator(tmp_path_factory.mktemp("operator"), crowd.kube.kubeconfig, **settings) as running:
        yield running


def reasons(lab: Lab) -> list[str]:
    return [condition(body, "Ready").get("reason", "") for body in lab.all()]


@pytest.mark.parametrize("serving", [6], indirect=True)
def test_running_imports_are_looked_at_together(crowd: Lab, serving: Operator) -> None:
    stalled = Fault(stall_after=1000)
    crowd.apply(*(crowd.image(f"slow-{i}", crowd.source.serve(f"together-{i}", DATA, stalled)) for i in range(6)))
    eventually(lambda: reasons(crowd) == ["Downloading"] * 6)
    began, before = time.monotonic(), gets(serving)
    eventually(lambda: time.monotonic() - began > 5)
    asked = gets(serving) - before
    for i in range(6):
        crowd.source.release(f"together-{i}")
        crowd.ready(f"slow-{i}")
    # a look each 0.15 of an import's age: six that were looked at one by one would need six times as many
    assert 1 <= asked <= 12, f"{asked} requests for six imports"


def gets(operator: Operator) -> float:
    return sum(value for sample, value in operator.metrics().items() if GETS.fullmatch(sample))


@pytest.mark.parametrize("serving", [1], indirect=True)
def test_a_crowd_that_waits_delays_nobody(crowd: Lab, serving: Operator) -> None:
    crowd.apply(crowd.image("served", crowd.source.serve("served", DATA)))
    image_id = crowd.ready("served")["status"]["id"]
    first = crowd.source.serve("crowd-first", DATA, Fault(stall_after=1000))
    crowd.apply(crowd.image("first", first))
    eventually(lambda: crowd.source.stalled("crowd-first"))
    url = crowd.source.serve("crowd", DATA)
    crowd.apply(*(crowd.image(f"crowd-{i:03}", url) for i in range(100)))
    began = time.monotonic()
    crowd.patch("served", tags=["now"])
    eventually(lambda: (crowd.in_glance(image_id) or {})["tags"] == ["now"], timeout=10)
    took = time.monotonic() - began
    eventually(lambda: reasons(crowd).count("Queued") == 100, timeout=30)
    assert serving.metrics()[f'glance_operator_imports_in_flight{{cloud="{crowd.namespace}/openstack/images"}}'] == 1
    crowd.kubectl("delete", "gimg", "-l", "!none", "--wait=false", "--field-selector=metadata.name!=first")
    eventually(lambda: reasons(crowd) == ["Downloading"], timeout=30)
    crowd.source.release("crowd-first")
    crowd.ready("first")
    assert took < 5, f"a change waited {took:.1f} s behind a crowd"
