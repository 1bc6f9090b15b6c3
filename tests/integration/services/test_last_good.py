"""A store that is changed keeps what was proven last in its service. No pod runs here: outcomes are written by hand."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.integration.images.lab import condition
from tests.integration.services.conftest import Desk, Object, api, store
from tests.support import eventually

DONE, FAILED = ("SuccessCriteriaMet", "Complete"), ("FailureTarget", "Failed")


def end(desk: Desk, job: str, conditions: tuple[str, str]) -> None:
    """As the controller of jobs writes it."""
    now = datetime.now(UTC).strftime("%FT%TZ")
    told = [{"type": one, "status": "True", "lastProbeTime": now, "lastTransitionTime": now} for one in conditions]
    status: Object = {"startTime": now, "conditions": told}
    if conditions == DONE:
        status["completionTime"] = now
    patch(desk, f"job/{job}", status)


def patch(desk: Desk, what: str, status: Object) -> None:
    desk.kubectl("patch", what, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))


def running(desk: Desk, word: str) -> list[str]:
    return [
        one["metadata"]["name"]
        for one in desk.get("jobs")["items"]
        if word in one["metadata"]["name"] and not one["status"].get("conditions")
    ]


def serve(desk: Desk, name: str) -> None:
    """Everything of the service itself goes well."""
    for job in [*running(desk, f"{name}-preflight-"), *running(desk, f"{name}-db-")]:
        end(desk, job, DONE)
    for found in desk.get("statefulsets")["items"]:
        meta, replicas = found["metadata"], found["spec"]["replicas"]
        if found["status"].get("observedGeneration") != meta["generation"]:
            same = {"currentRevision": "a", "updateRevision": "a", "replicas": replicas, "readyReplicas": replicas}
            patch(desk, f"statefulset/{meta['name']}", {"observedGeneration": meta["generation"], **same})


def one_proof(desk: Desk, name: str) -> str:
    """The name of the job that runs to prove the store."""

    def found() -> str:
        (job,) = running(desk, f"{name}-probe-")
        return job

    return str(eventually(lambda: running(desk, f"{name}-probe-") and found(), 60))


def given(desk: Desk, name: str) -> dict[str, str]:
    """The files that the pods are told to mount."""
    volumes = desk.get(f"statefulset/{name}")["spec"]["template"]["spec"]["volumes"]
    (secret,) = [one["secret"]["secretName"] for one in volumes if one["name"] == "config"]
    data = desk.get(f"secret/{secret}")["data"]
    return {file: base64.b64decode(text).decode() for file, text in data.items()}


def ready(desk: Desk, what: str, name: str) -> None:
    def reached() -> Any:
        serve(desk, name)
        body = desk.get(what)
        found = condition(body, "Ready")
        assert found.get("status") == "True", found
        return body["status"]["observedGeneration"] == body["metadata"]["generation"]

    eventually(reached, 90)


def ceph(name: str, service: str, pool: str) -> Object:
    block = {"pool": pool, "user": "glance", "monitors": ["192.0.2.1"], "keyringSecretRef": {"name": name, "key": "k"}}
    made = store(name, service, type="rbd", rbd=block)
    del made["spec"]["file"]
    return made


def keyring(desk: Desk, name: str, text: str) -> None:
    meta = {"name": name, "namespace": desk.namespace}
    desk.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"k": text}})


@pytest.fixture
def service(desk: Desk, name: str) -> Iterator[str]:
    """One that runs with one store, whose name is the service's and `-s`."""
    keyring(desk, f"{name}-s", "first")
    desk.apply(api(name), ceph(f"{name}-s", name, "images"))
    end(desk, one_proof(desk, f"{name}-s"), DONE)
    ready(desk, f"gapi/{name}", name)
    ready(desk, f"gstore/{name}-s", name)
    yield name
    desk.kubectl("delete", "gapi", name, "--wait=false")
    desk.kubectl("delete", "gstore", f"{name}-s", "--wait=false")


@pytest.mark.timeout(300)
def test_a_change_reaches_the_pods_when_it_has_been_proven(desk: Desk, service: str) -> None:
    name = f"{service}-s"
    before = given(desk, service)
    assert before[f"{name}.keyring"] == "first"
    desk.apply(ceph(name, service, "nowhere"))
    failed = one_proof(desk, name)
    end(desk, failed, FAILED)
    told = desk.until(f"gstore/{name}", "Usable", "True", "LastGood")
    assert "the service goes on with what was proven before" in told["message"]
    assert desk.until(f"gstore/{name}", "Ready", "False", "ProbeFailed")["message"] == told["message"]
    assert desk.get(f"gapi/{service}")["status"]["storesReady"] == "1/1"
    ready(desk, f"gapi/{service}", service)
    assert given(desk, service) == before

    keyring(desk, name, "second")
    desk.apply(ceph(name, service, "images"))
    other = eventually(lambda: next(iter(set(running(desk, f"{name}-probe-")) - {failed}), ""), 90)
    end(desk, other, DONE)

    def rolled_out() -> bool:
        serve(desk, service)
        return given(desk, service)[f"{name}.keyring"] == "second"

    eventually(rolled_out, 60)
    ready(desk, f"gstore/{name}", service)
    desk.gone(f"secret/{failed}")
    desk.gone(f"job/{failed}")


@pytest.mark.timeout(300)
def test_what_was_proven_comes_back_when_somebody_deletes_it(desk: Desk, service: str) -> None:
    name = f"{service}-s"
    proof = f"{name}-probe-{desk.get(f'gstore/{name}')['status']['probe']['hash']}"
    desk.kubectl("delete", "secret", proof)
    eventually(lambda: desk.kubectl("get", "secret", proof, "--ignore-not-found", "-o", "name"), 120)
    ready(desk, f"gapi/{service}", service)
    assert given(desk, service)[f"{name}.keyring"] == "first"


@pytest.mark.timeout(300)
def test_asked_for_it_is_proven_again_and_a_failed_proof_is_forgotten(desk: Desk, service: str) -> None:
    name = f"{service}-s"
    desk.kubectl("annotate", "gstore", name, "glance-operator.io/retry=once")
    job = one_proof(desk, name)
    end(desk, job, FAILED)
    desk.until(f"gstore/{name}", "Usable", "False", "ProbeFailed")
    desk.kubectl("annotate", "gstore", name, "glance-operator.io/retry=twice", "--overwrite")
    assert one_proof(desk, name) == job
    end(desk, job, DONE)
    ready(desk, f"gstore/{name}", service)
    assert desk.get(f"gstore/{name}")["status"]["lastHandledRetry"] == "twice"


@pytest.mark.timeout(300)
def test_two_stores_with_one_id_leave_the_service_as_it_is(desk: Desk, service: str) -> None:
    first, before = f"{service}-s", given(desk, service)
    desk.apply(store(f"{service}-t", service, storeID=first))
    told = desk.until(f"gstore/{service}-t", "Ready", "False", "DuplicateStoreID")
    assert f"GlanceStore {first} has the store id {first} already" in told["message"]
    words = desk.until(f"gapi/{service}", "StoresReady", "False", "DuplicateStoreID")["message"]
    assert "until then the service stays as it is" in words
    desk.until(f"gapi/{service}", "EndpointReady", "True", "Serving")
    assert given(desk, service) == before
    desk.kubectl("delete", "gstore", f"{service}-t", "--wait=false")
    desk.gone(f"gstore/{service}-t")
    ready(desk, f"gapi/{service}", service)
