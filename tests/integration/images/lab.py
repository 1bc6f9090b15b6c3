"""The operator as a process, and short words for what tests do with Images and with Glance."""

import json
from pathlib import Path
from typing import Any

import requests
from tests.forks import Fork
from tests.support import eventually

from sandbox_kit import controller
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Source

Object = dict[str, Any]


class Operator(controller.Operator):
    """The operator of this checkout, without election unless told so, and its figures."""

    grace = 20.0

    def __init__(self, directory: Path, kubeconfig: Path, **settings: object) -> None:
        super().__init__(directory, kubeconfig, **{"leader_elect": "false", **settings})

    def metrics(self) -> dict[str, float]:
        """Every sample as ``name{labels}`` -> value."""
        lines = requests.get(f"http://127.0.0.1:{self.port}/metrics", timeout=10).text.splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


class ForkedOperator(Operator):
    """The same, started in a tenth of the time: a fork of one that has imported everything."""

    def launch(self) -> None:
        self._process = Fork("operator", self.environment(), self.log)


class Lab:
    """One namespace with credentials for one Glance."""

    def __init__(self, control_plane: ControlPlane, glance: Glance, source: Source, namespace: str) -> None:
        self.kube, self.glance, self.source, self.namespace = control_plane, glance, source, namespace
        self._images = f"{control_plane.url}/apis/glance-operator.io/v1alpha1/namespaces/{namespace}/images"
        self._kinds = {"Image": self._images, "Secret": f"{control_plane.url}/api/v1/namespaces/{namespace}/secrets"}
        self._cluster, self._http = requests.Session(), requests.Session()
        self._cluster.trust_env = self._http.trust_env = False  # what is asked runs on this machine
        self._cluster.verify, self._cluster.cert = str(control_plane.authority.pair.cert), control_plane.api.admin
        self._http.headers.update(glance.trusted_headers())

    # Kubernetes

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.kube.run_kubectl("-n", self.namespace, *arguments, stdin=stdin)

    def apply(self, *objects: Object) -> None:
        """Server-side, of Images and Secrets (without kubectl: its start costs as much as fifty of these requests)."""
        for one in objects:
            url = f"{self._kinds[one['kind']]}/{one['metadata']['name']}?fieldManager=lab&force=true"
            headers = {"Content-Type": "application/apply-patch+yaml"}
            answer = self._cluster.patch(url, data=json.dumps(one), headers=headers, timeout=30)
            assert answer.ok, answer.text

    def credentials(self, name: str = "openstack", clouds: object = None) -> Object:
        """A Secret with this clouds.yaml: a text as it is, else data; by default trusted headers for the Glance."""
        entry = {
            "auth_type": "none",
            "image_endpoint_override": self.glance.url,
            "trusted_headers": self.glance.trusted_headers(),
        }
        content = {"clouds": {"images": entry}} if clouds is None else clouds
        text = content if isinstance(content, str) else json.dumps(content)
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"clouds.yaml": text}}

    def image(self, object_name: str, url: str = "", secret: str = "openstack", /, **spec: object) -> Object:  # noqa: S107
        source = {"source": {"http": {"url": url}}} if url else {}
        reference = {"cloudCredentialsRef": {"secretName": secret, "cloudName": "images"}}
        return {
            "apiVersion": "glance-operator.io/v1alpha1",
            "kind": "Image",
            "metadata": {"name": object_name},
            "spec": {**reference, "diskFormat": "raw", **source, **spec},
        }

    def get(self, name: str) -> Object:
        found: Object = self._send("GET", name).json()
        return found

    def all(self) -> list[Object]:
        found: list[Object] = self._send("GET", "").json()["items"]
        return found

    def exists(self, name: str) -> bool:
        return self._cluster.get(f"{self._images}/{name}", timeout=30).status_code != 404

    def patch(self, object_name: str, /, **spec: object) -> None:
        self._merge(object_name, {"spec": spec})

    def retry(self, name: str, value: str) -> None:
        self._merge(name, {"metadata": {"annotations": {"glance-operator.io/retry": value}}})

    def delete(self, name: str) -> None:
        self._send("DELETE", name)

    def _merge(self, name: str, change: Object) -> None:
        headers = {"Content-Type": "application/merge-patch+json"}
        self._send("PATCH", name, data=json.dumps(change), headers=headers)

    def _send(self, method: str, name: str, **options: Any) -> requests.Response:
        answer = self._cluster.request(method, f"{self._images}/{name}".rstrip("/"), timeout=30, **options)
        assert answer.ok, answer.text
        return answer

    def gone(self, name: str, timeout: float = 30) -> None:
        eventually(lambda: not self.exists(name), timeout)

    def condition(self, name: str, kind: str) -> Object:
        return condition(self.get(name), kind)

    def until(self, name: str, kind: str, status: str, reason: str = "", timeout: float = 40) -> Object:
        """The object once that condition has that status (and reason) for its present generation."""

        def reached() -> Object:
            body = self.get(name)
            found = condition(body, kind)
            assert (found.get("status"), found.get("reason") if reason else "") == (status, reason), body.get("status")
            assert body["status"]["observedGeneration"] == body["metadata"]["generation"]
            return body

        return eventually(reached, timeout)

    def ready(self, name: str, timeout: float = 40) -> Object:
        return self.until(name, "Ready", "True", timeout=timeout)

    # Glance

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        return self._http.request(method, f"{self.glance.url}/v2{path}", timeout=30, **options)

    def in_glance(self, image_id: str) -> Object | None:
        answer = self.ask("GET", f"/images/{image_id}")
        return answer.json() if answer.status_code == 200 else None

    def owned(self, name: str) -> list[Object]:
        """Every Glance image marked as made for the object of that name."""
        query = f"visibility=all&limit=1000&glance_operator_owner={self.namespace}/{name}"
        pages = [self.ask("GET", f"/images?{query}&os_hidden={hidden}").json() for hidden in ("false", "true")]
        return [image for page in pages for image in page["images"]]

    def change(self, image_id: str, *operations: Object) -> None:
        headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
        answer = self.ask("PATCH", f"/images/{image_id}", data=json.dumps(operations), headers=headers)
        assert answer.status_code == 200, answer.text


def condition(body: Object, kind: str) -> Object:
    """The condition of that type, or an empty one."""
    conditions: list[Object] = (body.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c["type"] == kind), {})


__all__ = ["Lab", "Object", "Operator", "condition"]
