"""What goes on and what comes back when parts of a cluster end: pods, nodes, the database, the operator's leader."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.lab import PATIENCE, Service, api, image, store
from tests.e2e.pods import ready
from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.deployment import NAMESPACE, Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.node.places import Place
from sandbox_kit.source import Fault, Source

pytestmark = pytest.mark.timeout(600)
DATA = images.raw(1 << 20)
OUTAGE = 60  # seconds without a database
SLOW = 20  # seconds of a slow download


@pytest.fixture(scope="module")
def service(operator: Deployment, cluster: Place, mariadb: MariaDB, source: Source) -> Iterator[Service]:
    """A service with two replicas, one store, and an image in it."""
    made = Service(cluster, mariadb, "outages")
    made.make()
    made.apply(
        made.database(),
        *(made.claim(name) for name in ("central", "staging")),
        api(imports={"sources": {"allowedHosts": [cluster.host], "allowedPorts": [source.port]}}),
        store("central", "central"),
        image("resting", source.serve("resting", DATA)),
    )
    made.until("gapi/glance", "Ready", "True")
    made.until("gimg/resting", "Ready", "True")
    yield made
    made.end()


def test_a_rollout_goes_on_when_the_leader_is_killed_in_it(service: Service, operator: Deployment) -> None:
    leader = operator.leader()
    with service.visited() as failed:
        service.patch("gapi/glance", extraConfig={"DEFAULT": {"image_tag_quota": "65"}})
        eventually(lambda: service.get("statefulset/glance")["status"].get("updatedReplicas") == 1, PATIENCE)
        service.cluster.run_kubectl("delete", "pod", leader, "-n", NAMESPACE, "--grace-period=0", "--force")
        eventually(lambda: operator.leader() not in {"", leader}, 120)
        service.until("gapi/glance", "Ready", "True")
    assert failed == []
    operator.wait()


@pytest.mark.parametrize(
    "change", [{"replicas": 1}, {"replicas": 2, "extraConfig": {"DEFAULT": {"image_tag_quota": "66"}}}]
)
def test_imports_that_end_in_time_outlive_their_pods(service: Service, source: Source, change: dict[str, Any]) -> None:
    """Pods of the service that have to go finish what they began: each source is asked for its file once."""
    names = [f"slow-{change['replicas']}-{number}" for number in range(4)]
    slow = Fault(rate=len(DATA) // SLOW)
    service.apply(*(image(name, source.serve(name, DATA, slow)) for name in names))
    eventually(lambda: all(downloads(source, name) for name in names), PATIENCE)
    service.patch("gapi/glance", **change)
    service.until("gapi/glance", "Ready", "True")
    for name in names:
        service.until(f"gimg/{name}", "Ready", "True")
        assert downloads(source, name) == 1


def downloads(source: Source, name: str) -> int:
    """Those of Glance: the operator asks for a few bytes of what has arrived."""
    return sum("range" not in request.headers for request in source.requests_of(name))


def test_a_database_that_is_gone_for_a_minute_costs_no_pod_and_no_image(
    service: Service, mariadb: MariaDB, source: Source
) -> None:
    before = service.get("gapi/glance")["status"]["nodes"]
    with mariadb.gone():
        began = time.monotonic()
        service.apply(image("meanwhile", source.serve("meanwhile", DATA)))
        service.until("gimg/meanwhile", "Ready", "False", "GlanceUnavailable")
        eventually(lambda: time.monotonic() > began + OUTAGE, PATIENCE)
        assert condition(service.get("gimg/resting"), "Ready")["status"] == "True", "at rest nothing is lost by waiting"
    service.until("gimg/meanwhile", "Ready", "True")
    service.until("gapi/glance", "Ready", "True")
    assert service.get("gapi/glance")["status"]["nodes"] == before


def test_both_pods_killed_come_back(service: Service) -> None:
    before = containers(service)
    service.kubectl("delete", "pod", *before, "--grace-period=0", "--force")
    eventually(lambda: all(containers(service).get(pod, old) != old for pod, old in before.items()), PATIENCE)
    service.until("gapi/glance", "Ready", "True")
    assert condition(service.get("gimg/resting"), "Ready")["status"] == "True"


def containers(service: Service) -> dict[str, str]:
    """Pod -> its container."""
    return {node["name"]: node.get("containerID", "") for node in service.get("gapi/glance")["status"]["nodes"]}


def test_a_node_comes_back_with_its_pods_after_a_power_cut(service: Service, node: Cluster) -> None:
    node.worker.kill()
    node.worker.start()
    eventually(node.ready, PATIENCE)
    eventually(lambda: all(one["restarts"] > 0 for one in service.get("gapi/glance")["status"]["nodes"]), PATIENCE)
    service.until("gapi/glance", "Ready", "True")
    ready(node, "database", "mariadb-0")


def test_a_drained_node_costs_no_request(service: Service, node: Cluster) -> None:
    """The pods keep apart where they can, and one goes after the other where they must."""
    with node.second_node() as second:
        service.kubectl("delete", "pod", "glance-1")
        service.until("gapi/glance", "WorkloadReady", "False")
        service.until("gapi/glance", "Ready", "True")
        assert {nodes_of(service)["glance-0"], nodes_of(service)["glance-1"]} == {"node1", second.name}
        with service.visited() as failed:
            words = ("--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s")
            node.run_kubectl("drain", second.name, *words, timeout=130)
            service.until("gapi/glance", "Ready", "True")
        assert failed == []
        assert set(nodes_of(service).values()) == {"node1"}


def nodes_of(service: Service) -> dict[str, str]:
    """Where each pod of the service runs."""
    pods = service.get("pods", "app.kubernetes.io/component=api")["items"]
    return {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in pods}


def test_a_service_that_was_deleted_and_made_again_has_its_images(service: Service) -> None:
    body = service.get("gapi/glance")
    service.kubectl("delete", "gapi", "glance", timeout=120)
    service.until("gimg/resting", "Ready", "False", "APIGone")
    service.until("gstore/central", "Ready", "False", "APIGone")
    assert {one["metadata"]["name"] for one in service.get("pvc")["items"]} >= {"central", "staging"}
    service.apply(api(**body["spec"]))
    service.until("gapi/glance", "Ready", "True")
    told = service.until("gimg/resting", "Ready", "True")["status"]
    assert told.get("incarnation", 1) == 1, "the same image, found again"
