"""Services that share a database, as far as they come without a node: jobs and pods are played by this test."""

from __future__ import annotations

import json

from tests.integration.images.lab import condition
from tests.integration.services.conftest import Desk, Object, api, store
from tests.support import eventually

OLD, NEW = "registry.example.org/glance:33", "registry.example.org/glance:34"
AT = "2026-01-01T00:00:00Z"


def service(desk: Desk, name: str, host: str, manage: bool = True) -> None:
    """A GlanceAPI with a store of its own; the database is the same for all, its host written as they like."""
    connection = {"connection": f"mysql+pymysql://{name}:s3cret@{host}/glance"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": connection}
    database = {"connectionSecretRef": {"name": name, "key": "connection"}, "manageSchema": manage}
    desk.apply(secret, api(name, image=NEW, database=database), store(f"{name}-s", name))
    finish(desk, f"{name}-s-probe-")
    finish(desk, f"{name}-preflight-")


def finish(desk: Desk, prefix: str) -> None:
    """The job of that name is made, and succeeds."""
    (name,) = eventually(lambda: jobs(desk, prefix), 30)
    done = [
        {"type": kind, "status": "True", "lastProbeTime": AT, "lastTransitionTime": AT}
        for kind in ("SuccessCriteriaMet", "Complete")
    ]
    patch_status(desk, f"job/{name}", startTime=AT, completionTime=AT, succeeded=1, conditions=done)


def patch_status(desk: Desk, what: str, **status: object) -> None:
    desk.kubectl("patch", what, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))


def roll_out(desk: Desk, name: str) -> None:
    """All pods of its StatefulSet run as they should."""
    eventually(lambda: name in desk.names("statefulsets"), 30)
    body = desk.get(f"statefulset/{name}")
    revisions = {"currentRevision": "1", "updateRevision": "1"}
    counts = dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas"), body["spec"]["replicas"])
    patch_status(desk, f"statefulset/{name}", observedGeneration=body["metadata"]["generation"], **revisions, **counts)


def pod(service: str, name: str, image: str) -> Object:
    labels = {
        f"app.kubernetes.io/{word}": value
        for word, value in {"name": "glance", "instance": service, "component": "api"}.items()
    }
    spec = {"containers": [{"name": "glance-api", "image": image}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def jobs(desk: Desk, prefix: str) -> list[str]:
    return [one for one in desk.names("jobs") if one.startswith(prefix)]


def test_one_owner_changes_the_schema_and_all_wait_for_each_other(desk: Desk) -> None:
    service(desk, "edge", f"mariadb.{desk.namespace}.svc", manage=False)
    told = desk.until("gapi/edge", "DatabaseReady", "False", "WaitingForSchema")
    assert "somebody outside" not in told["message"], "nobody has looked yet"

    service(desk, "owner", "mariadb")
    eventually(lambda: "GlanceAPI owner" in condition(desk.get("gapi/edge"), "DatabaseReady")["message"], 30)
    assert not desk.names("statefulsets")

    desk.apply(pod("edge", "edge-0", OLD))
    finish(desk, "owner-db-prepare-")
    told = desk.until("gapi/edge", "DatabaseReady", "True", "SchemaManagedElsewhere")
    assert told["message"] == "GlanceAPI owner manages the schema of this database"
    roll_out(desk, "owner")
    told = desk.until("gapi/owner", "DatabaseReady", "True", "ContractionAwaited")
    assert "edge-0" in told["message"]
    desk.until("gapi/owner", "Ready", "True", "Available")
    assert not jobs(desk, "owner-db-contract-")

    desk.kubectl("delete", "pod", "edge-0", "--grace-period=0", "--force")
    finish(desk, "owner-db-contract-")
    desk.until("gapi/owner", "DatabaseReady", "True", "DatabaseReady")
    assert not jobs(desk, "edge-db-prepare-")

    service(desk, "second", "MARIADB:3306")
    told = desk.until("gapi/second", "Stalled", "True", "SchemaOwnedTwice")
    assert "GlanceAPI owner, which is older" in told["message"]
    assert not jobs(desk, "second-db-")
    assert "s3cret" not in desk.kubectl("get", "gapi", "-o", "yaml")
