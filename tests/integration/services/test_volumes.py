"""Claims on a real API server, which judges their growth; who would bind and resize them is played by the test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.services.conftest import Desk, Object, api
from tests.support import eventually

from sandbox_kit.pki import Authority


@pytest.fixture
def storage_class(desk: Desk, name: str) -> Callable[[bool], str]:
    """Makes one that lets claims grow, or not."""

    def make(growing: bool) -> str:
        made = {"provisioner": "kubernetes.io/no-provisioner", "allowVolumeExpansion": growing}
        desk.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, **made})
        return name

    return make


def claim(desk: Desk, service: str, word: str, storage_class: str = "") -> Object:
    """A claim that was made for the service, and has a volume of 10Gi."""
    labels = {"app.kubernetes.io/name": "glance", "app.kubernetes.io/instance": service}
    asked = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"{service}-{word}", "labels": labels},
        "spec": {**asked, "storageClassName": storage_class},
    }
    desk.apply(body)
    status(desk, body, phase="Bound", capacity={"storage": "10Gi"})
    return body


def status(desk: Desk, body: Object, **parts: object) -> None:
    patch = json.dumps({"status": parts})
    desk.kubectl("patch", "pvc", body["metadata"]["name"], "--subresource=status", "--type=merge", "-p", patch)


def asked(desk: Desk, body: Object) -> str:
    size: str = desk.get(f"pvc/{body['metadata']['name']}")["spec"]["resources"]["requests"]["storage"]
    return size


def staging(size: str, storage_class: str) -> Object:
    return {"pvc": {"size": size, "storageClassName": storage_class}}


def test_a_growth_that_kubernetes_refuses_is_told_in_its_words_and_stops_nothing(
    desk: Desk, name: str, storage_class: Callable[[bool], str]
) -> None:
    fixed = storage_class(False)
    body = claim(desk, name, "staging", fixed)
    claim(desk, name, "database", fixed)
    desk.apply(api(name, staging=staging("20Gi", fixed)))
    told = desk.until(f"gapi/{name}", "VolumesReady", "False", "ResizeRefused")
    assert f"{name}-staging has 10Gi, wanted are 20Gi" in told["message"]
    assert "only dynamically provisioned pvc can be resized" in told["message"]
    desk.until(f"gapi/{name}", "Ready", "False", "NoStore")
    assert asked(desk, body) == "10Gi"


def test_a_claim_grows_and_the_way_of_it_is_told(desk: Desk, name: str, storage_class: Callable[[bool], str]) -> None:
    growing = storage_class(True)
    body = claim(desk, name, "staging", growing)
    claim(desk, name, "database", growing)
    desk.apply(api(name, staging=staging("10Gi", growing)))
    desk.until(f"gapi/{name}", "VolumesReady", "True", "Bound")
    desk.apply(api(name, staging=staging("20Gi", growing)))
    desk.until(f"gapi/{name}", "VolumesReady", "False", "Resizing")
    assert asked(desk, body) == "20Gi"
    waits = {"type": "FileSystemResizePending", "status": "True", "message": "Waiting for a pod to mount it anew"}
    status(desk, body, conditions=[waits])
    eventually(lambda: "FileSystemResizePending: Waiting" in told(desk, name), 30)
    status(desk, body, conditions=[], capacity={"storage": "20Gi"})
    desk.until(f"gapi/{name}", "VolumesReady", "True", "Bound")


def told(desk: Desk, name: str) -> str:
    return json.dumps(desk.get(f"gapi/{name}")["status"]["conditions"])


@pytest.mark.parametrize("fate", ["Retain", "Delete"])
def test_claims_stay_unless_the_spec_says_otherwise(desk: Desk, name: str, fate: str) -> None:
    claim(desk, name, "staging")
    claim(desk, name, "theirs")
    desk.apply(api(name, persistentVolumeClaimRetentionPolicy={"whenDeleted": fate}))
    desk.until(f"gapi/{name}", "Ready", "False", "NoStore")
    desk.kubectl("delete", "gapi", name, "--wait=false")
    desk.gone(f"gapi/{name}")
    assert ("deletionTimestamp" in desk.get(f"pvc/{name}-staging")["metadata"]) == (fate == "Delete")
    assert "deletionTimestamp" not in desk.get(f"pvc/{name}-theirs")["metadata"]


def test_a_certificate_is_refused_by_the_names_that_it_lacks(desk: Desk, name: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    desk.apply(api(name, tls={"secretName": name}))
    desk.until(f"gapi/{name}", "ConfigReady", "False", "InputMissing")
    pair = authority.web("web", ["images.example.org"])
    desk.kubectl("create", "secret", "tls", name, f"--cert={pair.cert}", f"--key={pair.key}")
    found = desk.until(f"gapi/{name}", "ConfigReady", "False", "InputInvalid")
    host = f"{name}.{desk.namespace}.svc.cluster.local"
    assert f"not valid for {host} and *.{name}-pods.{desk.namespace}.svc.cluster.local" in found["message"]
