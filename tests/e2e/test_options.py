"""What a GlanceAPI says about imports, formats and pods, observed on services that run, one of them with Keystone."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.direct import TRUSTED, Pod
from tests.e2e.lab import Operator, Service, api, image, store
from tests.e2e.pods import CONFINED
from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.keystone import GLANCE_PASSWORD, OPERATOR_PASSWORD, REGION, Keystone
from sandbox_kit.node import recipes
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.source import Source

Object = dict[str, Any]
pytestmark = pytest.mark.timeout(600)

KEYSTONE, SHARED = "options", "options-shared"  # namespaces
CLASS = "options"  # of priority, and of the container runtime
STAGING = "/var/lib/glance/staging"
NOWHERE = "192.0.2.7"  # an address for documentation
QCOW2 = images.qcow2(1 << 20)
DISK = images.raw(int.from_bytes(QCOW2[24:32], "big"))
RAW = images.raw(1 << 20, seed=1)
MINE = {"matchLabels": {"team": "images"}}
HERE = {"topologyKey": "kubernetes.io/hostname", "labelSelector": MINE}
HELPER = {
    "name": "helper",
    "image": recipes.BASE.image,
    "imagePullPolicy": "Never",
    "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 86400 & wait"],
    "securityContext": CONFINED,
}
POD: Object = {
    "labels": {"team": "images"},
    "annotations": {"example.org/note": "in two\nlines"},
    "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "images", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": HERE}]}
    },
    "topologySpreadConstraints": [{"maxSkew": 2, "whenUnsatisfiable": "ScheduleAnyway", **HERE}],
    "priorityClassName": CLASS,
    "runtimeClassName": CLASS,
    "securityContext": {"supplementalGroups": [4242]},
    "env": [{"name": "SITE", "value": "central"}],
    "volumes": [{"name": "extra", "emptyDir": {}}],
    "volumeMounts": [{"name": "extra", "mountPath": "/extra"}],
    "containers": [HELPER],
    "probes": {"readiness": {"periodSeconds": 3}, "liveness": {"tcpSocket": {"port": 9292}}},
}


@pytest.fixture(scope="module")
def source(cluster: Cluster) -> Iterator[Source]:
    """Files that pods can fetch."""
    with Source(cluster.host) as running:
        yield running


@pytest.fixture(scope="module")
def both(
    cluster: Cluster, crds_installed: ControlPlane, mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Service]]:
    """Namespaces with a database each, and an operator; what was made for them goes with them."""
    kubectl = crds_installed.run_kubectl
    kubectl("create", "priorityclass", CLASS, "--value=1000")
    runtime = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": CLASS}, "handler": "runc"}
    kubectl("apply", "-f", "-", stdin=json.dumps(runtime))
    cluster.volumes.renew()
    made = {name: Service(cluster, mariadb, name) for name in (KEYSTONE, SHARED)}
    for name, service in made.items():
        kubectl("create", "namespace", name)
        kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        connection = mariadb.make(name.replace("-", "_"))
        service.apply(secret("glance-db", connection=connection), service.claim("central"), store("central", "central"))
    with Operator(tmp_path_factory.mktemp("operator"), cluster, watch_namespaces=",".join(made), lost_grace="1s"):
        yield made
        kubectl("delete", "namespace", *made, timeout=300)
    kubectl("delete", f"priorityclass/{CLASS}", f"runtimeclass/{CLASS}")
    cluster.volumes.renew()


def secret(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


@pytest.fixture(scope="module")
def service(both: dict[str, Service], keystone: Keystone) -> Service:
    """Two replicas that stage each on its own, with Keystone and everything about imports and pods that can be said."""
    made = both[KEYSTONE]
    own = {"username": "glance", "password": GLANCE_PASSWORD, "project_name": "service"}
    auth = {"authURL": keystone.url, "credentialsSecretRef": {"name": "glance-keystone"}, "region": REGION}
    imports = {
        "sources": {"disallowedHosts": [NOWHERE], "disallowedPorts": [22]},
        "decompression": {},
        "conversion": {"outputFormat": "raw"},
        "injectMetadata": {"properties": {"site": "central"}, "ignoreUserRoles": []},
    }
    formats = {"disk": ["raw", "qcow2"], "container": ["bare"]}
    given = {"imports": imports, "formats": formats, "staging": {"emptyDir": {"sizeLimit": "2Gi"}}, "pod": POD}
    made.apply(secret("glance-keystone", **own), api(auth={"keystone": auth}, **given))
    made.until("gapi/glance", "Ready", "True", timeout=240)
    return made


@pytest.fixture(scope="module")
def shared(both: dict[str, Service]) -> Service:
    """Two replicas without Keystone that stage in one place."""
    made = both[SHARED]
    claim = {"size": "1Gi", "storageClassName": "local", "accessModes": ["ReadWriteMany"]}
    made.apply(api(staging={"pvc": claim}))
    made.until("gapi/glance", "Ready", "True", timeout=240)
    return made


@pytest.fixture(scope="module")
def pods(service: Service, keystone: Keystone) -> tuple[Pod, Pod]:
    """Those of the service with Keystone."""
    token = {"X-Auth-Token": keystone.token("operator", OPERATOR_PASSWORD, "images")}
    return Pod(service, "glance-0", token), Pod(service, "glance-1", token)


@pytest.fixture(scope="module")
def sharing(shared: Service) -> tuple[Pod, Pod]:
    """Those of the service that stages in one place."""
    return Pod(shared, "glance-0", TRUSTED), Pod(shared, "glance-1", TRUSTED)


def stored(service: Service, image_id: str) -> bytes:
    volume = service.get("pvc/central")["spec"]["volumeName"]
    return (service.cluster.volumes.path(volume) / image_id).read_bytes()


def inside(service: Service, pod: str, *command: str) -> str:
    return service.kubectl("exec", pod, "-c", "glance-api", "--", *command)


def test_keystone_knows_the_service_and_its_users(service: Service, pods: tuple[Pod, Pod]) -> None:
    assert condition(service.get("gapi/glance"), "AuthReady")["status"] == "True"
    pods[0].ask("GET", "/images")
    with pytest.raises(AssertionError, match="401"):
        Pod(service, "glance-0", TRUSTED).ask("GET", "/images")


def test_a_qcow2_arrives_as_raw_with_the_properties(service: Service, source: Source, pods: tuple[Pod, Pod]) -> None:
    service.apply(image("converted", source.serve("converted.qcow2", QCOW2), diskFormat="qcow2"))
    made = service.until("gimg/converted", "Ready", "True")["status"]["id"]
    found = pods[1].image(made)
    assert (found["disk_format"], found["size"], found["site"]) == ("raw", len(DISK), "central")
    assert stored(service, made) == DISK


def test_what_is_packed_is_unpacked(service: Service, source: Source) -> None:
    service.apply(image("packed", source.serve("packed.gz", gzip.compress(RAW))))
    made = service.until("gimg/packed", "Ready", "True")["status"]["id"]
    assert stored(service, made) == RAW


def test_the_image_says_that_its_host_is_not_allowed_or_its_format_not_taken(service: Service, source: Source) -> None:
    url = f"http://{NOWHERE}/x.img"
    service.apply(image("elsewhere", url), image("strange", source.serve("strange", RAW), diskFormat="vmdk"))
    told = condition(service.until("gimg/elsewhere", "Stalled", "True", "SourceRefused"), "Ready")["message"]
    assert url in told
    assert "import filter" in told
    told = condition(service.until("gimg/strange", "Stalled", "True"), "Ready")["message"]
    assert "vmdk" in told


def test_what_one_pod_has_staged_another_one_imports_with_keystone(service: Service, pods: tuple[Pod, Pod]) -> None:
    """By asking the one that has it, in its user's name."""
    made = pods[0].stage(RAW)
    assert [made in inside(service, name, "ls", STAGING) for name in ("glance-0", "glance-1")] == [True, False]
    pods[1].import_staged(made)
    eventually(lambda: pods[1].image(made)["status"] == "active")
    assert stored(service, made) == RAW


