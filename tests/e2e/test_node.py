"""The node itself: pods run on it as on any other, and nothing of it outlives its caller."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from tests.e2e.pods import UID, apply, claim, log_of, phase, pod, ready, serve
from tests.support import eventually, processes_naming

from sandbox_kit.keystone import Keystone
from sandbox_kit.node import recipes
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.source import Source


def test_a_restricted_pod_runs_and_another_is_refused(node: Cluster, restricted: str) -> None:
    apply(node, restricted, pod("modest", "id -u; grep CapEff /proc/self/status"))
    assert eventually(lambda: log_of(node, restricted, "modest")).split() == [str(UID), "CapEff:", "0" * 16]
    with pytest.raises(RuntimeError, match="violates PodSecurity"):
        apply(node, restricted, pod("bold", "true", securityContext={}))


def test_pods_find_services_and_the_api_by_name(node: Cluster, restricted: str) -> None:
    apply(node, restricted, *serve("web"))
    ready(node, restricted, "web")
    api = "https://kubernetes.default.svc/version"
    patient = "--retry 60 --retry-delay 1 --retry-all-errors"  # kube-proxy looks once a second
    script = f"curl -sSf {patient} http://web/; curl -sSk {api}; curl -s http://nowhere.invalid || echo $?"
    apply(node, restricted, pod("client", script))
    said = eventually(lambda: log_of(node, restricted, "client"))
    assert "web" in said.splitlines(), "after what curl says about its retries"
    assert "v1.36" in said
    assert said.endswith("6\n"), "a name that does not exist is said to be none, at once"


def test_this_machine_reaches_pods_and_services(node: Cluster, restricted: str) -> None:
    apply(node, restricted, *serve("web"))
    ready(node, restricted, "web")
    found = json.loads(node.run_kubectl("get", "pod/web", "service/web", "-n", restricted, "-o", "json"))["items"]
    for address in (f"{found[0]['status']['podIP']}:8080", found[1]["spec"]["clusterIP"]):
        with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
            assert answer.read() == b"web\n"
    curl = [*node.prefix, "curl", "-sf", f"http://web.{restricted}.svc.cluster.local/"]
    assert subprocess.run(curl, capture_output=True, text=True, check=True).stdout == "web\n"
    assert node.run_kubectl("exec", "web", "-n", restricted, "--", "hostname") == "web\n"


def test_what_runs_beside_the_cluster_is_reached_by_its_pods(
    node: Cluster, restricted: str, keystone: Keystone, source: Source
) -> None:
    apply(node, restricted, pod("client", f"curl -sSf {keystone.url}; curl -sSf {source.serve('file', b'bytes')}"))
    said = eventually(lambda: log_of(node, restricted, "client"))
    assert '"version"' in said
    assert said.endswith("bytes")


@pytest.mark.usefixtures("volumes")
def test_a_pod_writes_to_volumes_as_its_own_user(node: Cluster, restricted: str) -> None:
    modes = {"one": "ReadWriteOnce", "many": "ReadWriteMany"}
    for name, mode in modes.items():
        apply(node, restricted, claim(name, mode))
    mounts = {"volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in modes]}
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in modes]
    script = "for name in one many; do echo mine > /$name/file; stat -c '%u %g' /$name/file; done"
    apply(node, restricted, pod("writer", script, container=mounts, volumes=volumes))
    said = eventually(lambda: log_of(node, restricted, "writer"))
    assert said == f"{UID} {UID}\n" * 2
    bound = node.run_kubectl("get", "pvc", "one", "-n", restricted, "-o", "jsonpath={.spec.volumeName}")
    assert (node.volumes.path(bound) / "file").read_text() == "mine\n"


@pytest.mark.usefixtures("volumes")
def test_a_volume_can_be_full(node: Cluster, restricted: str) -> None:
    node.volumes.add("small")
    node.worker.confine("small", "1m")
    wanted = claim("small", "ReadWriteOnce")
    wanted["spec"]["volumeName"] = "small"
    mounts = {"volumeMounts": [{"name": "small", "mountPath": "/small"}]}
    volumes = [{"name": "small", "persistentVolumeClaim": {"claimName": "small"}}]
    writer = pod("writer", "head -c 2000000 /dev/zero > /small/file || true", container=mounts, volumes=volumes)
    apply(node, restricted, wanted, writer)
    assert "No space left" in eventually(lambda: log_of(node, restricted, "writer"))


def test_a_database_for_glance_is_ready(mariadb: MariaDB) -> None:
    script = f"""import pymysql
