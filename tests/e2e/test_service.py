"""A GlanceAPI from `kubectl apply` to images in its stores, on a real node."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
from tests.e2e.lab import Operator, Service, api, image, store
from tests.support import eventually

from glance_operator.api.base import bytes_of
from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.source import Source

pytestmark = pytest.mark.timeout(600)
DATA = images.raw(1 << 20)


@pytest.fixture(scope="module")
def source(cluster: Cluster) -> Iterator[Source]:
    """Files that pods can fetch."""
    with Source(cluster.host) as running:
        yield running


@pytest.fixture(scope="module")
def service(
    cluster: Cluster,
    crds_installed: ControlPlane,
    mariadb: MariaDB,
    source: Source,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """A service with two replicas and two stores, everything applied at once and in no order."""
    crds_installed.run_kubectl("create", "namespace", "service")
    crds_installed.run_kubectl("label", "namespace", "service", "pod-security.kubernetes.io/enforce=restricted")
    made = Service(cluster, mariadb, "service")
    sources = {"allowedHosts": [cluster.host], "allowedPorts": [source.port]}
    with Operator(tmp_path_factory.mktemp("operator"), cluster, watch_namespaces="service", lost_grace="10s"):
        made.apply(
            image("first", source.serve("first", DATA), stores={"names": ["central", "edge"]}),
            store("edge", "edge"),
            store("central", "central"),
            api(imports={"sources": sources}),
            made.claim("central"),
            made.claim("edge"),
            made.claim("staging"),
            made.database(),
        )
        yield made


def test_it_comes_up_from_objects_in_any_order(service: Service) -> None:
    body = service.until("gapi/glance", "Ready", "True", timeout=180)
    status = body["status"]
    assert (status["readyReplicas"], status["storesReady"]) == (2, "2/2")
    assert status["endpoint"] == "http://glance.service.svc.cluster.local:9292"
    assert status["version"]["release"].startswith("33.")
    assert [(one["name"], one.get("default")) for one in status["stores"]] == [("central", True), ("edge", False)]
    assert all(node["ready"] and node["containerID"] and node["restarts"] == 0 for node in status["nodes"])
    for name in ("central", "edge"):
        told = service.until(f"gstore/{name}", "Ready", "True")["status"]
        assert bytes_of(told["capacity"]["total"]) > bytes_of(told["capacity"]["available"]) > 0


def test_an_image_that_was_there_first_is_served_from_every_store(service: Service, cluster: Cluster) -> None:
    body = service.until("gimg/first", "Ready", "True")
    for claim in ("central", "edge"):
        volume = service.get(f"pvc/{claim}")["spec"]["volumeName"]
        data = (cluster.volumes.path(volume) / body["status"]["id"]).read_bytes()
        assert hashlib.sha256(data).digest() == hashlib.sha256(DATA).digest()


def started(service: Service) -> dict[str, str]:
    return {node["name"]: node["startTime"] for node in service.get("gapi/glance")["status"]["nodes"]}


def test_an_option_that_glance_does_not_know_reaches_no_pod(service: Service) -> None:
    before = started(service)
    service.patch("gapi/glance", extraConfig={"wsgi": {"foo": "bar"}})
    told = service.until("gapi/glance", "ConfigReady", "False", "ConfigRefused")
    words = next(one["message"] for one in told["status"]["conditions"] if one["type"] == "ConfigReady")
    assert "[wsgi] foo" in words
    assert next(one["status"] for one in told["status"]["conditions"] if one["type"] == "WorkloadReady") == "True"
    service.patch("gapi/glance", extraConfig=None)
    service.until("gapi/glance", "Ready", "True")
    assert started(service) == before


def test_nobody_notices_another_configuration_or_fewer_replicas(service: Service) -> None:
    before = started(service)
    with service.visited() as failed:
        service.patch("gapi/glance", extraConfig={"DEFAULT": {"image_tag_quota": "64"}})
        service.until("gapi/glance", "Ready", "True", timeout=180)
        after = started(service)
        service.kubectl("scale", "gapi/glance", "--replicas=1")
        eventually(lambda: len(service.get("gapi/glance")["status"]["nodes"]) == 1, 120)
        service.kubectl("scale", "gapi/glance", "--replicas=2")
        service.until("gapi/glance", "Ready", "True", timeout=120)
    assert failed == []
    assert all(after[name] != when for name, when in before.items()), "each pod was replaced"


def test_a_policy_edit_restarts_nothing_and_a_rule_taken_away_is_gone(service: Service) -> None:
    before, url = started(service), service.get("gapi/glance")["status"]["endpoint"]

    def listed() -> bool:
        """Whether somebody without rights may list images."""
        headers = ("X-Identity-Status: Confirmed", "X-User-Id: u", "X-Project-Id: p", "X-Roles: reader")
        words = [word for header in headers for word in ("-H", header)]
        return service.ask(f"{url}/v2/images", *words, "-o", "/dev/null", "-w", "%{http_code}", "--no-fail") == "200"

    eventually(listed)
    service.patch("gapi/glance", policy={"get_images": "role:nobody"})
    eventually(lambda: not listed(), 20)
    assert started(service) == before
    service.patch("gapi/glance", policy=None)
    eventually(lambda: started(service).keys() == before.keys() and started(service) != before, 120)
    service.until("gapi/glance", "Ready", "True", timeout=120)
    eventually(listed)


def test_a_store_that_holds_images_is_not_let_go(service: Service) -> None:
    service.kubectl("delete", "gstore", "edge", "--wait=false")
    told = service.until("gstore/edge", "InUse", "True", "ImagesPresent")
    assert "1 image still lives here: first" in json.dumps(told["status"]["conditions"])


def test_the_namespace_ends_with_everything_in_it(service: Service) -> None:
    """Nobody can delete the image once the pods are gone, too: that is not waited for beyond the usual grace."""
    service.cluster.run_kubectl("delete", "namespace", "service", timeout=300)
