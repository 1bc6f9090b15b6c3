"""One file makes an image service to look at, which says that it is no more than that; and nothing kills a busy pod."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.direct import BYTES, TRUSTED, Pod
from tests.e2e.lab import Operator, Service
from tests.e2e.pods import CONFINED
from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.node import recipes
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.source import Source

pytestmark = pytest.mark.timeout(600)
TRIAL = Path(__file__).parents[2] / "hack/samples/service/trial.yaml"
NAMESPACE, ADDRESS = "trial", "https://images.example.org"
NO_PRODUCTION = "for a trial, not for production"
DATA = images.qcow2(1 << 20)
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
THREADS, UPLOADS = 2, 8
# It is restarted when Glance does not answer, as a pod would be whose liveness were Glance's own health.
WITNESS = {
    "name": "witness",
    "image": recipes.BASE.image,
    "imagePullPolicy": "Never",
    "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 86400 & wait"],
    "securityContext": CONFINED,
    "livenessProbe": {
        "httpGet": {"path": "/healthcheck", "port": 9292},
        "periodSeconds": 10,
        "timeoutSeconds": 5,
        "failureThreshold": 3,
    },
}


@pytest.fixture(scope="module")
def trial(
    cluster: Cluster, crds_installed: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The sample as it is, on a cluster with a default StorageClass, where `images` serves the file that it names."""
    kubectl = crds_installed.run_kubectl
    cluster.volumes.renew()
    kubectl("annotate", "storageclass/local", f"{DEFAULT_CLASS}=true")
    kubectl("create", "namespace", NAMESPACE)
    kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    made = Service(cluster, MariaDB(cluster, NAMESPACE), NAMESPACE)
    with (
        Source(cluster.host) as source,
        Operator(tmp_path_factory.mktemp("operator"), cluster, watch_namespaces=NAMESPACE, lost_grace="1s"),
    ):
        source.serve("cirros.qcow2", DATA)
        made.apply(*named("images", cluster.host, source.port))
        text = TRIAL.read_text().replace(ADDRESS, f"http://images.{NAMESPACE}.svc.cluster.local")
        made.kubectl("apply", "-f", "-", stdin=text)
        yield made
        kubectl("delete", "namespace", NAMESPACE, timeout=300)
    kubectl("annotate", "storageclass/local", f"{DEFAULT_CLASS}-")
    cluster.volumes.renew()


def named(name: str, address: str, port: int) -> list[dict[str, Any]]:
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
    body = trial.until("gapi/trial", "Ready", "True", timeout=240)
    for kind in ("AuthReady", "DatabaseReady"):
        assert NO_PRODUCTION in condition(body, kind)["message"]


def test_the_image_in_it_is_served(trial: Service) -> None:
    made = trial.until("gimg/cirros-on-trial", "Ready", "True", timeout=90)["status"]["id"]
    assert Pod(trial, "trial-0", TRUSTED).ask("GET", f"/images/{made}/file").content == DATA


def container(trial: Service, name: str) -> dict[str, Any]:
    found = trial.get("pod/trial-0")["status"]["containerStatuses"]
    return next(one for one in found if one["name"] == name)


@contextmanager
def uploading(pod: Pod) -> Iterator[None]:
    """Slow uploads that do not end before the block does; and then all of them end well."""
    done = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield bytes(1024)
        while not done.wait(0.5):
            yield bytes(1024)

    made = [pod.new() for _ in range(UPLOADS)]
    with ThreadPoolExecutor(UPLOADS) as clients:
        paths = [f"/images/{one}/file" for one in made]
        answers = [clients.submit(pod.ask, "PUT", path, BYTES, data=pieces()) for path in paths]
        try:
            yield
        finally:
            done.set()
        assert [one.result().status_code for one in answers] == [204] * UPLOADS


def test_more_slow_uploads_than_threads_do_not_restart_the_pod(trial: Service) -> None:
    """By the witness it is seen that Glance's health had not been answered for as long as it takes."""
    trial.patch("gapi/trial", server={"threads": THREADS}, pod={"containers": [WITNESS]})
    trial.until("gapi/trial", "Ready", "True", timeout=180)
    before = container(trial, "glance-api")
    with uploading(Pod(trial, "trial-0", TRUSTED)):
        eventually(lambda: container(trial, "witness")["restartCount"], 120, 1)
        told = trial.until("gapi/trial", "WorkloadReady", "False")
        assert "0 of 1 pods serve" in json.dumps(told["status"]["conditions"])
    trial.until("gapi/trial", "Ready", "True", timeout=90)
    after = container(trial, "glance-api")
    assert (after["restartCount"], after["containerID"]) == (0, before["containerID"])
