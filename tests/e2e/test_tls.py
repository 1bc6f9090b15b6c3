"""Pods with TLS and Keystone: they ask each other, and the operator asks them, by names that certificates vouch for."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.e2e.lab import KeystoneService, api, image, store
from tests.e2e.web import names, secret
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.keystone import Keystone
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.pki import Authority
from sandbox_kit.source import Source

pytestmark = pytest.mark.timeout(600)
NAMESPACE = "tls"


class TlsService(KeystoneService):
    """A service whose authority clients have to be told."""

    authority: Authority

    def ask(self, url: str, *words: str) -> str:
        token = f"X-Auth-Token: {self.headers['X-Auth-Token']}"
        return super().ask(url, "--cacert", str(self.authority.pair.cert), "-H", token, *words)


@pytest.fixture(scope="module")
def service(
    operator: Deployment,
    node: Cluster,
    mariadb: MariaDB,
    keystone: Keystone,
    source: Source,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TlsService]:
    """Two replicas with Keystone; what is staged lies in each pod."""
    made = TlsService(node, mariadb, NAMESPACE, keystone)
    made.authority = Authority(tmp_path_factory.mktemp("pki"))
    made.make()
    sources = {"allowedHosts": [node.host], "allowedPorts": [source.port]}
    made.apply(
        made.database(),
        made.credentials(),
        made.claim("central"),
        secret(made.authority, made.authority.web("web", names(NAMESPACE))),
        api(auth=made.auth, staging=None, tls={"secretName": "web"}, imports={"sources": sources}),
        store("central", "central"),
        image("fetched", source.serve("fetched", images.raw(1 << 20))),
    )
    made.until("gapi/glance", "Ready", "True", timeout=300)
    yield made
    made.end()


def test_the_operator_imports_by_it(service: TlsService) -> None:
    service.until("gimg/fetched", "Ready", "True")


def test_what_one_pod_has_staged_another_one_imports(service: TlsService) -> None:
    here, there = (node["url"] for node in service.get("gapi/glance")["status"]["nodes"])
    assert here.startswith("https://glance-0.glance-pods.")
    plain = ("-H", "Content-Type: application/json", "-d")
    made = json.loads(service.ask(f"{here}/v2/images", *plain, '{"disk_format": "raw", "container_format": "bare"}'))
    path = f"/v2/images/{made['id']}"
    data = ("-X", "PUT", "-H", "Content-Type: application/octet-stream", "--data-binary", "bytes that lie in one pod")
    service.ask(f"{here}{path}/stage", *data)
    service.ask(f"{there}{path}/import", *plain, '{"method": {"name": "glance-direct"}}')
    eventually(lambda: json.loads(service.ask(f"{there}{path}"))["status"] == "active")
    assert service.ask(f"{here}{path}/file") == "bytes that lie in one pod"
    service.ask(f"{here}{path}", "-X", "DELETE")
