"""Images in the caches of a service's pods: on their disks, served while the store is away, and there again later."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.lab import Service, api, image, store
from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.source import Source

pytestmark = pytest.mark.timeout(600)
MIB = 1 << 20
NAMESPACE = "cached"
PODS = ("glance-0", "glance-1")
SMALL, LARGE = {"maxSize": "3Mi"}, {"maxSize": "8Mi"}
VOLUME = {"volumeSize": "1Gi", "storageClassName": "local", "maintenanceInterval": "10s"}
PREFETCH = {"cache": {"prefetch": "AllNodes"}}


@pytest.fixture(scope="module")
def service(operator: Deployment, node: Cluster, mariadb: MariaDB, source: Source) -> Iterator[Service]:
    """Two pods with a cache of 3 MiB each, and images: `first` is to be in the caches, `plain` is not."""
    made = Service(node, mariadb, NAMESPACE)
    made.make()
    made.apply(
        made.database(),
        made.claim("central"),
        made.claim("staging"),
        store("central", "central"),
        api(
            imports={"sources": {"allowedHosts": [node.host], "allowedPorts": [source.port]}},
            cache=SMALL | VOLUME,
        ),
        image("first", source.serve("first", images.raw(MIB)), **PREFETCH),
        image("plain", source.serve("plain", images.raw(4 * MIB))),
    )
    made.until("gimg/first", "Ready", "True")
    yield made
    made.end()


def identity(service: Service, name: str) -> str:
    return str(service.get(f"gimg/{name}")["status"]["id"])


def in_cache(service: Service, image_id: str) -> list[bool]:
    """For each pod, whether the file is on its disk."""
    return [(service.path_of(f"{pod}-cache") / image_id).exists() for pod in PODS]


def download(service: Service, image_id: str, pod: str) -> bytes:
    """The data as this pod gives it; CalledProcessError if it does not."""
    nodes = service.get("gapi/glance")["status"]["nodes"]
    url = next(node["url"] for node in nodes if node["name"] == pod)
    headers = [word for name, value in service.headers.items() for word in ("-H", f"{name}: {value}")]
    curl = [*service.cluster.prefix, "curl", "-sSf", "-m", "20", *headers, f"{url}/v2/images/{image_id}/file"]
    return subprocess.run(curl, capture_output=True, check=True).stdout


def entries(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["node"], one["status"]) for one in body["status"].get("cached") or ()]


def test_it_is_on_the_disk_of_each_pod(service: Service) -> None:
    body = service.until("gimg/first", "Cached", "True", "AllNodes")
    assert entries(body) == [(pod, "True") for pod in PODS]
    stored = (service.path_of("central") / body["status"]["id"]).read_bytes()
    for pod in PODS:
        assert (service.path_of(f"{pod}-cache") / body["status"]["id"]).read_bytes() == stored
    service.until("gapi/glance", "HousekeepingReady", "True")


def test_it_is_served_while_the_store_is_away(service: Service) -> None:
    service.until("gimg/plain", "Ready", "True")
    first, plain = identity(service, "first"), identity(service, "plain")
    stored, held = service.path_of("central"), hashlib.sha256(images.raw(MIB)).digest()
    mode = stored.stat().st_mode
    stored.chmod(0)
    try:
        for pod in PODS:
            assert hashlib.sha256(download(service, first, pod)).digest() == held
            with pytest.raises(subprocess.CalledProcessError):
                download(service, plain, pod)
    finally:
        stored.chmod(mode)


def test_what_others_download_does_not_push_it_out_for_long(service: Service) -> None:
    """The download fills the cache beyond its size, and pruning begins with what was not asked for the longest time."""
    first, plain = identity(service, "first"), identity(service, "plain")
    download(service, plain, "glance-0")
    eventually(lambda: in_cache(service, plain) == [False, False], 120)
    eventually(lambda: in_cache(service, first) == [True, True], 120)
    service.until("gimg/first", "Cached", "True")


def test_a_new_pod_is_filled_again(service: Service) -> None:
    before = {node["name"]: node["containerID"] for node in service.get("gapi/glance")["status"]["nodes"]}
    service.kubectl("delete", "pod", "glance-1", timeout=120)

    def filled() -> bool:
        entry = next(one for one in service.get("gimg/first")["status"]["cached"] if one["node"] == "glance-1")
        assert entry.get("containerID") not in (None, before["glance-1"])
        return bool(entry["status"] == "True")

    eventually(filled, 120)
    assert in_cache(service, identity(service, "first")) == [True, True]
    assert service.until("gimg/first", "Cached", "True")


def test_more_than_fits_is_told_and_not_tried(service: Service, source: Source) -> None:
    service.apply(image("huge", source.serve("huge", images.raw(4 * MIB)), **PREFETCH))
    service.until("gimg/huge", "Ready", "True")
    told = service.until("gimg/huge", "Cached", "False", "CacheTooSmall")
    assert "Of 3 MiB (GlanceAPI glance" in condition(told, "Cached")["message"]
    assert in_cache(service, told["status"]["id"]) == [False, False]
    service.until("gimg/first", "Cached", "True")
    service.patch("gapi/glance", cache=LARGE | VOLUME)
    service.until("gapi/glance", "Ready", "True")
    for name in ("huge", "first"):
        service.until(f"gimg/{name}", "Cached", "True", "AllNodes")
        assert in_cache(service, identity(service, name)) == [True, True]


def test_it_goes_where_it_is_no_longer_wanted(service: Service) -> None:
    service.until("gapi/glance", "Ready", "True")
    first, huge = identity(service, "first"), identity(service, "huge")
    service.patch("gimg/first", cache=None)
    eventually(lambda: in_cache(service, first) == [False, False])
    eventually(lambda: "cached" not in service.get("gimg/first")["status"])
    assert condition(service.get("gimg/first"), "Cached") == {}
    assert in_cache(service, huge) == [True, True]
    service.kubectl("delete", "gimg", "huge", timeout=60)
    assert in_cache(service, huge) == [False, False]
