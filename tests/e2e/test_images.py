"""Images on pods that come and go: each import is on one pod, and is repaired when that pod takes it along."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.lab import Service, api, image, store
from tests.integration.images.lab import condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.source import Fault, Source

pytestmark = pytest.mark.timeout(600)
NAMESPACE = "images"
MIB = 1 << 20
DATA = images.raw(16 * MIB)
SLOW = Fault(rate=MIB, times=1)  # the first who asks waits a quarter of a minute
WORKERS = 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" != uwsgi ] || kill -STOP "${p#/proc/}"; done; true'


@pytest.fixture(scope="module")
def service(operator: Deployment, node: Cluster, mariadb: MariaDB, source: Source) -> Iterator[Service]:
    """A service of two pods with two stores and a database of its own."""
    made = Service(node, mariadb, NAMESPACE)
    made.make()
    made.apply(
        made.database(),
        *(made.claim(name) for name in ("central", "edge", "staging")),
        store("central", "central"),
        store("edge", "edge"),
        api(imports={"sources": {"allowedHosts": [node.host], "allowedPorts": [source.port]}}),
    )
    made.until("gapi/glance", "Ready", "True")
    yield made
    made.end()


def taken(service: Service, name: str) -> dict[str, Any]:
    """status.attempt, once it says which pod has the import."""
    return eventually(lambda: _taken(service, name), 120)


def _taken(service: Service, name: str) -> dict[str, Any]:
    attempt: dict[str, Any] = (service.get(f"gimg/{name}").get("status") or {}).get("attempt") or {}
    assert attempt.get("node"), attempt
    return attempt


def _cut_off(service: Service, name: str, pod: str) -> dict[str, Any]:
    """The object, once it says what became of its copy."""
    body = service.get(f"gimg/{name}")
    said = condition(body, "StoresReady")
    assert said["reason"] == "PartialFailure", service.told()
    assert f"pod {pod} ended while it copied" in said["message"], service.told()
    return body


def container(service: Service, pod: str) -> str:
    found: str = service.get(f"pod/{pod}")["status"]["containerStatuses"][0]["containerID"]
    return found


def fetches(service: Service, pod: str, port: int) -> bool:
    """Whether the pod has a connection to the source: nobody else's are seen from inside."""
    table = service.kubectl("exec", pod, "--", "cat", "/proc/net/tcp")
    return any(f":{port:04X} 01 " in line for line in table.splitlines())


def end(service: Service, pod: str) -> None:
    """As if its machine had burnt."""
    service.kubectl("delete", "pod", pod, "--grace-period=0", "--force")


def serves(service: Service, name: str, data: bytes, claim: str = "central") -> bool:
    image_id = service.get(f"gimg/{name}")["status"]["id"]
    return hashlib.sha256((service.path_of(claim) / image_id).read_bytes()).digest() == hashlib.sha256(data).digest()


def test_an_import_runs_on_the_pod_that_the_image_names_and_outlives_the_others(
    service: Service, source: Source
) -> None:
    service.apply(image("named", source.serve("named", DATA, SLOW)))
    attempt = taken(service, "named")
    pod = attempt["node"]
    (other,) = {"glance-0", "glance-1"} - {pod}
    assert attempt["containerID"] == container(service, pod)
    eventually(lambda: fetches(service, pod, source.port))
    assert not fetches(service, other, source.port)
    end(service, other)
    body = service.until("gimg/named", "Ready", "True")
    assert body["status"].get("incarnation", 1) == 1
    assert "node" not in body["status"].get("attempt", {})
    assert serves(service, "named", DATA)
    service.until("gapi/glance", "Ready", "True")


def test_an_import_that_ends_with_its_pod_is_made_again(service: Service, source: Source) -> None:
    service.apply(image("cut", source.serve("cut", DATA, SLOW)))
    pod = taken(service, "cut")["node"]
    eventually(lambda: fetches(service, pod, source.port))
    before = service.get("gimg/cut")["status"]["id"]
    end(service, pod)
    body = service.until("gimg/cut", "Ready", "True")
    status = body["status"]
    assert (status["incarnation"], status.get("attempt", {}).get("count")) == (2, None)
    assert status["id"] != before
    assert serves(service, "cut", DATA)
    assert not (service.path_of("central") / before).exists()
    assert [path.name for path in service.path_of("staging").iterdir() if before in path.name] == []
    told = service.kubectl("get", "events", "--field-selector=reason=ImportLost", "-o", "json")
    assert f"Pod {pod} of GlanceAPI glance ended during the import" in told
    service.until("gapi/glance", "Ready", "True")


def test_a_copy_that_ends_with_its_pod_takes_nothing_along(service: Service, source: Source) -> None:
    """What has the data serves it; the rest waits for Glance's lock, which nobody can lift, and is filled after."""
    data = bytes(400 * MIB)
    service.apply(image("copied", source.serve("copied", data), stores={"names": ["central"]}))
    image_id = service.until("gimg/copied", "Ready", "True")["status"]["id"]
    service.patch("gimg/copied", stores={"names": ["central", "edge"]})
    pod = taken(service, "copied")["node"]
    service.kubectl("exec", pod, "--", "sh", "-c", WORKERS)  # it shall not be done before it is ended
    end(service, pod)
    body = eventually(lambda: _cut_off(service, "copied", pod), 120)
    assert condition(body, "Ready")["status"] == "True"
    edge = next(one for one in body["status"]["stores"] if one["name"] == "edge")
    assert edge["reason"] == "CopyInterrupted"
    service.until("gapi/glance", "Ready", "True")

    (service.path_of("edge") / image_id).unlink(missing_ok=True)  # the file driver never takes up what was cut
    service.mariadb.execute(f"UPDATE `{NAMESPACE}`.tasks SET updated_at = updated_at - INTERVAL 3 HOUR")  # noqa: S608
    service.kubectl("annotate", "gimg/copied", "glance-operator.io/retry=now")
    service.until("gimg/copied", "StoresReady", "True")
    assert serves(service, "copied", data, "edge")


def test_what_the_staging_space_cannot_hold_is_not_begun(service: Service, source: Source) -> None:
    service.patch("gapi/glance", replicas=1, staging={"pvc": None, "emptyDir": {"sizeLimit": "64Mi"}})
    service.until("gapi/glance", "Ready", "True")
    service.apply(image("big", source.serve("big", bytes(80 * MIB))))
    body = service.until("gimg/big", "Ready", "False", "StagingFull")
    message = condition(body, "Ready")["message"]
    assert message == (
        "The source has 80 MiB, the staging space of a pod has 64 MiB: "
        "set spec.staging.emptyDir.sizeLimit of GlanceAPI glance to more"
    )
    assert condition(body, "Stalled")["status"] == "True"
    assert {one.headers["user-agent"].partition("/")[0] for one in source.requests_of("big")} == {"glance-operator"}
    service.patch("gapi/glance", staging={"emptyDir": {"sizeLimit": "200Mi"}})
    service.until("gimg/big", "Ready", "True")
    assert "StagingFull" in json.dumps(service.get("events"))
