"""A Job brings an image to a cloud with Keystone: with a token of the operator's, and with nothing more."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.deliveries.conftest import SETTINGS
from tests.integration.images.lab import Operator, condition
from tests.integration.keystone.conftest import CloudLab
from tests.integration.transfer.kubelet import Kubelet, job_controller
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.keystone import OPERATOR_PASSWORD, Keystone
from sandbox_kit.source import Fault, Source

DATA = images.raw(1 << 18)


@pytest.fixture(scope="module")
def carried(
    crds_installed: ControlPlane, keystone_glance: Glance, source: Source, keystone: Keystone, sandbox_directory: Path
) -> Iterator[CloudLab]:
    """A namespace with an operator that may start Jobs, and with what runs them."""
    made = CloudLab(crds_installed, keystone_glance, source, keystone)
    directory = sandbox_directory / "keystone-paper"
    with (
        job_controller(crds_installed, directory),
        Kubelet(crds_installed, directory / "pods"),
        Operator(directory, made.kube.kubeconfig, watch_namespaces=made.namespace, **SETTINGS),
    ):
        yield made


@pytest.mark.timeout(120)
def test_it_goes_by_a_token_and_the_password_goes_nowhere(carried: CloudLab, name: str) -> None:
    lab = carried
    lab.apply(lab.credentials(name, lab.clouds()))
    url = lab.source.serve(name, DATA, Fault(stall_after=1 << 17, times=1))
    wanted = {"http": {"url": url}, "checksum": {"sha256": hashlib.sha256(DATA).hexdigest()}}
    lab.apply(lab.image(name, "", name, source=wanted, visibility="public"))
    eventually(lambda: lab.source.stalled(name))
    found = json.loads(lab.kubectl("get", "secrets,jobs,pods", "-o", "json"))["items"]
    made = [one for one in found if "-transfer-" in one["metadata"]["name"]]
    assert {one["kind"] for one in made} == {"Secret", "Job", "Pod"}
    (secret,) = (one["data"] for one in made if one["kind"] == "Secret")
    assert base64.b64decode(secret["headers"]).startswith(b"X-Auth-Token: ")
    text = json.dumps(made) + "".join(base64.b64decode(one).decode() for one in secret.values())
    assert OPERATOR_PASSWORD not in text
    lab.source.release(name)
    body = lab.ready(name, timeout=90)
    assert condition(body, "Verified")["status"] == "True"
    assert (lab.in_glance(body["status"]["id"]) or {})["visibility"] == "public"
