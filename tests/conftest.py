"""Fixtures that give tests the real parts. All are lazy: a run of the unit tests alone starts nothing."""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import forks
from xdist.scheduler import LoadFileScheduling

from sandbox_kit import binaries, environment
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance, GlanceConfig
from sandbox_kit.keystone import Keystone
from sandbox_kit.source import Source

ROOT = Path(__file__).parent.parent
# Those of tests/e2e that run on the second of two clusters, so that both take about as long.
SECOND_NODE = {f"test_{name}.py" for name in ("cache", "images", "outages", "upgrades", "volumes")}
seconds_of: dict[str, float] = defaultdict(float)


@pytest.fixture(scope="session")
def sandbox_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the parts of this run keep their data and logs."""
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="session")
def control_plane(sandbox_directory: Path) -> Iterator[ControlPlane]:
    """A real etcd, kube-apiserver and kube-controller-manager: `.url`, `.kubeconfig`, `.run_kubectl(...)`."""
    with ControlPlane(sandbox_directory / "kube") as running:
        yield running


@pytest.fixture(scope="session")
def kubeconfig(control_plane: ControlPlane) -> Path:
    """The administrator's kubeconfig."""
    return control_plane.kubeconfig


@pytest.fixture(scope="session")
def kubectl(control_plane: ControlPlane) -> Path:
    """The kubectl program of the control plane's version (it starts nothing by itself; `control_plane` runs)."""
    return control_plane.kubectl


@pytest.fixture(scope="session")
def crds_installed(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with our three kinds, each Established."""
    crds = ROOT / "crds"
    control_plane.run_kubectl("apply", "--server-side", "-f", crds)
    control_plane.run_kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", crds)
    return control_plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A fresh namespace; its end is begun, not awaited, when the test is over."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    control_plane.run_kubectl("create", "namespace", name)
    yield name
    control_plane.run_kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def source() -> Iterator[Source]:
    """A server of image files with faults: `.serve(name, data, Fault(...)) -> url`, `.requests_of(name)`."""
    with Source() as running:
        yield running


@pytest.fixture(scope="session")
def glance(sandbox_directory: Path, source: Source) -> Iterator[Glance]:
    """A real Glance, no Keystone: stores central (the default), dcn0 and dcn1; it may fetch from `source`."""
    ports = (source.port, source.refusing_port)
    with Glance(sandbox_directory / "glance", GlanceConfig(allowed_ports=ports)) as running:
        yield running


@pytest.fixture(scope="session")
def keystone(sandbox_directory: Path) -> Iterator[Keystone]:
    """A real Keystone: `.password_clouds()`, `.new_application_credential(name)`, `.configure(token_seconds)`."""
    with Keystone(sandbox_directory / "keystone") as running:
        yield running


@pytest.fixture(scope="session")
def keystone_glance(sandbox_directory: Path, keystone: Keystone, source: Source) -> Iterator[Glance]:
    """A Glance like `glance` that asks `keystone` who its callers are, and is in its catalogue."""
    config = keystone.glance_config(GlanceConfig(allowed_ports=(source.port, source.refusing_port)))
    with Glance(sandbox_directory / "keystone-glance", config) as running:
        keystone.offer_images(running.url)
        yield running


def pytest_collection_finish(session: pytest.Session) -> None:
    """Make what takes minutes here, where no test's time limit runs."""
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if "control_plane" in wanted:
        binaries.ensure()
    if wanted & {"glance", "keystone"}:
        environment.ensure()


def pytest_sessionfinish() -> None:
    """Forks of operators end with their tests; this ends what they were forked from."""
    forks.end()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up the time of each suite; what a fixture takes to start counts for the first test that uses it."""
    file = Path(report.nodeid.partition("::")[0])
    seconds_of[file.parts[1] if len(file.parts) > 2 else str(file)] += report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each suite took."""
    terminalreporter.section("time per suite", sep="-")
    for suite, seconds in sorted(seconds_of.items()):
        terminalreporter.write_line(f"{suite:<12} {seconds:7.1f} s")


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # xdist is not typed
    """The tests of a file run in one process. So do all that ask a Keystone, which takes twenty seconds to start; and
    each of the two halves of those that need a node, as a process has one."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0])
        if file.parent.name == "keystone":
            return "keystone"
        if file.parent.name == "e2e":
            return f"node {1 + (file.name in SECOND_NODE)}"
        return str(file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """In place of what --dist says."""
    return ByFile(config, log)
