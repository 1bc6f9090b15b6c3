"""An operator for GlanceAPIs and GlanceStores, on a control plane without a node: what it makes is there, none runs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.images.lab import ForkedOperator, condition
from tests.support import eventually

from sandbox_kit.control_plane import ControlPlane

Object = dict[str, Any]
IMAGE = "registry.example.org/glance:33"


class Desk:
    """Where objects are handed in, in one namespace, and looked at."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self._kube, self.namespace = control_plane, namespace

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        return self._kube.run_kubectl("-n", self.namespace, *words, stdin=stdin)

    def apply(self, *objects: Object) -> None:
        self.kubectl(
            "apply",
            "--server-side",
            "-f",
            "-",
            stdin=json.dumps({"kind": "List", "apiVersion": "v1", "items": objects}),
        )

    def get(self, what: str) -> Object:
        found: Object = json.loads(self.kubectl("get", what, "-o", "json"))
        return found

    def names(self, kind: str) -> list[str]:
        return [one["metadata"]["name"] for one in self.get(kind)["items"]]

    def until(self, what: str, kind: str, status: str, reason: str) -> Object:
        """The condition, once it is so."""

        def reached() -> Object:
            found = condition(self.get(what), kind)
            assert (found.get("status"), found.get("reason")) == (status, reason), found
            return found

        return eventually(reached, 30)

    def gone(self, what: str) -> None:
        eventually(lambda: not self.kubectl("get", what, "--ignore-not-found", "-o", "name"), 30)


@pytest.fixture(scope="module")
def desk(crds_installed: ControlPlane) -> Desk:
    namespace = f"services-{uuid.uuid4().hex[:8]}"
    crds_installed.run_kubectl("create", "namespace", namespace)
    return Desk(crds_installed, namespace)


@pytest.fixture(scope="module", autouse=True)
def operator(
    desk: Desk, crds_installed: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ForkedOperator]:
    settings = {"watch_namespaces": desk.namespace, "glance_image": IMAGE}
    with ForkedOperator(tmp_path_factory.mktemp("operator"), crds_installed.kubeconfig, **settings) as running:
        yield running


def api(name: str, **spec: Any) -> Object:
    body = {"database": {"sqlite": {}}, "auth": {"trusted": {}}, **spec}
    return {"apiVersion": "glance-operator.io/v1alpha1", "kind": "GlanceAPI", "metadata": {"name": name}, "spec": body}


def store(name: str, service: str, **spec: Any) -> Object:
    body = {"glanceAPIRef": {"name": service}, "type": "file", "file": {"pvc": {"claimName": "images"}}, **spec}
    return {
        "apiVersion": "glance-operator.io/v1alpha1",
        "kind": "GlanceStore",
        "metadata": {"name": name},
        "spec": body,
    }


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name of this test's own."""
    return f"{request.node.originalname.removeprefix('test_').replace('_', '-')[:24]}-{uuid.uuid4().hex[:6]}".lstrip(
        "-"
    )
