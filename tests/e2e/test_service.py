"""A GlanceAPI from `kubectl apply` to images in its stores, on a real node."""

from __future__ import annotations

import hashlib
import json

import pytest
from tests.e2e.lab import Service, api, image, store
from tests.integration.images.lab import condition
from tests.support import eventually

from glance_operator.api.base import bytes_of
from sandbox_kit import images
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.node.places import Place
from sandbox_kit.source import Source

pytestmark = pytest.mark.timeout(600)
DATA = images.raw(1 << 20)


@pytest.fixture(scope="module")
def service(operator: Deployment, cluster: Place, mariadb: MariaDB, source: Source) -> Service:
    """A service with two replicas and two stores, everything applied at once and in no order."""
    made = Service(cluster, mariadb, "service")
    made.make()
    sources = {"allowedHosts": [cluster.host], "allowedPorts": [source.port]}
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
    return made


def test_it_comes_up_from_objects_in_any_order(service: Service) -> None:
    body = service.until("gapi/glance", "Ready", "True")
    status = body["status"]
    assert (status["readyReplicas"], status["storesReady"]) == (2, "2/2")
    assert status["endpoint"] == "http://glance.service.svc.cluster.local:9292"
    assert status["version"]["release"].startswith("33.")
    assert [(one["name"], one.get("default")) for one in status["stores"]] == [("central", True), ("edge", False)]
    assert all(node["ready"] and node["containerID"] and node["restarts"] == 0 for node in status["nodes"])
    for name in ("central", "edge"):
        told = service.until(f"gstore/{name}", "Ready", "True")["status"]
        assert bytes_of(told["capacity"]["total"]) > bytes_of(told["capacity"]["available"]) > 0


def test_an_image_that_was_there_first_is_served_from_every_store(service: Service) -> None:
    body = service.until("gimg/first", "Ready", "True")
    for name in ("central", "edge"):
        assert service.digest_in(name, body["status"]["id"]) == hashlib.sha256(DATA).hexdigest()


def started(service: Service) -> dict[str, str]:
    """Pod -> when its container started; empty while it has none."""
    return {node["name"]: node.get("startTime", "") for node in service.get("gapi/glance")["status"]["nodes"]}


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


def test_a_policy_edit_restarts_nothing_and_a_rule_taken_away_is_gone(service: Service) -> None:
    before, url = started(service), service.get("gapi/glance")["status"]["endpoint"]

    def listed() -> bool:
        """Whether somebody without rights may list images."""
        headers = ("X-Identity-Status: Confirmed", "X-User-Id: u", "X-Project-Id: p", "X-Roles: reader")
        words = [word for header in headers for word in ("-H", header)]
        return service.ask(f"{url}/v2/images", *words, "-o", "/dev/null", "-w", "%{http_code}", "--no-fail") == "200"

    eventually(listed)
    service.patch("gapi/glance", policy={"get_images": "role:nobody"})
    eventually(lambda: not listed())
    assert started(service) == before
    service.patch("gapi/glance", policy=None)
    eventually(lambda: all(started(service).get(name) not in {"", None, when} for name, when in before.items()), 240)
    service.until("gapi/glance", "Ready", "True")
    eventually(listed)


def test_what_a_purge_says_when_it_fails_is_told(service: Service) -> None:
    job = json.loads(
        service.kubectl("create", "job", "now", "--from=cronjob/glance-purge", "--dry-run=client", "-o", "json")
    )
    service.apply(job)
    service.kubectl("wait", "--for=condition=Complete", "job/now", "--timeout=120s", timeout=130)
    service.until("gapi/glance", "HousekeepingReady", "True")
    job["metadata"]["name"] = "nightly"
    job["spec"]["backoffLimit"] = 0
    job["spec"]["template"]["spec"]["containers"][0]["command"] = [
        "/bin/sh",
        "-c",
        "echo no room in the binlog; exit 1",
    ]
    service.apply(job)
    told = service.until("gapi/glance", "HousekeepingReady", "False", "PurgeFailed")
    assert "Job nightly: no room in the binlog" in condition(told, "HousekeepingReady")["message"]
    service.kubectl("delete", "job", "now", "nightly")
    service.until("gapi/glance", "HousekeepingReady", "True")


def test_a_store_that_holds_images_is_not_let_go(service: Service) -> None:
    service.kubectl("delete", "gstore", "edge", "--wait=false")
    told = service.until("gstore/edge", "InUse", "True", "ImagesPresent")
    assert "1 image still lives here: first" in json.dumps(told["status"]["conditions"])


def test_the_namespace_ends_with_everything_in_it(service: Service) -> None:
    """Nobody can delete the image once the pods are gone, too: that is not waited for beyond the usual grace."""
    service.cluster.run_kubectl("delete", "namespace", "service", timeout=300)
