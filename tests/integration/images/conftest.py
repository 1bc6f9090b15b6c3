"""One operator for the whole suite, serving one namespace."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.images.lab import Lab, Operator

from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Source


def new_namespace(control_plane: ControlPlane) -> str:
    name = f"images-{uuid.uuid4().hex[:8]}"
    control_plane.run_kubectl("create", "namespace", name)
    return name


@pytest.fixture(scope="session")
def lab(crds_installed: ControlPlane, glance: Glance, source: Source) -> Lab:
    """A namespace with the Secret ``openstack`` for the Keystone-less Glance."""
    made = Lab(crds_installed, glance, source, new_namespace(crds_installed))
    made.apply(made.credentials())
    return made


@pytest.fixture(scope="session")
def operator(lab: Lab, sandbox_directory: Path) -> Iterator[Operator]:
    """The operator, with short retries."""
    settings = {"watch_namespaces": lab.namespace, "retry_base": "500ms"}
    with Operator(sandbox_directory / "operator", lab.kube.kubeconfig, **settings) as running:
        yield running


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """An object name of this test's own."""
    return f"{request.node.originalname.removeprefix('test_').replace('_', '-')[:40]}-{uuid.uuid4().hex[:6]}"
