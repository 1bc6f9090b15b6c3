"""Users with Keystone's tokens notice nothing of what is changed about their service: no request of theirs fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.e2e.lab import KeystoneService, Service, api, store
from tests.support import eventually

from sandbox_kit.keystone import Keystone
from sandbox_kit.node import recipes
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.node.places import Place

pytestmark = pytest.mark.timeout(600)
UPGRADE = f"{recipes.GLANCE.image}-next"


@pytest.fixture(scope="module")
def service(operator: Deployment, cluster: Place, mariadb: MariaDB, keystone: Keystone) -> Iterator[KeystoneService]:
    """Two replicas, one store, Keystone; what is staged lies in each pod."""
    made = KeystoneService(cluster, mariadb, "availability", keystone)
    made.make()
    made.apply(
        made.database(),
        made.credentials(),
        *(made.claim(name) for name in ("central", "edge")),
        api(auth=made.auth, staging=None),
        store("central", "central"),
    )
    made.until("gapi/glance", "Ready", "True")
    yield made
    made.end()


def configure(service: Service) -> None:
    service.patch("gapi/glance", extraConfig={"DEFAULT": {"image_tag_quota": "64"}})
    service.until("gapi/glance", "Ready", "True")


def add_a_store(service: Service) -> None:
    service.apply(store("edge", "edge"))
    service.until("gstore/edge", "Ready", "True")
    service.until("gapi/glance", "Ready", "True")


def scale(service: Service) -> None:
    service.kubectl("scale", "gapi/glance", "--replicas=1")
    eventually(lambda: len(service.get("gapi/glance")["status"]["nodes"]) == 1, 120)
    service.kubectl("scale", "gapi/glance", "--replicas=2")
    service.until("gapi/glance", "Ready", "True")


@pytest.mark.parametrize("change", [configure, add_a_store, scale])
def test_nobody_notices(service: KeystoneService, change: Callable[[Service], None]) -> None:
    with service.visited() as failed:
        change(service)
    assert failed == []


def test_nobody_notices_an_upgrade(service: KeystoneService, node: Cluster) -> None:
    """Another name of the same image is another release to everybody but Glance."""
    node.worker.tag(recipes.GLANCE.image, UPGRADE)
    with service.visited() as failed:
        service.patch("gapi/glance", image=UPGRADE)
        service.until("gapi/glance", "Ready", "True")
    assert failed == []
    pods = service.get("pods", "app.kubernetes.io/component=api")["items"]
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {UPGRADE}
