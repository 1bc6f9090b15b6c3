"""What the tests of the engine do to the real API server, and how they see what happens there."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import requests
from tests.support import eventually

from glance_operator.runtime.kube import Kube
from glance_operator.runtime.rest import Request, Resource
from glance_operator.runtime.store import Body

IMAGES = Resource("glance-operator.io", "v1alpha1", "images")
LEASES = Resource("coordination.k8s.io", "v1", "leases")


class Cluster:
    """Images in one namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube, self.namespace = kube, namespace

    def create(self, name: str, what: str = "note") -> Body:
        """An Image; `what` tells the recorder what to do with it."""
        spec = {
            "name": what,
            "cloudCredentialsRef": {"secretName": "openstack", "cloudName": "images"},
            "source": {"http": {"url": "http://127.0.0.1/u.raw"}},
            "diskFormat": "raw",
        }
        meta = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": "glance-operator.io/v1alpha1", "kind": "Image", "metadata": meta, "spec": spec}
        return self.kube.transport.call(Request("POST", IMAGES.path(self.namespace), body))

    def patch(self, name: str, patch: Body) -> Body:
        """A merge patch."""
        path = IMAGES.path(self.namespace, name)
        return self.kube.transport.call(Request("PATCH", path, patch, "application/merge-patch+json"))

    def delete(self, name: str) -> None:
        """Ask for its deletion."""
        self.kube.transport.call(Request("DELETE", IMAGES.path(self.namespace, name)))

    def get(self, name: str) -> Body | None:
        """The Image, None if there is none."""
        return self.kube.get("Image", self.namespace, name)

    def all(self) -> list[Body]:
        """All Images."""
        return list(self.kube.transport.call(Request("GET", IMAGES.path(self.namespace)))["items"])

    def lease(self) -> dict[str, Any]:
        """The spec of the operators' Lease, empty if there is none."""
        lease = self.kube.get_lease(self.namespace, "glance-operator")
        return dict(lease["spec"]) if lease else {}


def message(body: Body | None) -> str:
    """What the recorder wrote: `<identity> <count> <what>`, empty if nothing yet."""
    conditions = ((body or {}).get("status") or {}).get("conditions") or [{}]
    return str(conditions[0].get("message", ""))


def recorded(body: Body) -> bool:
    """Whether the recorder has handled the present generation."""
    return bool(body.get("status", {}).get("observedGeneration") == body["metadata"]["generation"])


class Seen(NamedTuple):
    """One state of an object: when it was seen (seconds, monotonic), its resourceVersion, and what it says."""

    at: float
    version: int
    says: str


class Watch:
    """Every state that one collection goes through, in the API server's order, from now on."""

    def __init__(self, kube: Kube, path: str, says: Callable[[Body], str]) -> None:
        self._says = says
        self.seen: list[Seen] = []
        self._answer = eventually(lambda: _streams(kube, path))[0]
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._answer.iter_lines(chunk_size=1):
                body = json.loads(line)["object"]
                self.seen.append(Seen(time.monotonic(), int(body["metadata"]["resourceVersion"]), self._says(body)))
        except (requests.RequestException, AttributeError, ValueError):
            return  # closed by the test

    def close(self) -> None:
        """End it."""
        self._answer.raw.shutdown()  # closing alone would wait for the reader's next line
        self._thread.join(5)
        self._answer.close()


def _streams(kube: Kube, path: str) -> list[requests.Response]:
    """A watch that has begun; none while the API server still prepares for a new kind (429)."""
    connection = kube.transport.connection()
    answer = requests.get(
        connection.server + path,
        params={"watch": "1", "timeoutSeconds": "300"},
        cert=(connection.certificate_path or "", connection.key_path or ""),
        verify=connection.ca_path or True,
        stream=True,
        timeout=300,
    )
    if answer.status_code == 429:
        return []
    answer.raise_for_status()
    return [answer]
