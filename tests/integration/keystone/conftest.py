"""One operator, whose Images are in a Glance that asks a real Keystone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tests.integration.images.lab import Lab, Operator
from tests.integration.keystone.doorway import Doorway
from tests.integration.keystone.identity import Administrator

from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.keystone import OPERATOR_PASSWORD, Keystone
from sandbox_kit.source import Source


class CloudLab(Lab):
    """A namespace for Images of a cloud with Keystone."""

    def __init__(self, control_plane: ControlPlane, glance: Glance, source: Source, keystone: Keystone) -> None:
        namespace = f"keystone-{uuid.uuid4().hex[:8]}"
        control_plane.run_kubectl("create", "namespace", namespace)
        super().__init__(control_plane, glance, source, namespace)
        self.keystone = keystone
        self._http.headers.clear()
        self._http.headers["X-Auth-Token"] = keystone.token("operator", OPERATOR_PASSWORD, "images")

    def clouds(self, *without: str, auth: dict[str, str] | None = None, **settings: Any) -> Any:
        """The clouds.yaml with the operator's password, ``without`` some of `auth`, with other words in it."""
        clouds = deepcopy(self.keystone.password_clouds())
        entry = clouds["clouds"]["images"]
        entry |= settings
        entry["auth"] = {k: v for k, v in (entry["auth"] | (auth or {})).items() if k not in without}
        return clouds


@pytest.fixture(scope="session")
def lab(crds_installed: ControlPlane, keystone_glance: Glance, source: Source, keystone: Keystone) -> CloudLab:
    return CloudLab(crds_installed, keystone_glance, source, keystone)


@pytest.fixture(scope="session")
def operator(lab: CloudLab, sandbox_directory: Path) -> Iterator[Operator]:
    """It says all it knows, so that a secret in its log would be seen."""
    settings = {"watch_namespaces": lab.namespace, "retry_base": "500ms", "log_level": "debug"}
    with Operator(sandbox_directory / "keystone-operator", lab.kube.kubeconfig, **settings) as running:
        yield running


@pytest.fixture(scope="session")
def administrator(keystone: Keystone) -> Administrator:
    return Administrator(keystone)


@pytest.fixture
def doorway(keystone: Keystone) -> Iterator[Doorway]:
    with Doorway(keystone.url) as running:
        yield running


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name of this test's own, for its objects, Secrets and users."""
    return f"{request.node.originalname.removeprefix('test_').replace('_', '-')[:40]}-{uuid.uuid4().hex[:6]}"
