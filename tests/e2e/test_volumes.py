"""A service with TLS on volumes that may grow, or not, on a real node: what it serves, says, and leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from tests.e2e.lab import Object, Service, api, image, store
from tests.e2e.web import names, secret
from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.pki import Authority, Pair
from sandbox_kit.source import Source

pytestmark = pytest.mark.timeout(600)
NAMESPACE = "volumes"
NAMES = names(NAMESPACE)
HOST = NAMES[0]
STAGING = {"storageClassName": "local", "accessModes": ["ReadWriteOnce"]}
DATA = images.raw(1 << 20)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom clients have to be told."""
    return Authority(tmp_path_factory.mktemp("pki"))


def wanted(source: Source, node: Cluster, **spec: object) -> Object:
    """One pod with TLS; its staging cannot grow, its cache can."""
    given = {
        "replicas": 1,
        "tls": {"secretName": "web"},
        "staging": {"pvc": {"size": "5Gi", **STAGING}},
        "cache": {"maxSize": "1Gi", "volumeSize": "5Gi", "storageClassName": "local-growing"},
        "imports": {"sources": {"allowedHosts": [node.host], "allowedPorts": [source.port]}},
        **spec,
    }
    return api(**given)


@pytest.fixture(scope="module")
def first(authority: Authority) -> Pair:
    """The certificate with which the service begins."""
    return authority.web("first", NAMES)


@pytest.fixture(scope="module")
def service(
    operator: Deployment, node: Cluster, mariadb: MariaDB, source: Source, authority: Authority, first: Pair
) -> Iterator[Service]:
    """A service with an image, and everything that it needs."""
    node.volumes.renew()
    node.volumes.add("growing-more", storage_class="local-growing")  # each pod that is replaced takes a new one
    made = Service(node, mariadb, NAMESPACE)
    made.make()
    made.apply(
        made.database(),
        made.claim("central"),
        store("central", "central"),
        secret(authority, first),
        wanted(source, node),
        image("first", source.serve("first", DATA)),
    )
    yield made
    made.end()
    node.volumes.renew()


def not_after(pair: Pair) -> str:
    return x509.load_pem_x509_certificate(pair.cert.read_bytes()).not_valid_after_utc.strftime("%FT%TZ")


def served(service: Service) -> str:
    """The certificate that clients are shown."""
    script = f"import ssl; print(ssl.get_server_certificate(({HOST!r}, 9292)))"
    found = [*service.cluster.prefix, sys.executable, "-c", script]
    return subprocess.run(found, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def container(service: Service) -> str:
    (node,) = service.get("gapi/glance")["status"]["nodes"]
    found: str = node["containerID"]
    return found


def test_images_are_imported_over_https(service: Service, authority: Authority, first: Pair) -> None:
    told = service.until("gapi/glance", "Ready", "True")["status"]
    assert told["endpoint"] == f"https://{HOST}:9292"
    assert told["tls"]["notAfter"] == not_after(first)
    assert condition({"status": told}, "EndpointReady")["reason"] == "Serving"
    assert condition({"status": told}, "VolumesReady")["reason"] == "Bound"
    service.until("gimg/first", "Ready", "True")
    assert "versions" in service.ask(f"{told['endpoint']}/", "--cacert", str(authority.pair.cert), "--no-fail")


def test_a_pod_trusts_the_services_authority_beside_the_public_ones(service: Service, authority: Authority) -> None:
    script = 'grep -c BEGIN "$REQUESTS_CA_BUNDLE"; cat "$REQUESTS_CA_BUNDLE"'
    count, _, text = service.kubectl("exec", "glance-0", "--", "/bin/sh", "-c", script).partition("\n")
    assert int(count) > 10
    assert authority.pair.cert.read_text().strip() in text


def test_a_certificate_that_clients_would_not_accept_reaches_no_pod(
    service: Service, authority: Authority, first: Pair
) -> None:
    before = container(service)
    service.apply(secret(authority, authority.web("other", ["images.example.org"])))
    told = service.until("gapi/glance", "ConfigReady", "False", "InputInvalid")
    assert f"not valid for {' and '.join(NAMES)}" in condition(told, "ConfigReady")["message"]
    assert condition(told, "EndpointReady")["status"] == "True"
    service.apply(secret(authority, first))
    service.until("gapi/glance", "Ready", "True")
    assert container(service) == before


def test_a_renewed_certificate_replaces_the_pod(service: Service, authority: Authority) -> None:
    before = container(service)
    renewed = authority.web("renewed", NAMES, timedelta(days=90))
    service.apply(secret(authority, renewed))

    def shown() -> bool:
        return bool(service.get("gapi/glance")["status"]["tls"]["notAfter"] == not_after(renewed))

    eventually(shown, 240)
    service.until("gapi/glance", "Ready", "True")
    assert container(service) != before
    assert served(service) == renewed.cert.read_text().strip()


def test_a_growth_that_the_class_does_not_allow_is_told_and_stops_nothing(service: Service) -> None:
    before = container(service)
    service.patch("gapi/glance", staging={"pvc": {"size": "20Gi", **STAGING}})
    told = service.until("gapi/glance", "VolumesReady", "False", "ResizeRefused")
    words = condition(told, "VolumesReady")["message"]
    assert "glance-staging has 10Gi, wanted are 20Gi" in words
    assert "storageclass that provisions the pvc must support resize" in words
    service.until("gapi/glance", "Ready", "True")
    assert container(service) == before


def test_a_growth_that_the_class_allows_is_asked_for_under_the_running_pod(service: Service) -> None:
    before = container(service)
    service.patch("gapi/glance", cache={"maxSize": "1Gi", "volumeSize": "20Gi", "storageClassName": "local-growing"})

    def asked() -> bool:
        claim = service.get("pvc/glance-0-cache")
        return bool(claim["spec"]["resources"]["requests"]["storage"] == "20Gi")

    eventually(asked)
    told = eventually(lambda: resizing(service), 120)
    assert "ExternalExpanding" in told, "nobody makes it so here, and Kubernetes says it"
    service.until("gapi/glance", "Ready", "True")
    assert container(service) == before


def resizing(service: Service) -> str:
    """What is told about a cache that grows, beside what was told before."""
    found = condition(service.get("gapi/glance"), "VolumesReady")
    assert found["reason"] == "ResizeRefused"
    words: str = found["message"]
    return words if "glance-0-cache has 10Gi, wanted are 20Gi" in words else ""


def test_claims_outlive_their_service_unless_the_spec_says_otherwise(
    service: Service, source: Source, node: Cluster
) -> None:
    service.kubectl("delete", "gapi/glance", timeout=120)
    assert "deletionTimestamp" not in service.get("pvc/glance-staging")["metadata"]
    policy = {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}
    service.apply(wanted(source, node, **policy))
    service.until("gapi/glance", "VolumesReady", "True", "Bound")
    service.kubectl("delete", "gapi/glance", timeout=120)
    eventually(lambda: not service.kubectl("get", "pvc/glance-staging", "--ignore-not-found", "-o", "name"), 120)
    assert json.loads(service.kubectl("get", "pvc/central", "-o", "json"))["status"]["phase"] == "Bound"


def test_no_key_is_in_what_people_see(service: Service, authority: Authority) -> None:
    told = service.kubectl("get", "gapi,gstore,gimg,events,statefulsets,pods", "-o", "yaml")
    for path in Path(authority.pair.key.parent).glob("*.key"):
        assert path.read_text().splitlines()[1] not in told
