"""Transfers whose objects are compared with the files in golden/, and shown to a real API server."""

from __future__ import annotations

from typing import Any

from tests.unit.core.builders import EXPECTED_ID, UID, spec

from glance_operator.core.manifests.transfer import Access, Delivery
from glance_operator.core.manifests.transfer_pod import TransferPod

TRUSTED = (("X-Identity-Status", "Confirmed"), ("X-User-Id", "glance-operator"))
URL = "https://images.example.org/jammy.img.xz"


def delivery(**changes: Any) -> Delivery:
    """A plain one; `source` and other fields of the spec, or parts of the Delivery."""
    parts = {name: changes.pop(name) for name in list(changes) if name in Delivery.__dataclass_fields__}
    plain: dict[str, Any] = {
        "name": "jammy-transfer-0a1b2c3d4e",
        "namespace": "images",
        "owner": "jammy",
        "uid": UID,
        "image_id": EXPECTED_ID,
        "spec": spec(**({"source": {"http": {"url": URL}, "checksum": {"sha256": "A" * 64}}} | changes)),
        "access": Access("http://glance-0.glance-pods.images.svc.cluster.local:9292/v2", TRUSTED),
        "container": "registry.example.org/glance-operator:1",
    }
    return Delivery(**(plain | parts))


GUARDED = {
    "http": {
        "url": URL,
        "mirrors": ["https://mirror.example.org/jammy.img.xz"],
        "authSecretRef": {"name": "reader"},
        "caBundleRef": {"kind": "ConfigMap", "name": "corp-ca", "key": "ca.crt"},
    },
    "checksum": {
        "manifest": {
            "url": "https://images.example.org/SHA256SUMS",
            "keyringRef": {"kind": "Secret", "name": "keys", "key": "keys.asc"},
        }
    },
    "decompress": "xz",
}
POD = TransferPod(
    image_pull_policy="Always",
    image_pull_secrets=("registry",),
    resources={"requests": {"cpu": "1", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
    labels={"team": "images"},
    annotations={"sidecar.istio.io/inject": "false"},
    env={"HTTPS_PROXY": "http://proxy.example.org:3128", "NO_PROXY": ".svc"},
    node_selector={"transfer": "yes"},
    tolerations=({"key": "transfer", "operator": "Exists"},),
)
DELIVERIES = {
    "plain": delivery(),
    "guarded": delivery(
        source=GUARDED,
        downloadTimeout="2h",
        progressDeadline="90s",
        access=Access("https://cloud.example.org/image/v2", (("X-Auth-Token", "t0ken"),), "PEM\n"),
        start=1,
        secret_type="kubernetes.io/basic-auth",
        most=1 << 40,
        pod=POD,
    ),
    "volume": delivery(source={"pvc": {"claimName": "golden", "path": "images/a.raw"}}, diskFormat="raw"),
}
