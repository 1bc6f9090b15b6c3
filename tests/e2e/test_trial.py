"""One file makes an image service to look at, which says that it is no more than that."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.direct import Pod
from tests.e2e.lab import Object, Service
from tests.integration.images.lab import condition

from sandbox_kit import images
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.node.places import Place
from sandbox_kit.source import Source

pytestmark = pytest.mark.timeout(600)
TRIAL = Path(__file__).parents[2] / "hack/samples/service/trial.yaml"
NAMESPACE, ADDRESS = "trial", "https://images.example.org"
NO_PRODUCTION = "for a trial, not for production"
DATA = images.qcow2(1 << 20)
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


@pytest.fixture(scope="module")
def default_class(cluster: Place) -> Iterator[None]:
    """The sandbox has none by itself."""
    ours, of = isinstance(cluster, Cluster), f"storageclass/{cluster.storage.name}"
    if ours:
        cluster.run_kubectl("annotate", of, f"{DEFAULT_CLASS}=true")
    yield
    if ours:
        cluster.run_kubectl("annotate", of, f"{DEFAULT_CLASS}-")


@pytest.fixture(scope="module")
def trial(operator: Deployment, cluster: Place, source: Source, default_class: None) -> Iterator[Service]:
    """The sample as it is, where `images` serves the file that it names."""
    made = Service(cluster, MariaDB(cluster, "none"), NAMESPACE)
    made.make()
    source.serve("cirros.qcow2", DATA)
    made.apply(*named("images", cluster.host, source.port))
    text = TRIAL.read_text().replace(ADDRESS, f"http://images.{NAMESPACE}.svc.cluster.local")
    made.kubectl("apply", "-f", "-", stdin=text)
    yield made
    made.end()


def named(name: str, address: str, port: int) -> list[Object]:
    """A Service in front of what listens outside: at the port that Glance lets everybody fetch from."""
    slice_of = {"kubernetes.io/service-name": name}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"ports": [{"port": 80, "targetPort": port}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": name, "labels": slice_of},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": port}],
            "endpoints": [{"addresses": [address]}],
        },
    ]


def test_one_file_is_a_service_that_says_what_it_is_for(trial: Service) -> None:
    body = trial.until("gapi/trial", "Ready", "True")
    for kind in ("AuthReady", "DatabaseReady"):
        assert NO_PRODUCTION in condition(body, kind)["message"]


def test_the_image_in_it_is_served(trial: Service) -> None:
    made = trial.until("gimg/cirros-on-trial", "Ready", "True")["status"]["id"]
    command = Pod(trial, "trial-0").curl("GET", f"/images/{made}/file")
    data = subprocess.run(command, capture_output=True, check=True).stdout
    assert hashlib.sha256(data).digest() == hashlib.sha256(DATA).digest()
