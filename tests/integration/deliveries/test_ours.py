"""On a service of ours: one pod is given the bytes and the import of them, and that is written down before.

The operator has the rights of config/rbac.yaml, but for the status of GlanceAPIs: it says what the test has written, a
pod behind which is Glance.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.integration.deliveries.conftest import SETTINGS
from tests.integration.deliveries.test_transfers import DATA, PATIENCE, SHA256, left, stored
from tests.integration.images.lab import Lab, Object, Operator, condition
from tests.integration.transfer.kubelet import Kubelet
from tests.support import eventually

from sandbox_kit.source import Fault, Source

pytestmark = [pytest.mark.usefixtures("operator"), pytest.mark.timeout(120)]
API, POD = "glance", "glance-0"
ROOT = Path(__file__).parents[3]
_KEPT = "glanceapis/status"
LABELS = {
    "app.kubernetes.io/name": "glance",
    "app.kubernetes.io/instance": API,
    "app.kubernetes.io/component": "api",
}


class Service:
    """A GlanceAPI with one pod, neither of which anybody but this test looks after."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        spec = {"database": {"sqlite": {}}, "auth": {"trusted": {}}, "suspend": True}  # nothing is made for it
        self._apply({"kind": "GlanceAPI", "apiVersion": "glance-operator.io/v1alpha1", **named(API), "spec": spec})
        restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
        context = {**restricted, "seccompProfile": {"type": "RuntimeDefault"}}
        container = {"name": "glance-api", "image": "glance:none", "securityContext": context}
        self._apply(
            {"kind": "Pod", "apiVersion": "v1", **named(POD, labels=LABELS), "spec": {"containers": [container]}}
        )
        self.runs(ready=True)

    def runs(self, *, ready: bool) -> str:
        """In the pod a new container, whose id is returned."""
        container_id = f"paper://{uuid.uuid4().hex}"
        status = {
            "name": "glance-api",
            "state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}},
            "ready": ready,
            "started": True,
            "restartCount": 0,
            "image": "glance:none",
            "imageID": "",
            "containerID": container_id,
        }
        word = "True" if ready else "False"
        conditions = [{"type": "Ready", "status": word, "reason": "Told"}]
        self._tell(f"pod/{POD}", {"phase": "Running", "conditions": conditions, "containerStatuses": [status]})
        url = self.lab.glance.url
        node = {"name": POD, "url": url, "ready": ready, "containerID": container_id}
        self._tell(f"glanceapi/{API}", {"endpoint": url, "readyReplicas": 1, "replicas": 1, "nodes": [node]})
        return container_id

    def image(self, name: str, url: str) -> Object:
        body = self.lab.image(name, source={"http": {"url": url}, "checksum": {"sha256": SHA256}})
        body["spec"]["glanceAPIRef"] = {"name": API}
        del body["spec"]["cloudCredentialsRef"]
        return body

    def _apply(self, body: Object) -> None:
        self.lab.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(body))

    def _tell(self, what: str, status: Object) -> None:
        self.lab.kubectl("patch", what, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))


@pytest.fixture(scope="module")
def operator(lab: Lab, kubelet: Kubelet, sandbox_directory: Path) -> Iterator[Operator]:
    for body in yaml.safe_load_all((ROOT / "config/rbac.yaml").read_text()):
        if body["kind"] == "ClusterRole":
            rules = [{**r, "resources": [one for one in r["resources"] if one != _KEPT]} for r in body["rules"]]
            lab.kubectl("apply", "-f", "-", stdin=json.dumps({**body, **named("carrier"), "rules": rules}))
    lab.kubectl("create", "clusterrolebinding", "carrier", "--clusterrole=carrier", "--user=carrier")
    directory, kubeconfig = sandbox_directory / "carrier", lab.kube.kubeconfig_for("carrier")
    with Operator(directory, kubeconfig, watch_namespaces=lab.namespace, **SETTINGS) as running:
        yield running
    lab.kubectl("delete", "clusterrolebinding", "carrier")


def named(name: str, **more: object) -> Object:
    return {"metadata": {"name": name, **more}}


@pytest.fixture(scope="module")
def service(lab: Lab) -> Iterator[Service]:
    yield Service(lab)
    lab.kubectl("delete", "image", "--all", "--timeout=60s")


def test_one_pod_has_the_bytes_and_imports_them(service: Service, lab: Lab, source: Source, name: str) -> None:
    container_id = service.runs(ready=True)
    url = source.serve(name, DATA, Fault(stall_after=1 << 19, times=1))
    lab.apply(service.image(name, url))
    eventually(lambda: source.stalled(name), PATIENCE)
    attempt = lab.get(name)["status"]["attempt"]
    assert (attempt["node"], attempt["containerID"]) == (POD, container_id)
    eventually(lambda: "0 of 1 MiB" in condition(lab.get(name), "Ready")["message"], PATIENCE)  # of the pod's log
    source.release(name)
    body = lab.ready(name, timeout=PATIENCE)
    assert stored(lab, body) == DATA
    assert condition(body, "Verified")["status"] == "True"
    assert body["status"]["content"]["verified"]["sha512"] == hashlib.sha512(DATA).hexdigest()
    assert "node" not in body["status"].get("attempt", {})
    eventually(lambda: not left(lab, name))


def test_what_is_staged_waits_for_its_pod(service: Service, lab: Lab, source: Source, name: str) -> None:
    service.runs(ready=True)
    url = source.serve(name, DATA, Fault(stall_after=1 << 19, times=1))
    lab.apply(service.image(name, url))
    eventually(lambda: source.stalled(name), PATIENCE)
    service.runs(ready=False)
    source.release(name)
    body = lab.until(name, "Reconciling", "True", "NoPodServes", timeout=PATIENCE)
    assert POD in condition(body, "Ready")["message"]
    service.runs(ready=True)
    assert stored(lab, lab.ready(name, timeout=PATIENCE)) == DATA
    assert len(source.requests_of(name)) == 1
