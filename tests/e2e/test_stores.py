"""Stores that come, change and fail while their service runs, on a real node."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.e2e.lab import GROUP, Object, Service, api, image, store
from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.node.places import MANY
from sandbox_kit.source import Source

pytestmark = pytest.mark.timeout(900)
NAMESPACE = "stores"
DATA = images.raw(1 << 20)
FULL = "StorageFull: There is not enough disk space"
WHO = ("X-Identity-Status: Confirmed", "X-User-Id: u", "X-Project-Id: p", "X-Roles: admin")


def claim(service: Service, node: Cluster, name: str, room: str = "") -> Object:
    """A claim on a volume of its own, which has no more room than is said."""
    volume = f"{NAMESPACE}-{name}"
    node.volumes.add(volume, MANY)
    if room:
        node.worker.confine(volume, room)
    made = service.claim(name)
    made["spec"]["volumeName"] = volume
    return made


def share(name: str, **nfs: Object) -> Object:
    spec = {"glanceAPIRef": {"name": "glance"}, "type": "nfs", "nfs": nfs}
    return {"apiVersion": GROUP, "kind": "GlanceStore", "metadata": {"name": name}, "spec": spec}


@pytest.fixture(scope="module")
def service(operator: Deployment, node: Cluster, mariadb: MariaDB, source: Source) -> Iterator[Service]:
    """One with two replicas, one store and one image."""
    made = Service(node, mariadb, NAMESPACE)
    made.make()
    made.apply(
        *(claim(made, node, name) for name in ("central", "share", "staging")),
        claim(made, node, "full", room="512k"),
        made.database(),
        store("central", "central"),
        api(imports={"sources": {"allowedHosts": [node.host], "allowedPorts": [source.port]}}),
        image("one", source.serve("one", DATA)),
    )
    made.until("gimg/one", "Ready", "True")
    made.until("gapi/glance", "Ready", "True")
    yield made
    made.end()


def started(service: Service) -> dict[str, str]:
    return {node["name"]: node["startTime"] for node in service.get("gapi/glance")["status"]["nodes"]}


def offered(service: Service) -> list[str]:
    return [one["name"] for one in service.get("gapi/glance")["status"]["stores"]]


def words(service: Service, what: str, kind: str) -> str:
    return str(condition(service.get(what), kind).get("message", ""))


def says(service: Service, what: str, told: str) -> bool:
    return told in words(service, what, "Ready")


def read(service: Service, name: str, to: Path) -> str:
    """The digest of what the service serves."""
    url = service.get("gapi/glance")["status"]["endpoint"]
    identity = service.get(f"gimg/{name}")["status"]["id"]
    headers = [word for header in WHO for word in ("-H", header)]
    service.ask(f"{url}/v2/images/{identity}/file", *headers, "-o", str(to))
    return hashlib.sha256(to.read_bytes()).hexdigest()


def test_nobody_notices_that_a_store_is_added(service: Service, source: Source) -> None:
    before, uid = started(service), service.get("statefulset/glance")["metadata"]["uid"]
    with service.visited() as failed:
        service.apply(share("share", pvc={"claimName": "share"}))
        told = service.until("gstore/share", "Ready", "True", timeout=400)["status"]
    assert failed == []
    assert told["capacity"]["available"]
    assert offered(service) == ["central", "share"]
    assert service.get("statefulset/glance")["metadata"]["uid"] == uid, "nothing was recreated"
    assert all(when != before[name] for name, when in started(service).items()), "each pod was replaced"
    service.apply(image("two", source.serve("two", DATA), stores={"names": ["share"]}))
    service.until("gimg/two", "Ready", "True")


def test_a_store_that_is_full_stays_out_with_its_drivers_words(service: Service) -> None:
    before = started(service)
    service.apply(store("full", "full"))
    service.until("gstore/full", "Usable", "False", "ProbeFailed")
    assert FULL in words(service, "gstore/full", "Usable")
    status = service.get("gapi/glance")["status"]
    assert (status["storesReady"], offered(service)) == ("2/3", ["central", "share"])
    service.kubectl("delete", "gstore", "full", timeout=60)
    assert started(service) == before


def test_an_export_that_no_pod_may_mount_says_so(service: Service) -> None:
    service.apply(share("inline", inline={"server": "nfs.example.org", "path": "/export"}))
    eventually(lambda: "violates PodSecurity" in words(service, "gstore/inline", "Usable"), 120)
    assert "nfs" in words(service, "gstore/inline", "Usable")
    service.kubectl("delete", "gstore", "inline", timeout=60)


def test_a_change_that_does_not_work_changes_nothing(service: Service, tmp_path: Path) -> None:
    before = started(service)
    for claim_name, reason, told in (
        ("full", "ProbeFailed", FULL),
        ("nowhere", "Probing", 'persistentvolumeclaim "nowhere" not found'),
    ):
        service.patch("gstore/central", file={"pvc": {"claimName": claim_name}})
        service.until("gstore/central", "Ready", "False", reason)
        eventually(partial(says, service, "gstore/central", told))
        assert "the service goes on with what was proven before" in words(service, "gstore/central", "Ready")
        assert condition(service.get("gstore/central"), "Usable")["status"] == "True"
        service.until("gapi/glance", "Ready", "True")
        assert read(service, "one", tmp_path / "one") == hashlib.sha256(DATA).hexdigest()
    service.patch("gstore/central", file={"pvc": {"claimName": "central"}})
    service.until("gstore/central", "Ready", "True")
    assert started(service) == before
