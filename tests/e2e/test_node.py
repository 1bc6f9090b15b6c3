"""The node itself: pods run on it as on any other, and nothing of it outlives its caller."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.e2e.pods import UID, apply, log_of, pod, serve
from tests.support import eventually, processes_naming

from sandbox_kit.keystone import Keystone
from sandbox_kit.node import recipes
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.source import Source


def test_a_restricted_pod_runs_and_another_is_refused(cluster: Cluster, restricted: str) -> None:
    apply(cluster, restricted, pod("modest", "id -u; grep CapEff /proc/self/status"))
    assert eventually(lambda: log_of(cluster, restricted, "modest")).split() == [str(UID), "CapEff:", "0" * 16]
    with pytest.raises(RuntimeError, match="violates PodSecurity"):
        apply(cluster, restricted, pod("bold", "true", securityContext={}))


def test_pods_find_services_and_the_api_by_name(cluster: Cluster, restricted: str) -> None:
    apply(cluster, restricted, *serve("web"))
    cluster.run_kubectl("wait", "--for=condition=Ready", "pod/web", "-n", restricted, "--timeout=30s")
    api = "https://kubernetes.default.svc/version"
    patient = "--retry 9 --retry-all-errors"  # kube-proxy looks once a second
    script = f"curl -sSf {patient} http://web/; curl -sSk {api}; curl -s http://nowhere.invalid || echo $?"
    apply(cluster, restricted, pod("client", script))
    said = eventually(lambda: log_of(cluster, restricted, "client"))
    assert said.startswith("web\n")
    assert "v1.36" in said
    assert said.endswith("6\n"), "a name that does not exist is said to be none, at once"


def test_this_machine_reaches_pods_and_services(cluster: Cluster, restricted: str) -> None:
    apply(cluster, restricted, *serve("web"))
    cluster.run_kubectl("wait", "--for=condition=Ready", "pod/web", "-n", restricted, "--timeout=30s")
    found = json.loads(cluster.run_kubectl("get", "pod/web", "service/web", "-n", restricted, "-o", "json"))["items"]
    for address in (f"{found[0]['status']['podIP']}:8080", found[1]["spec"]["clusterIP"]):
        with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
            assert answer.read() == b"web\n"
    curl = [*cluster.prefix, "curl", "-sf", f"http://web.{restricted}.svc.cluster.local/"]
    assert subprocess.run(curl, capture_output=True, text=True, check=True).stdout == "web\n"
    assert cluster.run_kubectl("exec", "web", "-n", restricted, "--", "hostname") == "web\n"


def test_what_runs_beside_the_cluster_is_reached_by_its_pods(
    cluster: Cluster, restricted: str, keystone: Keystone, source: Source
) -> None:
    apply(cluster, restricted, pod("client", f"curl -sSf {keystone.url}; curl -sSf {source.serve('file', b'bytes')}"))
    said = eventually(lambda: log_of(cluster, restricted, "client"))
    assert '"version"' in said
    assert said.endswith("bytes")


@pytest.mark.usefixtures("volumes")
def test_a_pod_writes_to_volumes_as_its_own_user(cluster: Cluster, restricted: str) -> None:
    modes = {"one": "ReadWriteOnce", "many": "ReadWriteMany"}
    for name, mode in modes.items():
        spec = {"accessModes": [mode], "storageClassName": "local", "resources": {"requests": {"storage": "1Gi"}}}
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}
        apply(cluster, restricted, claim)
    mounts = {"volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in modes]}
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in modes]
    script = "for name in one many; do echo mine > /$name/file; stat -c '%u %g' /$name/file; done"
    apply(cluster, restricted, pod("writer", script, container=mounts, volumes=volumes))
    said = eventually(lambda: log_of(cluster, restricted, "writer"))
    assert said == f"{UID} {UID}\n" * 2
    bound = cluster.run_kubectl("get", "pvc", "one", "-n", restricted, "-o", "jsonpath={.spec.volumeName}")
    assert (cluster.volumes.path(bound) / "file").read_text() == "mine\n"


def test_a_database_for_glance_is_ready(mariadb: MariaDB) -> None:
    script = f"""import pymysql
pymysql.connect(host="mariadb.{mariadb.namespace}.svc.cluster.local", user="glance", password="sandbox-password",
                database="glance").cursor().execute("CREATE TABLE seen (id INT)")
print("seen")"""
    job = pod("asker", "", container={"image": recipes.GLANCE.image, "command": ["python3", "-c", script]})
    apply(mariadb.cluster, mariadb.namespace, job)
    assert eventually(lambda: log_of(mariadb.cluster, mariadb.namespace, "asker")) == "seen\n"


def test_a_node_comes_back_after_a_power_cut(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, *serve("web"))
    cluster.run_kubectl("wait", "--for=condition=Ready", "pod/web", "-n", namespace, "--timeout=30s")
    cluster.worker.kill()
    cluster.worker.start()
    apply(cluster, namespace, pod("after", "echo back"))
    assert eventually(lambda: log_of(cluster, namespace, "after"), timeout=60) == "back\n"


CALLER = """
import sys, time
from pathlib import Path
from sandbox_kit.node.cluster import Cluster
cluster = Cluster(Path(sys.argv[1]), ())
cluster.start()
print(cluster.wire.addresses.link, cluster.wire.group, cluster.wire.pid, flush=True)
time.sleep(600)
"""


def test_nothing_outlives_a_killed_caller(cluster: Cluster, tmp_path: Path) -> None:
    """Beside another cluster, which is not harmed."""
    caller = subprocess.Popen([sys.executable, "-c", CALLER, tmp_path], stdout=subprocess.PIPE, text=True)
    try:
        assert caller.stdout is not None
        link, group, _ = caller.stdout.readline().split()
        assert traces(link, group, tmp_path)
    finally:
        os.kill(caller.pid, signal.SIGKILL)
        caller.communicate()
    eventually(lambda: not traces(link, group, tmp_path))
    assert cluster.ready()


def traces(link: str, group: str, directory: Path) -> list[str]:
    """What there is of a cluster on this machine, its files apart."""
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(directory) in line]
    links = [path.name for path in Path("/sys/class/net").iterdir() if path.name == link]
    rules = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout.splitlines()
    routes = [line for line in Path("/proc/net/route").read_text().splitlines() if line.startswith(f"{link}\t")]
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{group}")]
    return [*processes_naming(str(directory)), *mounts, *links, *rules, *routes, *groups]
