"""Images that a real Job brings to a service in pods: proven, staged on one pod, and imported there."""

from __future__ import annotations

import hashlib
import json
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
from sandbox_kit.source import Fault, Source

pytestmark = pytest.mark.timeout(600)
NAMESPACE = "transfers"
MIB = 1 << 20
DATA = images.raw(8 * MIB)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def service(operator: Deployment, node: Cluster, mariadb: MariaDB, source: Source) -> Iterator[Service]:
    """A service of one pod, which stages on its own disk."""
    made = Service(node, mariadb, NAMESPACE)
    made.make()
    made.apply(
        made.database(),
        made.claim("central"),
        store("central", "central"),
        api(staging={"emptyDir": {"sizeLimit": "1Gi"}}, replicas=1),
    )
    made.until("gapi/glance", "Ready", "True")
    yield made
    made.end()


def wanted(url: str, digest: str = SHA256, **more: Any) -> dict[str, Any]:
    return {"source": {"http": {"url": url}, "checksum": {"sha256": digest}}, **more}


def jobs(service: Service, name: str) -> list[str]:
    """Its Jobs that are still there."""
    found = (one["metadata"]["name"] for one in service.get("jobs")["items"])
    return [one for one in found if one.startswith(f"{name}-transfer-")]


def test_a_job_proves_what_the_service_imports(service: Service, source: Source) -> None:
    service.apply(image("proven", "", **wanted(source.serve("proven", DATA))))
    body = service.until("gimg/proven", "Ready", "True")
    verified = condition(body, "Verified")
    assert (verified["status"], verified["reason"]) == ("True", "ChecksumMatches")
    stored = (service.path_of("central") / body["status"]["id"]).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == SHA256
    eventually(lambda: not jobs(service, "proven"))


def test_what_is_not_what_was_demanded_is_never_imported(service: Service, source: Source) -> None:
    service.apply(image("other", "", **wanted(source.serve("other", DATA), "0" * 64)))
    body = service.until("gimg/other", "Stalled", "True", "ChecksumMismatch")
    assert SHA256 in condition(body, "Ready")["message"]
    assert len(source.requests_of("other")) == 1


def test_its_progress_is_told_and_a_pod_that_ends_is_a_failed_attempt(service: Service, source: Source) -> None:
    service.apply(image("slow", "", **wanted(source.serve("slow", DATA, Fault(rate=MIB // 2, times=1)))))

    def told() -> bool:
        message = condition(service.get("gimg/slow"), "Ready").get("message", "")
        assert "of 8 MiB" in message, message
        return True

    eventually(told, 120)
    (job,) = jobs(service, "slow")
    service.kubectl("delete", "pod", "-l", f"batch.kubernetes.io/job-name={job}", "--grace-period=0", "--force")
    body = service.until("gimg/slow", "Ready", "True")
    assert condition(body, "Verified")["status"] == "True"


def test_a_quota_is_told_in_kubernetes_words(service: Service, source: Source) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"requests.memory": "1Mi"}, "scopes": ["NotBestEffort"]},
    }
    service.kubectl("apply", "-f", "-", stdin=json.dumps(quota))
    try:
        service.apply(image("quota", "", **wanted(source.serve("quota", DATA))))
        body = service.until("gimg/quota", "Reconciling", "True", "TransferPending")
        assert "exceeded quota" in condition(body, "Ready")["message"]
    finally:
        service.kubectl("delete", "resourcequota", "none")
    service.until("gimg/quota", "Ready", "True")