def test_what_one_pod_has_staged_another_one_imports_from_where_both_stage(
    shared: Service, sharing: tuple[Pod, Pod]
) -> None:
    made = sharing[0].stage(RAW)
    sharing[1].import_staged(made)
    eventually(lambda: sharing[1].image(made)["status"] == "active")
    assert stored(shared, made) == RAW


@pytest.mark.parametrize("kind", ["service", "shared"])
def test_what_one_pod_has_staged_another_one_removes(kind: str, request: pytest.FixtureRequest) -> None:
    where: Service = request.getfixturevalue(kind)
    first, second = request.getfixturevalue({"service": "pods", "shared": "sharing"}[kind])
    made = first.stage(RAW)
    assert made in inside(where, "glance-0", "ls", STAGING)
    second.ask("DELETE", f"/images/{made}")
    assert made not in inside(where, "glance-0", "ls", STAGING)


def test_every_field_about_pods_is_seen_on_them(service: Service) -> None:
    pod = service.get("pod/glance-0")
    spec, meta = pod["spec"], pod["metadata"]
    glance, helper = (next(c for c in spec["containers"] if c["name"] == name) for name in ("glance-api", "helper"))
    assert POD["labels"].items() <= meta["labels"].items()
    assert POD["annotations"].items() <= meta["annotations"].items()
    assert (glance["resources"], spec["nodeSelector"]) == (POD["resources"], POD["nodeSelector"])
    assert POD["tolerations"][0] in spec["tolerations"]
    assert spec["affinity"] == POD["affinity"]
    assert spec["topologySpreadConstraints"] == POD["topologySpreadConstraints"]
    assert (spec["priorityClassName"], spec["priority"], spec["runtimeClassName"]) == (CLASS, 1000, CLASS)
    assert spec["securityContext"].items() >= {"runAsUser": 42415, **POD["securityContext"]}.items()
    assert POD["env"][0] in glance["env"]
    assert POD["volumes"][0] in spec["volumes"]
    assert POD["volumeMounts"][0] in glance["volumeMounts"]
    assert helper["command"] == HELPER["command"]
    readiness, liveness = glance["readinessProbe"], glance["livenessProbe"]
    assert (readiness["periodSeconds"], readiness["httpGet"]["path"]) == (3, "/healthcheck")
    assert (liveness["tcpSocket"], "exec" in liveness, liveness["periodSeconds"]) == ({"port": 9292}, False, 10)
    assert {one["name"]: one["ready"] for one in pod["status"]["containerStatuses"]} == {
        "glance-api": True,
        "helper": True,
    }
    script = "id -G; echo $SITE; echo kept > /extra/file"
    assert {"4242", "42415", "central"} <= set(inside(service, "glance-0", "/bin/sh", "-ec", script).split())
