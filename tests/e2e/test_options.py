"""What a GlanceAPI says about imports, formats and pods, observed on services that run, one of them with Keystone."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator

import pytest
from tests.e2e.direct import Pod
from tests.e2e.lab import KeystoneService, Object, Service, api, image, store
from tests.e2e.pods import CONFINED
from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.keystone import Keystone
from sandbox_kit.node import recipes
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.node.places import Place
from sandbox_kit.source import Source

pytestmark = pytest.mark.timeout(600)

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
THREADS, UPLOADS = 2, 8
# It is restarted when Glance does not answer, as a pod would be whose liveness were Glance's own health.
WITNESS = {
    **HELPER,
    "name": "witness",
    "livenessProbe": {
        "httpGet": {"path": "/healthcheck", "port": 9292},
        "periodSeconds": 10,
        "timeoutSeconds": 5,
        "failureThreshold": 3,
    },
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
def classes(cluster: Place) -> Iterator[None]:
    """Those that an administrator declares for all of the cluster."""
    kinds = {
        "PriorityClass": ("scheduling.k8s.io/v1", "value", 1000),
        "RuntimeClass": ("node.k8s.io/v1", "handler", "runc"),
    }
    for kind, (version, field, value) in kinds.items():
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": CLASS}, field: value}
        cluster.run_kubectl("apply", "-f", "-", stdin=json.dumps(body))
    yield
    cluster.run_kubectl("delete", *(f"{kind}/{CLASS}" for kind in kinds))


@pytest.fixture(scope="module")
def service(
    operator: Deployment, cluster: Place, mariadb: MariaDB, keystone: Keystone, classes: None
) -> Iterator[KeystoneService]:
    """Two replicas that stage each on its own, with Keystone and everything about imports and pods that can be said."""
    imports = {
        "sources": {"disallowedHosts": [NOWHERE], "disallowedPorts": [22]},
        "decompression": {},
        "conversion": {"outputFormat": "raw"},
        "injectMetadata": {"properties": {"site": "central"}, "ignoreUserRoles": []},
    }
    formats = {"disk": ["raw", "qcow2"], "container": ["bare"]}
    given = {"imports": imports, "formats": formats, "staging": {"emptyDir": {"sizeLimit": "2Gi"}}, "pod": POD}
    made = KeystoneService(cluster, mariadb, "options", keystone)
    made.make()
    made.apply(
        made.database(),
        made.credentials(),
        made.claim("central"),
        store("central", "central"),
        api(auth=made.auth, **given),
    )
    made.until("gapi/glance", "Ready", "True", timeout=400)
    yield made
    made.end()


@pytest.fixture(scope="module")
def sharing(operator: Deployment, cluster: Place, mariadb: MariaDB) -> Iterator[Service]:
    """Two replicas without Keystone that stage in one place; few threads each, and a witness of their health."""
    made = Service(cluster, mariadb, "sharing")
    made.make()
    claims = [made.claim(name) for name in ("central", "staging")]
    few = {"server": {"threads": THREADS}, "pod": {"containers": [WITNESS]}}
    staging = {"pvc": {"claimName": "staging"}}
    made.apply(made.database(), *claims, store("central", "central"), api(staging=staging, **few))
    made.until("gapi/glance", "Ready", "True", timeout=400)
    yield made
    made.end()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def inside(service: Service, pod: str, *command: str) -> str:
    return service.kubectl("exec", pod, "-c", "glance-api", "--", *command)


def test_keystone_knows_the_service_and_its_users(service: KeystoneService) -> None:
    believed = Service(service.cluster, service.mariadb, service.namespace).headers
    assert condition(service.get("gapi/glance"), "AuthReady")["status"] == "True"
    Pod(service, "glance-0").ask("GET", "/images")
    with pytest.raises(AssertionError, match="401"):
        Pod(service, "glance-0", believed).ask("GET", "/images")


def test_a_qcow2_arrives_as_raw_with_the_properties(service: KeystoneService, source: Source) -> None:
    service.apply(image("converted", source.serve("converted.qcow2", QCOW2), diskFormat="qcow2"))
    made = service.until("gimg/converted", "Ready", "True")["status"]["id"]
    found = Pod(service, "glance-1").image(made)
    assert (found["disk_format"], found["size"], found["site"]) == ("raw", len(DISK), "central")
    assert service.digest_in("central", made) == digest(DISK)


def test_what_is_packed_is_unpacked(service: KeystoneService, source: Source) -> None:
    service.apply(image("packed", source.serve("packed.gz", gzip.compress(RAW))))
    made = service.until("gimg/packed", "Ready", "True")["status"]["id"]
    assert service.digest_in("central", made) == digest(RAW)


def test_an_image_says_that_its_host_is_not_allowed_or_its_format_not_taken(
    service: KeystoneService, source: Source
) -> None:
    url = f"http://{NOWHERE}/x.img"
    service.apply(image("elsewhere", url), image("strange", source.serve("strange", RAW), diskFormat="vmdk"))
    told = condition(service.until("gimg/elsewhere", "Stalled", "True", "SourceRefused"), "Ready")["message"]
    assert url in told
    assert "import filter" in told
    told = condition(service.until("gimg/strange", "Stalled", "True"), "Ready")["message"]
    assert "vmdk" in told


def test_what_one_pod_has_staged_another_one_imports_with_keystone(service: KeystoneService) -> None:
    """By asking the one that has it, in its user's name."""
    first, second = Pod(service, "glance-0"), Pod(service, "glance-1")
    made = first.stage(RAW)
    assert [made in inside(service, name, "ls", STAGING) for name in ("glance-0", "glance-1")] == [True, False]
    second.import_staged(made)
    eventually(lambda: second.image(made)["status"] == "active")
    assert service.digest_in("central", made) == digest(RAW)


