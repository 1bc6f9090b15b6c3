"""A namespace in which GlanceAPIs run, and short words for what tests do there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit.keystone import GLANCE_PASSWORD, OPERATOR_PASSWORD, Keystone
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.node.places import Place

Object = dict[str, Any]
GROUP = "glance-operator.io/v1alpha1"
OURS, CORE = f"apis/{GROUP}", "api/v1"
# short name -> path of its group, and resource
KINDS = {
    "gapi": (OURS, "glanceapis"),
    "gstore": (OURS, "glancestores"),
    "gimg": (OURS, "images"),
    "statefulset": ("apis/apps/v1", "statefulsets"),
    "jobs": ("apis/batch/v1", "jobs"),
    "events": ("apis/events.k8s.io/v1", "events"),
    **{one: (CORE, one) for one in ("pods", "secrets", "configmaps")},
    "pod": (CORE, "pods"),
    "pvc": (CORE, "persistentvolumeclaims"),
}
VISITOR = Path(__file__).with_name("visitor.py")
PATIENCE = 240  # seconds: a pass does not wait for them, and a machine may be slow
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


class Service:
    """One namespace, where only restricted pods are admitted; `make` makes it."""

    def __init__(self, cluster: Place, mariadb: MariaDB, namespace: str) -> None:
        self.cluster, self.mariadb, self.namespace = cluster, mariadb, namespace

    @property
    def headers(self) -> dict[str, str]:
        """Who asks: the service believes us."""
        return {
            "X-Identity-Status": "Confirmed",
            "X-User-Id": "visitor",
            "X-Project-Id": "visitors",
            "X-Roles": "admin,member,reader",
        }

    def make(self) -> None:
        self.cluster.run_kubectl("create", "namespace", self.namespace)
        self.cluster.run_kubectl("label", "namespace", self.namespace, RESTRICTED)

    def kubectl(self, *words: str, stdin: str | None = None, timeout: float = 60) -> str:
        return self.cluster.run_kubectl("-n", self.namespace, *words, stdin=stdin, timeout=timeout)

    def apply(self, *objects: Object) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.kubectl("apply", "--server-side", "-f", "-", stdin=text)

    def get(self, what: str, selector: str = "") -> Object:
        """An object (`gimg/first`), or a list (`pods`); without kubectl: its start costs as much as fifty requests."""
        plural, _, name = what.partition("/")
        group, resource = KINDS[plural]
        query = f"?labelSelector={quote(selector)}" if selector else ""
        return self.cluster.get(f"{group}/namespaces/{self.namespace}/{resource}" + (f"/{name}" if name else query))

    def patch(self, what: str, **spec: Any) -> None:
        self.kubectl("patch", what, "--type=merge", "-p", json.dumps({"spec": spec}))

    def until(self, what: str, kind: str, status: str, reason: str = "", timeout: float = PATIENCE) -> Object:
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
        items = [one for kind in ("gapi", "gstore", "gimg") for one in self.get(kind)["items"]]
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
        command = [*self.cluster.prefix, self.cluster.python, "-c", VISITOR.read_text(), url]
        failed: list[str] = []
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as visitor:
            assert visitor.stdin is not None
            visitor.stdin.write(f"{json.dumps(self.headers)}\n")
            visitor.stdin.flush()
            try:
                yield failed
            finally:
                told = json.loads(visitor.communicate(timeout=60)[0])
        assert told["visits"] > 40
        failed += told["failed"]

    def end(self) -> None:
        """Delete all of it, images first: their service is needed for that. Suspended, stores are let go although
        others have images there. The namespace goes once no pod is there to be waited for: Kubernetes would look again
        after half of the time that its pods may take."""
        self.kubectl("delete", "gimg", "--all", "--timeout=180s", timeout=190)
        for kind in ("gapi", "gstore"):
            for one in self.get(kind)["items"]:
                self.patch(f"{kind}/{one['metadata']['name']}", suspend=True)
        self.kubectl("delete", "gapi,gstore", "--all", "--timeout=240s", timeout=250)
        self.kubectl("wait", "--for=delete", "pod", "--all", "--timeout=240s", timeout=250)
        self.cluster.run_kubectl("delete", "namespace", self.namespace, timeout=300)

    def database(self) -> Object:
        """The Secret that says where its database is: one of its own, named as the namespace."""
        data = {"connection": self.mariadb.database(self.namespace)}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "glance-db"}, "stringData": data}

    def claim(self, name: str, size: str = "5Gi") -> Object:
        """Of a volume that all pods share."""
        return self.cluster.storage.claim(name, size)

    def path_of(self, claim: str) -> Path:
        """Where the files of a claim are on this machine, on a node of the sandbox's own."""
        assert isinstance(self.cluster, Cluster)
        return self.cluster.volumes.path(self.get(f"pvc/{claim}")["spec"]["volumeName"])

    def digest_in(self, store_id: str, image_id: str, pod: str = "glance-0") -> str:
        """SHA-256 of an image's data, as a pod sees it in a store that is a file system."""
        path = f"/stores/{store_id}/{image_id}"
        return self.kubectl("exec", pod, "-c", "glance-api", "--", "sha256sum", path).split()[0]


class KeystoneService(Service):
    """The same, where users come with tokens of a real Keystone; `auth` is the spec for it."""

    def __init__(self, cluster: Place, mariadb: MariaDB, namespace: str, keystone: Keystone) -> None:
        super().__init__(cluster, mariadb, namespace)
        self.keystone = keystone

    @property
    def headers(self) -> dict[str, str]:
        """The user `operator` of the project `images`."""
        return {"X-Auth-Token": self.keystone.token("operator", OPERATOR_PASSWORD, "images")}

    @property
    def auth(self) -> Object:
        return {"keystone": {"authURL": self.keystone.url, "credentialsSecretRef": {"name": "glance-keystone"}}}

    def credentials(self) -> Object:
        """Glance's own user."""
        data = {"username": "glance", "password": GLANCE_PASSWORD, "project_name": "service"}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "glance-keystone"}, "stringData": data}


def api(**spec: Any) -> Object:
    """Two replicas that trust whoever asks, unless something else is said; None leaves out what is there without."""
    body = {
        "replicas": 2,
        "imagePullPolicy": "Never",
        "database": {"connectionSecretRef": {"name": "glance-db", "key": "connection"}},
        "auth": {"trusted": {}},
        "defaultStoreRef": {"name": "central"},
        "staging": {"pvc": {"claimName": "staging"}},
        "drainTimeout": "1m",
        **spec,
    }
    given = {name: value for name, value in body.items() if value is not None}
    return {"apiVersion": GROUP, "kind": "GlanceAPI", "metadata": {"name": "glance"}, "spec": given}


def store(name: str, claim: str) -> Object:
    spec = {"glanceAPIRef": {"name": "glance"}, "type": "file", "file": {"pvc": {"claimName": claim}}}
    return {"apiVersion": GROUP, "kind": "GlanceStore", "metadata": {"name": name}, "spec": spec}


def image(name: str, url: str, **spec: Any) -> Object:
    body = {"glanceAPIRef": {"name": "glance"}, "diskFormat": "raw", "source": {"http": {"url": url}}, **spec}
    return {"apiVersion": GROUP, "kind": "Image", "metadata": {"name": name}, "spec": body}
