"""Small pods, as tests need them."""

import json
from typing import Any

from sandbox_kit.node import recipes
from sandbox_kit.node.places import Place

UID = 42415
CONFINED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def pod(name: str, script: str, **more: Any) -> dict[str, Any]:
    """A restricted pod that runs a script of the shell, and says in its log what that says."""
    container = {
        "name": "main",
        "image": recipes.BASE.image,
        "imagePullPolicy": "Never",
        "command": ["/bin/sh", "-ec", script],
        "securityContext": CONFINED,
        **more.pop("container", {}),
    }
    ids = {"runAsUser": UID, "runAsGroup": UID, "fsGroup": UID, "runAsNonRoot": True}
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "securityContext": {**ids, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        **more,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def apply(cluster: Place, namespace: str, *objects: dict[str, Any]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    cluster.run_kubectl("apply", "-n", namespace, "-f", "-", stdin=text)


def claim(name: str, mode: str) -> dict[str, Any]:
    """A claim of a volume of the class `local`."""
    spec = {"accessModes": [mode], "storageClassName": "local", "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def phase(cluster: Place, namespace: str, name: str) -> str:
    return cluster.run_kubectl("get", "pod", name, "-n", namespace, "-o", "jsonpath={.status.phase}")


def ready(cluster: Place, namespace: str, name: str) -> None:
    """Wait until a pod serves."""
    cluster.run_kubectl("wait", "--for=condition=Ready", f"pod/{name}", "-n", namespace, "--timeout=120s", timeout=130)


def log_of(cluster: Place, namespace: str, name: str) -> str:
    """What a pod said, once it has succeeded."""
    now = phase(cluster, namespace, name)
    assert now in {"Succeeded", "Failed"}, now
    said = cluster.run_kubectl("logs", name, "-n", namespace)
    assert now == "Succeeded", said
    return said


def serve(name: str) -> list[dict[str, Any]]:
    """A pod that serves its host name, and a Service in front of it."""
    script = "cd /srv; hostname > index.html; exec python3 -m http.server 8080"
    room = {"volumeMounts": [{"name": "tmp", "mountPath": "/srv"}]}
    ready = {"readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}}
    server = pod(name, script, container={**room, **ready}, volumes=[{"name": "tmp", "emptyDir": {}}])
    ports = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
    return [server, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": ports}]