def test_what_one_pod_has_staged_another_one_imports_from_where_both_stage(sharing: Service) -> None:
    first, second = Pod(sharing, "glance-0"), Pod(sharing, "glance-1")
    made = first.stage(RAW)
    second.import_staged(made)
    eventually(lambda: second.image(made)["status"] == "active")
    assert sharing.digest_in("central", made) == digest(RAW)


@pytest.mark.parametrize("name", ["service", "sharing"])
def test_what_one_pod_has_staged_another_one_removes(name: str, request: pytest.FixtureRequest) -> None:
    where: Service = request.getfixturevalue(name)
    made = Pod(where, "glance-0").stage(RAW)
    assert made in inside(where, "glance-0", "ls", STAGING)
    Pod(where, "glance-1").ask("DELETE", f"/images/{made}")
    assert made not in inside(where, "glance-0", "ls", STAGING)


def test_every_field_about_pods_is_seen_on_them(service: KeystoneService) -> None:
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


def container(service: Service, name: str) -> Object:
    """What is seen of a container of the first pod."""
    found: list[Object] = service.get("pod/glance-0")["status"]["containerStatuses"]
    return next(one for one in found if one["name"] == name)


def test_more_slow_uploads_than_threads_do_not_restart_the_pod(sharing: Service) -> None:
    """The witness shows that Glance had not answered for as long as it would have taken."""
    before, restarts = container(sharing, "glance-api"), container(sharing, "witness")["restartCount"]
    with Pod(sharing, "glance-0").uploading(UPLOADS):
        eventually(lambda: container(sharing, "witness")["restartCount"] > restarts, 180, 1)
        told = condition(sharing.until("gapi/glance", "WorkloadReady", "False"), "WorkloadReady")["message"]
        assert "1 of 2 pods serve" in told
    sharing.until("gapi/glance", "Ready", "True")
    after = container(sharing, "glance-api")
    assert (after["restartCount"], after["containerID"]) == (before["restartCount"], before["containerID"])
