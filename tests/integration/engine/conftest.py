"""Fixtures of the engine's tests: a client, a cluster to change, and operators as processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.engine.cluster import IMAGES, Cluster
from tests.integration.engine.operators import Operators

from glance_operator.runtime.kube import Kube, Transport
from sandbox_kit.control_plane import ControlPlane


@pytest.fixture(scope="session")
def kube(crds_installed: ControlPlane) -> Kube:
    """The operator's own client, as the administrator."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(crds_installed.kubeconfig))
        return Kube(Transport(), {"Image": IMAGES})


@pytest.fixture
def cluster(kube: Kube, namespace: str) -> Cluster:
    """Images in a fresh namespace."""
    return Cluster(kube, namespace)


@pytest.fixture
def operators(tmp_path: Path, kubeconfig: Path, namespace: str) -> Iterator[Operators]:
    """Starts operators that serve the fresh namespace, and ends them."""
    running = Operators(tmp_path, kubeconfig, namespace)
    yield running
    running.end()
