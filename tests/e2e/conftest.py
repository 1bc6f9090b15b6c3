"""Fixtures that give tests a cluster where pods run. Where none can run, its tests are left out, and that is said."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.keystone import Keystone
from sandbox_kit.node import cluster as node
from sandbox_kit.node import packages
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.source import Source

LEFT_OUT = "THE NODE'S TESTS ARE LEFT OUT"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A real node: `.run_kubectl`, `.get`, `.worker`, `.volumes`, `.host`, `.prefix`."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="session")
def control_plane(cluster: Cluster) -> ControlPlane:
    """The cluster's, for the fixtures that need no more."""
    return cluster.control_plane


@pytest.fixture(scope="session")
def keystone(cluster: Cluster, sandbox_directory: Path) -> Iterator[Keystone]:
    """A real Keystone beside the cluster, where pods reach it."""
    with Keystone(sandbox_directory / "keystone", host=cluster.host) as running:
        yield running


@pytest.fixture(scope="session")
def source(cluster: Cluster) -> Iterator[Source]:
    """A server of image files beside the cluster, where pods reach it."""
    with Source(cluster.host) as running:
        yield running


@pytest.fixture
def restricted(control_plane: ControlPlane, namespace: str) -> str:
    """A fresh namespace where only restricted pods are admitted."""
    label = "pod-security.kubernetes.io/enforce=restricted"
    control_plane.run_kubectl("label", "namespace", namespace, label)
    return namespace


@pytest.fixture
def volumes(cluster: Cluster) -> Iterator[None]:
    """The cluster's volumes; those that lose their claims are made new."""
    yield
    cluster.volumes.renew()


@pytest.fixture(scope="session")
def mariadb(cluster: Cluster) -> MariaDB:
    """A database server that answers, in a namespace of its own."""
    cluster.run_kubectl("create", "namespace", "database")
    server = MariaDB(cluster, "database")
    server.deploy()
    server.wait()
    return server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs a node where there can be none."""
    if why := packages.why_not():
        for item in items:
            if wants_node(item):
                item.add_marker(pytest.mark.skip(reason=f"{LEFT_OUT}: {why}"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Make what takes minutes here, where no test's time limit runs."""
    wanted = any(wants_node(item) for item in session.items)
    if wanted and not session.config.option.collectonly and not packages.why_not():
        node.prepare()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Nobody is to believe that they passed."""
    if why := packages.why_not():
        terminalreporter.section(LEFT_OUT, sep="!", red=True, bold=True)
        terminalreporter.write_line(why)


def wants_node(item: pytest.Item) -> bool:
    """Whether a test uses the cluster."""
    return "cluster" in getattr(item, "fixturenames", ())
