"""A namespace on the node in which GlanceAPIs run, and an operator beside it that finds pods and Services by name."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit import controller
from sandbox_kit.loopback import answers
from sandbox_kit.node import recipes
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.mariadb import MariaDB

Object = dict[str, Any]
GROUP = "glance-operator.io/v1alpha1"
VISITOR = Path(__file__).with_name("visitor.py")


class Operator(controller.Operator):
    """The operator of this checkout, where the node is."""

    def __init__(self, directory: Path, cluster: Cluster, **settings: object) -> None:
        self._cluster = cluster
        own = {"leader_elect": "false", "health_address": "0.0.0.0", "glance_image": recipes.GLANCE.image}  # noqa: S104
        super().__init__(directory, cluster.kubeconfig, **{**own, **settings})

    def command(self) -> Sequence[str | Path]:
        return [*self._cluster.prefix, *super().command()]

    def ready(self) -> bool:
        return answers(f"http://{self._cluster.wire.addresses.node}:{self.port}/readyz")


class Service:
    """One namespace with a database's Secret and a claim for a store."""

    def __init__(self, cluster: Cluster, mariadb: MariaDB, namespace: str) -> None:
        self.cluster, self.mariadb, self.namespace = cluster, mariadb, namespace

    def kubectl(self, *words: str, stdin: str | None = None, timeout: float = 60) -> str:
        return self.cluster.run_kubectl("-n", self.namespace, *words, stdin=stdin, timeout=timeout)

    def apply(self, *objects: Object) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.kubectl("apply", "--server-side", "-f", "-", stdin=text)

    def get(self, what: str, *words: str) -> Object:
        found: Object = json.loads(self.kubectl("get", what, *words, "-o", "json"))
        return found

    def patch(self, what: str, **spec: Any) -> None:
        self.kubectl("patch", what, "--type=merge", "-p", json.dumps({"spec": spec}))

    def until(self, what: str, kind: str, status: str, reason: str = "", timeout: float = 60) -> Object:
        """The object, once the condition is so for its present generation."""

        def reached() -> Object:
            body = self.get(what)
            found = condition(body, kind)
            assert (found.get("status"), found.get("reason") if reason else "") == (status, reason)
            assert body["status"]["observedGeneration"] == body["metadata"]["generation"]
            return body

        try:
            return eventually(reached, timeout, interval=0.25)
        except AssertionError as wrong:
            raise AssertionError(f"{wrong}\n{self.told()}") from wrong

    def told(self) -> str:
        """What all objects say, for somebody who wants to know why a test has failed."""
        items = self.get("gapi,gstore,gimg")["items"]
        lines = [
            f"{one['kind']}/{one['metadata']['name']} {c['type']}={c['status']} {c['reason']}: {c.get('message', '')}"
            for one in items
            for c in (one.get("status") or {}).get("conditions") or ()
        ]
        return "\n".join([*lines, self.kubectl("get", "pods,jobs", "-o", "wide")])

    def ask(self, url: str, *words: str) -> str:
        """What the service answers to a request from where the node is; CalledProcessError if it refuses."""
        curl = [*self.cluster.prefix, "curl", "-sSf", "-m", "10", *words, url]
        return subprocess.run(curl, capture_output=True, text=True, check=True).stdout

    @contextmanager
    def visited(self) -> Iterator[list[str]]:
        """While it lasts, others use the service; afterwards the list has what was said about requests that failed."""
        url = self.get("gapi/glance")["status"]["endpoint"]
        command = [*self.cluster.prefix, sys.executable, VISITOR, url]
        failed: list[str] = []
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as visitor:
            try:
                yield failed
            finally:
                told = json.loads(visitor.communicate(timeout=60)[0])
        assert told["visits"] > 40
        failed += told["failed"]

    def database(self) -> Object:
        data = {"connection": self.mariadb.connection}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "glance-db"}, "stringData": data}

    def claim(self, name: str, size: str = "5Gi") -> Object:
        asked = {"requests": {"storage": size}}
        spec = {"accessModes": ["ReadWriteMany"], "storageClassName": "local", "resources": asked}
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def api(**spec: Any) -> Object:
    body = {
        "replicas": 2,
        "imagePullPolicy": "Never",
        "database": {"connectionSecretRef": {"name": "glance-db", "key": "connection"}},
        "auth": {"trusted": {}},
        "defaultStoreRef": {"name": "central"},
        "drainTimeout": "1m",
        **spec,
    }
    return {"apiVersion": GROUP, "kind": "GlanceAPI", "metadata": {"name": "glance"}, "spec": body}


def store(name: str, claim: str) -> Object:
    spec = {"glanceAPIRef": {"name": "glance"}, "type": "file", "file": {"pvc": {"claimName": claim}}}
    return {"apiVersion": GROUP, "kind": "GlanceStore", "metadata": {"name": name}, "spec": spec}


def image(name: str, url: str, **spec: Any) -> Object:
    body = {"glanceAPIRef": {"name": "glance"}, "diskFormat": "raw", "source": {"http": {"url": url}}, **spec}
    return {"apiVersion": GROUP, "kind": "Image", "metadata": {"name": name}, "spec": body}
