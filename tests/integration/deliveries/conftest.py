"""Jobs that transfer images: the real controller of Jobs, a kubelet on paper, and an operator that may start them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.images.conftest import name
from tests.integration.images.lab import Lab, Operator
from tests.integration.transfer.kubelet import Kubelet, job_controller

from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Source

RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
SETTINGS = {"transfer_image": "glance-operator:test", "retry_base": "500ms"}

__all__ = ["name"]


def new_lab(control_plane: ControlPlane, glance: Glance, source: Source, suffix: str) -> Lab:
    """A namespace that admits only restricted pods, with the Secret ``openstack``."""
    namespace = f"deliveries-{suffix}"
    control_plane.run_kubectl("create", "namespace", namespace)
    control_plane.run_kubectl("label", "namespace", namespace, RESTRICTED)
    made = Lab(control_plane, glance, source, namespace)
    made.apply(made.credentials())
    return made


@pytest.fixture(scope="module")
def kubelet(crds_installed: ControlPlane, sandbox_directory: Path) -> Iterator[Kubelet]:
    """While it runs, Jobs of transfers get pods, and these run."""
    directory = sandbox_directory / "paper"
    with job_controller(crds_installed, directory), Kubelet(crds_installed, directory / "pods") as running:
        yield running


@pytest.fixture(scope="module")
def lab(crds_installed: ControlPlane, glance: Glance, source: Source, request: pytest.FixtureRequest) -> Lab:
    return new_lab(crds_installed, glance, source, request.module.__name__.rpartition("_")[2])


@pytest.fixture(scope="module")
def operator(lab: Lab, kubelet: Kubelet, sandbox_directory: Path) -> Iterator[Operator]:
    """The operator, with short retries."""
    directory = sandbox_directory / f"operator-{lab.namespace}"
    with Operator(directory, lab.kube.kubeconfig, watch_namespaces=lab.namespace, **SETTINGS) as running:
        yield running