pymysql.connect(host="mariadb.{mariadb.namespace}.svc.cluster.local", user="glance", password="sandbox-password",
                database="glance").cursor().execute("CREATE TABLE seen (id INT)")
print("seen")"""
    job = pod("asker", "", container={"image": recipes.GLANCE.image, "command": ["python3", "-c", script]})
    apply(mariadb.cluster, mariadb.namespace, job)
    assert eventually(lambda: log_of(mariadb.cluster, mariadb.namespace, "asker")) == "seen\n"


def test_a_node_comes_back_after_a_power_cut(node: Cluster, namespace: str) -> None:
    apply(node, namespace, *serve("web"))
    ready(node, namespace, "web")
    node.worker.kill()
    node.worker.start()
    apply(node, namespace, pod("after", "echo back"))
    assert eventually(lambda: log_of(node, namespace, "after"), timeout=60) == "back\n"


@pytest.mark.usefixtures("volumes")
def test_a_second_node_shares_volumes_and_can_be_lost(node: Cluster, namespace: str) -> None:
    with node.second_node() as second:
        apply(node, namespace, claim("shared", "ReadWriteMany"))
        shared = {
            "container": {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]},
            "volumes": [{"name": "shared", "persistentVolumeClaim": {"claimName": "shared"}}],
        }
        here, there = ({"nodeSelector": {"kubernetes.io/hostname": name}} for name in ("node1", second.name))
        apply(node, namespace, pod("writer", "echo mine > /shared/file", **shared, **there))
        eventually(lambda: phase(node, namespace, "writer") == "Succeeded")
        apply(node, namespace, pod("reader", "cat /shared/file", **shared, **here))
        assert eventually(lambda: log_of(node, namespace, "reader")) == "mine\n"
        second.kill()
        assert node.ready()
        second.start()
        eventually(lambda: node.ready(second.name))
    nodes = node.run_kubectl("get", "nodes", "-o", "name")
    assert nodes == "node/node1\n"


SLEEP = "sleep 86399"
CALLER = """
import sys, time
from pathlib import Path
from sandbox_kit.node import recipes
from sandbox_kit.node.cluster import Cluster
cluster = Cluster(Path(sys.argv[1]), (recipes.BASE,))
cluster.start()
cluster.run_kubectl("run", "sleeper", "--image", recipes.BASE.image, "--", "sleep", str(86400 - 1))
cluster.run_kubectl("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=120s", timeout=130)
print(cluster.wire.addresses.link, cluster.wire.group, flush=True)
time.sleep(600)
"""


def test_nothing_outlives_a_killed_caller(node: Cluster, tmp_path: Path) -> None:
    """Beside another cluster, which is not harmed."""
    caller = subprocess.Popen([sys.executable, "-c", CALLER, tmp_path], stdout=subprocess.PIPE, text=True)
    try:
        assert caller.stdout is not None
        link, group = caller.stdout.readline().split()
        assert all(group in line for line in groups_of(SLEEP)), "what its pods are charged for is in one place"
        assert processes_naming(SLEEP)
        assert traces(link, group, tmp_path)
    finally:
        os.kill(caller.pid, signal.SIGKILL)
        caller.communicate()
    eventually(lambda: not [*processes_naming(SLEEP), *traces(link, group, tmp_path)])
    assert node.ready()


def groups_of(command: str) -> list[str]:
    """The cgroups of the processes with this command line, one for each hierarchy."""
    pids = [path.parent for path in Path("/proc").glob("[0-9]*/cmdline") if command in shown(path)]
    return [line for pid in pids for line in (pid / "cgroup").read_text().splitlines()]


def shown(cmdline: Path) -> str:
    with suppress(OSError):  # it ended while we looked
        return cmdline.read_text().replace("\0", " ")
    return ""


def traces(link: str, group: str, directory: Path) -> list[str]:
    """What there is of a cluster on this machine, its files apart."""
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(directory) in line]
    links = [path.name for path in Path("/sys/class/net").iterdir() if path.name == link]
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout.splitlines()
    rules = [line for line in tables if "kube-proxy" in line]
    routes = [line for line in Path("/proc/net/route").read_text().splitlines() if line.startswith(f"{link}\t")]
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{group}")]
    return [*processes_naming(str(directory)), *mounts, *links, *rules, *routes, *groups]
