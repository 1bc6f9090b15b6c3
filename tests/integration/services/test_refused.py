"""Where Kubernetes admits no pod of a proof, its own words are in the store's condition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.services.conftest import Desk, api, store
from tests.support import eventually

from sandbox_kit import binaries
from sandbox_kit.control_plane import ControllerManager, ControlPlane

EXPORT = {"inline": {"server": "nfs.example.org", "path": "/export"}}


@pytest.fixture(scope="module", autouse=True)
def job_controller(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What makes pods of jobs: the control plane of the tests has none, as nothing there could run them."""
    directory, program = tmp_path_factory.mktemp("jobs"), binaries.ensure()["kube-controller-manager"]
    controllers = ("job-controller",)
    with ControllerManager(program, Path(directory), control_plane.authority, control_plane.api, controllers):
        yield


@pytest.fixture(autouse=True)
def restricted(desk: Desk) -> None:
    desk.kubectl("label", "namespace", desk.namespace, "pod-security.kubernetes.io/enforce=restricted", "--overwrite")


def test_an_inline_export_in_a_restricted_namespace(desk: Desk, name: str) -> None:
    share = store(f"{name}-s", name, type="nfs", nfs=EXPORT)
    del share["spec"]["file"]
    desk.apply(api(name), share)

    def told() -> str:
        words: str = desk.until(f"gstore/{name}-s", "Usable", "False", "Probing")["message"]
        assert "violates PodSecurity" in words
        return words

    words = eventually(told, 30)
    assert 'uses restricted volume type "nfs"' in words
    assert f'pods "{name}-s-probe-' in words
    version = desk.get(f"gstore/{name}-s")["metadata"]["resourceVersion"]
    refused = "reason=FailedCreate"
    eventually(lambda: len(desk.kubectl("get", "events", "--field-selector", refused, "-o", "name").split()) > 2, 60)
    assert desk.get(f"gstore/{name}-s")["metadata"]["resourceVersion"] == version, "the same words are no news"
    desk.kubectl("delete", "gstore", f"{name}-s", "--wait=false")
    desk.gone(f"gstore/{name}-s")


def test_what_is_admitted_is_not_complained_of(desk: Desk, name: str) -> None:
    desk.apply(api(name), store(f"{name}-s", name))
    desk.until(f"gstore/{name}-s", "Usable", "False", "Probing")
    eventually(lambda: [one for one in desk.names("pods") if one.startswith(f"{name}-s-probe-")], 30)
    assert "forbidden" not in desk.until(f"gstore/{name}-s", "Usable", "False", "Probing")["message"]
