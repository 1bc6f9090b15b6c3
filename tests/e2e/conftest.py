"""Fixtures that give tests a cluster where pods run, with the operator in it as people install it.

The cluster is a sandbox's, or with E2E_KUBECONFIG anybody's. Where none can run, its tests are left out, and that is
said.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox_kit import binaries
from sandbox_kit.keystone import Keystone
from sandbox_kit.node import cluster as node_of
from sandbox_kit.node import packages
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.elsewhere import Elsewhere
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.node.places import Place
from sandbox_kit.source import Source

LEFT_OUT = "THE NODE'S TESTS ARE LEFT OUT"
SOMEBODYS = os.environ.get("E2E_KUBECONFIG", "")
OUR_OWN = "needs a node of the sandbox's own: E2E_KUBECONFIG is set"
# What people wait minutes for is seconds here; pods of the sandbox reach its source at an address that is nobody's.
SETTINGS: dict[str, object] = {"lost_grace": "10s", "source_networks": "198.18.0.0/15"}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A cluster where pods run: `.run_kubectl`, `.host`, `.prefix`, `.storage`."""
    directory = tmp_path_factory.mktemp("cluster")
    made = Elsewhere(binaries.ensure()["kubectl"], Path(SOMEBODYS)) if SOMEBODYS else Cluster(directory)
    with made as running:
        yield running


@pytest.fixture(scope="session")
def node(cluster: Place) -> Cluster:
    """The sandbox's cluster, for those who do things to its node: `.worker`, `.volumes`, `.second_node`."""
    if not isinstance(cluster, Cluster):
        pytest.skip(OUR_OWN)
    return cluster


@pytest.fixture(scope="session")
def operator(cluster: Place) -> Iterator[Deployment]:
    """Two replicas of the operator, with the rights that they have in life; they serve all namespaces."""
    made = Deployment(cluster, SETTINGS)
    made.deploy()
    made.wait()
    yield made
    if SOMEBODYS:
        made.remove()


@pytest.fixture(scope="session")
def control_plane(cluster: Place) -> Place:
    """The cluster, for the fixtures that need no more."""
    return cluster


@pytest.fixture(scope="session")
def keystone(cluster: Place, sandbox_directory: Path) -> Iterator[Keystone]:
    """A real Keystone beside the cluster, where pods reach it."""
    with Keystone(sandbox_directory / "keystone", host=cluster.host) as running:
        yield running


@pytest.fixture(scope="session")
def source(cluster: Place) -> Iterator[Source]:
    """A server of image files beside the cluster, where pods reach it."""
    with Source(cluster.host) as running:
        yield running


@pytest.fixture
def restricted(control_plane: Place, namespace: str) -> str:
    """A fresh namespace where only restricted pods are admitted."""
    label = "pod-security.kubernetes.io/enforce=restricted"
    control_plane.run_kubectl("label", "namespace", namespace, label)
    return namespace


@pytest.fixture
def volumes(node: Cluster) -> Iterator[None]:
    """The cluster's volumes; those that lose their claims are made new."""
    yield
    node.volumes.renew()


@pytest.fixture(scope="session")
def mariadb(cluster: Place) -> MariaDB:
    """A database server that answers, in a namespace of its own."""
    cluster.run_kubectl("create", "namespace", "database")
    server = MariaDB(cluster, "database")
    server.deploy()
    server.wait()
    return server


def why_not() -> str | None:
    """Why there is no cluster."""
    return None if SOMEBODYS else packages.why_not()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs a node where there can be none."""
    if why := why_not():
        for item in items:
            if wants_node(item):
                item.add_marker(pytest.mark.skip(reason=f"{LEFT_OUT}: {why}"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Make what takes minutes here, where no test's time limit runs."""
    wanted = any(wants_node(item) for item in session.items)
    if wanted and not session.config.option.collectonly and not SOMEBODYS and not packages.why_not():
        node_of.prepare()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Nobody is to believe that they passed."""
    if why := why_not():
        terminalreporter.section(LEFT_OUT, sep="!", red=True, bold=True)
        terminalreporter.write_line(why)


def wants_node(item: pytest.Item) -> bool:
    """Whether a test uses the cluster."""
    return "cluster" in getattr(item, "fixturenames", ())
