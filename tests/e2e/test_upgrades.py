"""Another image of Glance, and what may go wrong on the way: the old pods serve on, and it is said why."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.e2e.lab import Object, Service, api, store
from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit.node import recipes
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.node.places import Place
from sandbox_kit.node.worker import Worker

pytestmark = pytest.mark.timeout(600)
NEXT = f"{recipes.REGISTRY}/glance:next"
LATER = f"{recipes.REGISTRY}/glance:later"
NOWHERE = f"{recipes.REGISTRY}/glance:nowhere"
STAGING = {"pvc": {"claimName": "staging"}}


@pytest.fixture(scope="module")
def service(operator: Deployment, cluster: Place, mariadb: MariaDB) -> Iterator[Service]:
    """A service with two replicas and one store, which serves."""
    made = Service(cluster, mariadb, "upgrades")
    made.make()
    claims = (made.claim("central"), made.claim("staging"))
    made.apply(*claims, made.database(), store("central", "central"), api())
    made.until("gapi/glance", "Ready", "True")
    yield made
    made.end()


def containers(service: Service) -> dict[str, tuple[str, int]]:
    """Pod -> its container and how often that was restarted."""
    nodes = service.get("gapi/glance")["status"]["nodes"]
    return {node["name"]: (node["containerID"], node["restarts"]) for node in nodes}


def items(service: Service, what: str, component: str) -> list[Object]:
    found: list[Object] = service.get(what, f"app.kubernetes.io/component={component}")["items"]
    return found


def says(service: Service, kind: str, text: str, timeout: float) -> None:
    """The condition is False, in time, and its message has this text."""

    def said() -> bool:
        found = condition(service.get("gapi/glance"), kind)
        assert text in found.get("message", ""), service.told()
        return bool(found["status"] == "False")

    eventually(said, timeout)


@contextmanager
def undisturbed(service: Service) -> Iterator[None]:
    """Meanwhile the same containers serve, and nobody restarts them."""
    before = containers(service)
    yield
    assert containers(service) == before
    body = service.get("gapi/glance")
    assert [condition(body, kind)["status"] for kind in ("WorkloadReady", "EndpointReady")] == ["True", "True"]


def test_the_schema_is_prepared_before_the_first_new_pod_and_contracted_after_the_last_old_one(
    service: Service, node: Cluster
) -> None:
    node.worker.tag(recipes.GLANCE.image, NEXT)
    before = containers(service)
    with service.visited() as failed:
        service.patch("gapi/glance", image=NEXT)
        service.until("gapi/glance", "Ready", "True")
    assert failed == []
    pods = items(service, "pods", "api")
    assert [pod["spec"]["containers"][0]["image"] for pod in pods] == [NEXT, NEXT]
    assert not set(containers(service).values()) & set(before.values())

    jobs, began = phases(service), sorted(pod["metadata"]["creationTimestamp"] for pod in pods)
    assert jobs["prepare"]["status"]["completionTime"] <= began[0]
    assert jobs["contract"]["status"]["startTime"] >= began[-1]


def phases(service: Service) -> dict[str, Object]:
    """Phase -> its job, of the image that the service is to have."""
    image = service.get("gapi/glance")["spec"]["image"]
    found = items(service, "jobs", "database")
    now = [job for job in found if job["spec"]["template"]["spec"]["containers"][0]["image"] == image]
    return {job["metadata"]["name"].split("-")[2]: job for job in now}


def test_an_image_that_does_not_exist_reaches_no_pod(service: Service) -> None:
    before = service.get("gapi/glance")["spec"].get("image")
    with undisturbed(service):
        service.patch("gapi/glance", image=NOWHERE)
        says(service, "ConfigReady", f'ErrImageNeverPull: Container image "{NOWHERE}" is not present', 120)
    with undisturbed(service):
        service.patch("gapi/glance", image=before)
        service.until("gapi/glance", "Ready", "True")


def test_a_wrong_connection_reaches_no_pod_and_a_migration_that_fails_neither(service: Service) -> None:
    """One leads nowhere; one to a new database on which its user may not even make a table."""
    with undisturbed(service):
        service.apply(connecting(service, "glance:s3cret@nowhere.invalid/glance"))
        says(service, "ConfigReady", "nowhere.invalid", 120)
        service.apply(connecting(service, reader(service)))
        says(service, "DatabaseReady", "denied to user 'reader'", 180)
        assert "s3cret" not in service.kubectl("get", "gapi,events", "-o", "yaml")

        service.apply(service.database())
        service.until("gapi/glance", "Ready", "True")


def connecting(service: Service, to: str) -> Object:
    return {**service.database(), "stringData": {"connection": f"mysql+pymysql://{to}"}}


def reader(service: Service) -> str:
    """Somebody who may read a database that is empty."""
    statements = (
        "CREATE DATABASE IF NOT EXISTS reading",
        "CREATE USER IF NOT EXISTS reader@'%' IDENTIFIED BY 's3cret'",
        "GRANT SELECT ON reading.* TO reader@'%'",
    )
    client = ("mariadb", "--no-defaults", "-S", "/run/mysqld/mysqld.sock", "-u", "root", "-e", "; ".join(statements))
    service.cluster.run_kubectl("-n", service.mariadb.namespace, "exec", "mariadb-0", "--", *client)
    host = service.mariadb.connection.rpartition("@")[2].partition("/")[0]
    return f"reader:s3cret@{host}/reading"


def test_the_schema_is_contracted_when_all_services_on_it_have_followed(service: Service, node: Cluster) -> None:
    node.worker.tag(recipes.GLANCE.image, LATER)
    service.apply(*follower(service, service.get("gapi/glance")["spec"].get("image")))
    service.until("gapi/edge", "Ready", "True")
    service.until("gapi/edge", "DatabaseReady", "True", "SchemaManagedElsewhere")

    service.patch("gapi/glance", image=LATER)
    service.until("gapi/glance", "Ready", "True")
    told = service.until("gapi/glance", "DatabaseReady", "True", "ContractionAwaited")
    assert "edge-0" in condition(told, "DatabaseReady")["message"]
    assert "contract" not in phases(service)

    service.patch("gapi/edge", image=LATER)
    eventually(lambda: "completionTime" in phases(service).get("contract", {"status": {}})["status"], 120)
    (pod,) = [one for one in items(service, "pods", "api") if one["metadata"]["name"] == "edge-0"]
    assert phases(service)["contract"]["metadata"]["creationTimestamp"] >= pod["metadata"]["creationTimestamp"]
    service.until("gapi/glance", "DatabaseReady", "True", "DatabaseReady")
    service.kubectl("delete", "gapi/edge", "gstore/edge", timeout=120)


def follower(service: Service, image: str | None) -> Iterator[Object]:
    """Another service on the same database, which leaves its schema to the first one."""
    database = {"connectionSecretRef": {"name": "glance-db", "key": "connection"}, "manageSchema": False}
    second = api(replicas=1, staging=None, database=database, defaultStoreRef=None, image=image)
    its_store = store("edge", "edge")
    second["metadata"]["name"] = its_store["spec"]["glanceAPIRef"]["name"] = "edge"
    yield from (service.claim("edge"), its_store, second)


def test_what_is_staged_on_a_pod_is_named_before_the_pod_goes(service: Service) -> None:
    """On a claim it would stay; with a volume per pod others have to know."""
    service.patch("gapi/glance", replicas=1, staging=None)
    url = service.until("gapi/glance", "Ready", "True")["status"]["endpoint"]
    headers = [word for name, value in service.headers.items() for word in ("-H", f"{name}: {value}")]
    asked = json.dumps({"name": "half-done", "disk_format": "raw", "container_format": "bare"})
    made = json.loads(service.ask(f"{url}/v2/images", *headers, "-H", "Content-Type: application/json", "-d", asked))
    binary = ("-H", "Content-Type: application/octet-stream", "--data-binary", "bytes")
    service.ask(f"{url}/v2/images/{made['id']}/stage", *headers, *binary, "-X", "PUT")

    service.patch("gapi/glance", replicas=2, staging=STAGING)
    (event,) = eventually(lambda: [e for e in service.get("events")["items"] if e["reason"] == "StagedDataAtRisk"], 120)
    assert "half-done" in event["note"]
    assert (event["regarding"]["kind"], event["regarding"]["name"]) == ("GlanceAPI", "glance")
    service.until("gapi/glance", "Ready", "True")


def test_a_lost_node_is_named_with_what_to_do_and_the_rest_heals(service: Service, node: Cluster) -> None:
    with node.second_node() as second, only(node, "node1"):
        if image := service.get("gapi/glance")["spec"].get("image"):
            second.tag(recipes.GLANCE.image, image)
        move(service, node, "glance-1", second)
        second.kill()
        told = service.until("gapi/glance", "WorkloadReady", "False", "NodeLost")
        message = condition(told, "WorkloadReady")["message"]
        assert "1 of 2 pods serve; glance-1: NodeLost" in message
        taint = f"kubectl taint nodes {second.name} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
        assert taint in message
        assert condition(told, "EndpointReady")["status"] == "True"
        with service.visited() as failed:
            enough = time.monotonic() + 5  # a hundred visits
            eventually(lambda: time.monotonic() > enough)
        assert failed == [], "the other replica serves"
        assert condition(service.get("gapi/glance"), "WorkloadReady")["message"] == message
        second.start()
        service.until("gapi/glance", "Ready", "True")
        move(service, node, "glance-1", node.worker)


@contextmanager
def only(cluster: Cluster, name: str) -> Iterator[None]:
    """In the end new pods may be put on that node again."""
    try:
        yield
    finally:
        cluster.run_kubectl("uncordon", name)


def move(service: Service, cluster: Cluster, pod: str, target: Worker) -> None:
    """Have the pod made anew on another node, and serve there."""
    for node in json.loads(cluster.run_kubectl("get", "nodes", "-o", "json"))["items"]:
        name = node["metadata"]["name"]
        cluster.run_kubectl("uncordon" if name == target.name else "cordon", name)
    service.kubectl("delete", "pod", pod, timeout=120)

    def moved() -> bool:
        found = [one for one in items(service, "pods", "api") if one["metadata"]["name"] == pod]
        return [(one["spec"].get("nodeName"), condition(one, "Ready").get("status")) for one in found] == [
            (target.name, "True")
        ]

    eventually(moved, 240)
    service.until("gapi/glance", "Ready", "True")
