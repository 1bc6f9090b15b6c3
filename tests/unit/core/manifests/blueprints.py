"""Blueprints whose objects are compared with the files in golden/, and shown to a real API server."""

from __future__ import annotations

from typing import Any

from tests.unit.core.config.services import KEYSTONE, LOCAL, NFS, SERVICES, service

from glance_operator.core.config import Service
from glance_operator.core.manifests import Blueprint

OPERATOR = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "glance-operator"}},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "glance-operator"}},
}


def blueprint(of: Service, **parts: Any) -> Blueprint:
    given = {"uid": "6f0c1b9e-0000-4000-8000-000000000000", "image": "registry.example.org/glance:33", **parts}
    return Blueprint(
        "glance",
        "images",
        spec=of.spec,
        stores=of.stores,
        config="glance-config-0a1b2c3d4e",
        operator=OPERATOR,
        **given,
    )


CSI = {
    "driver": "nfs.csi.k8s.io",
    "server": "nfs.example.org",
    "share": "/staging",
    "mountOptions": ["hard", "nfsvers=4.1"],
}
EVERYTHING = service(
    *SERVICES["production"].stores,
    replicas=3,
    database={"connectionSecretRef": {"name": "db", "key": "connection"}},
    auth={"keystone": {**KEYSTONE, "caBundleRef": {"kind": "ConfigMap", "name": "ca", "key": "ca.crt"}}},
    staging={"nfs": {"csi": CSI}},
    cache={"maxSize": "20Gi", "volumeSize": "24Gi", "storageClassName": "fast"},
    drainTimeout="1h",
    service={"type": "NodePort", "nodePort": 30292, "annotations": {"example.org/balancer": "fast"}},
    ingress={
        "className": "nginx",
        "host": "images.example.org",
        "tlsSecretName": "images",
        "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "0"},
    },
    tls={"secretName": "glance-tls"},
    housekeeping={"purge": {"schedule": "@weekly", "retentionDays": 7, "purgeImages": True}},
    networkPolicy={"clients": [{"namespaceSelector": {"matchLabels": {"team": "cloud"}}}]},
    podDisruptionBudget={"minAvailable": "50%"},
    imagePullSecrets=[{"name": "registry"}],
    imagePullPolicy="Always",
    pod={
        "labels": {"team": "cloud"},
        "annotations": {"example.org/scrape": "true"},
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "priorityClassName": "system-cluster-critical",
        "securityContext": {"fsGroup": 1234},
        "env": [{"name": "TZ", "value": "UTC"}],
        "volumes": [{"name": "extra", "emptyDir": {}}],
        "volumeMounts": [{"name": "extra", "mountPath": "/extra"}],
        "probes": {"readiness": {"httpGet": {"path": "/", "port": 9292}, "periodSeconds": 3}},
    },
)
SHARED = service(
    LOCAL,
    NFS,
    default="local",
    replicas=2,
    database={"connectionSecretRef": {"name": "db", "key": "connection"}, "manageSchema": False},
    staging={"pvc": {"size": "100Gi"}},
    auth={"trusted": {"clients": [{"podSelector": {"matchLabels": {"app": "nova"}}}]}},
)
BLUEPRINTS = {"trial": blueprint(SERVICES["trial"]), "shared": blueprint(SHARED), "everything": blueprint(EVERYTHING)}
