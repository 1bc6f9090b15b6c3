"""One file makes an image service to look at, which says that it is no more than that; and nothing kills a busy pod."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.direct import Pod
from tests.e2e.lab import Object, Service
from tests.e2e.pods import CONFINED
from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.node import recipes
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
    body = trial.until("gapi/trial", "Ready", "True", timeout=240)
    for kind in ("AuthReady", "DatabaseReady"):
        assert NO_PRODUCTION in condition(body, kind)["message"]


def test_the_image_in_it_is_served(trial: Service) -> None:
    made = trial.until("gimg/cirros-on-trial", "Ready", "True", timeout=90)["status"]["id"]
    command = Pod(trial, "trial-0").curl("GET", f"/images/{made}/file")
    data = subprocess.run(command, capture_output=True, check=True).stdout
    assert hashlib.sha256(data).digest() == hashlib.sha256(DATA).digest()


def container(trial: Service, name: str) -> Object:
    found: list[Object] = trial.get("pod/trial-0")["status"]["containerStatuses"]
    return next(one for one in found if one["name"] == name)


@contextmanager
def uploading(pod: Pod) -> Iterator[None]:
    """Slow uploads that do not end before the block does; and then all of them end well."""
    over = threading.Event()

    def upload(image_id: str) -> int:
        chunked = {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}
        command = pod.curl("PUT", f"/images/{image_id}/file", "-T", "-", "-m", "400", **chunked)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as client:
            assert client.stdin is not None
            while not over.wait(0.5):
                client.stdin.write(bytes(1024))
                client.stdin.flush()
            client.stdin.close()
            return client.wait(60)

    made = [pod.new() for _ in range(UPLOADS)]
    with ThreadPoolExecutor(UPLOADS) as clients:
        answers = [clients.submit(upload, one) for one in made]
        try:
            yield
        finally:
            over.set()
        assert [one.result() for one in answers] == [0] * UPLOADS
    assert {pod.image(one)["status"] for one in made} == {"active"}


def test_more_slow_uploads_than_threads_do_not_restart_the_pod(trial: Service) -> None:
    """The witness shows that Glance had not answered for as long as it would have taken."""
    trial.patch("gapi/trial", server={"threads": THREADS}, pod={"containers": [WITNESS]})
    trial.until("gapi/trial", "Ready", "True", timeout=180)
    before = container(trial, "glance-api")
    with uploading(Pod(trial, "trial-0")):
        eventually(lambda: container(trial, "witness")["restartCount"], 180, 1)
        told = condition(trial.until("gapi/trial", "WorkloadReady", "False"), "WorkloadReady")["message"]
        assert "0 of 1 pods serve" in told
    trial.until("gapi/trial", "Ready", "True", timeout=90)
    after = container(trial, "glance-api")
    assert (after["restartCount"], after["containerID"]) == (0, before["containerID"])
