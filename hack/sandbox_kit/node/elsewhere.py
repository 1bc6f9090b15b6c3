"""A cluster that somebody else runs, as a kubeconfig shows it: kind, or any that has our images.

What cannot be found out is told by the environment: E2E_STORAGE_CLASS and E2E_ACCESS_MODE (a class whose volumes
several pods can share; default: `standard`, ReadWriteOnce, as kind's only node has it), E2E_HOST (this machine, as pods
reach it; default: the address from which it reaches the API server).
"""

import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import yaml

from sandbox_kit.assembly import Assembly
from sandbox_kit.control_plane import run_kubectl
from sandbox_kit.node import recipes
from sandbox_kit.node.places import Storage

NAMESPACE, OUTPOST = "glance-operator-e2e", "outpost"
UID = 65532


class Elsewhere(Assembly):
    """The same as `cluster.Cluster`, as far as nobody needs the node itself."""

    python = "python3"

    def __init__(self, kubectl: Path, kubeconfig: Path) -> None:
        super().__init__()
        self.kubectl, self.kubeconfig = kubectl, kubeconfig
        self.storage = Storage(
            os.environ.get("E2E_STORAGE_CLASS", "standard"), os.environ.get("E2E_ACCESS_MODE", "ReadWriteOnce")
        )

    @property
    def host(self) -> str:
        """This machine, for pods."""
        return os.environ.get("E2E_HOST") or self._outward_address()

    @property
    def prefix(self) -> Sequence[str]:
        """A pod of ours is where Services and pods are found by name."""
        at = ("-n", NAMESPACE, "exec", "-i", OUTPOST, "--")
        return [str(self.kubectl), f"--kubeconfig={self.kubeconfig}", *at]

    def run_kubectl(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 60) -> str:
        """Run kubectl and return what it printed; RuntimeError carries its stderr."""
        return run_kubectl(self.kubectl, self.kubeconfig, *arguments, stdin=stdin, timeout=timeout)

    def get(self, path: str) -> dict[str, Any]:
        """What the API server answers to a GET of `path`."""
        found: dict[str, Any] = json.loads(self.run_kubectl("get", "--raw", f"/{path}"))
        return found

    def start(self) -> Self:
        """Make the pod from which requests are sent."""
        self._running.callback(self.run_kubectl, "delete", "namespace", NAMESPACE, "--ignore-not-found", timeout=180)
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [_namespace(), _outpost()]})
        self.run_kubectl("apply", "--server-side", "-f", "-", stdin=text)
        self.run_kubectl(
            "-n", NAMESPACE, "wait", "--for=condition=Ready", f"pod/{OUTPOST}", "--timeout=60s", timeout=70
        )
        return self

    def _outward_address(self) -> str:
        shown = yaml.safe_load(self.run_kubectl("config", "view", "--minify"))
        server = urlsplit(shown["clusters"][0]["cluster"]["server"])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((server.hostname, server.port or 443))
            return str(probe.getsockname()[0])


def _namespace() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def _outpost() -> dict[str, Any]:
    confined = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    container = {
        "name": OUTPOST,
        "image": recipes.GLANCE.image,
        "command": ["sleep", "86400"],
        "securityContext": confined,
    }
    own = {"runAsNonRoot": True, "runAsUser": UID, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": own,
        "containers": [container],
    }
    meta = {"name": OUTPOST, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
