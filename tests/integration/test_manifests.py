"""The objects of a GlanceAPI, shown to a real API server: it takes them as they are, and its pods are restricted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.manifests.blueprints import BLUEPRINTS
from tests.unit.core.manifests.deliveries import DELIVERIES

from glance_operator.core.manifests import Blueprint, Object, database_job, objects, transfer
from sandbox_kit.control_plane import ControlPlane

WHOLE = ("--dry-run=server", "--validate=strict", "-o", "json", "-f", "-")


@pytest.fixture(scope="module")
def restricted(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace that admits no pod that is not restricted."""
    name = "manifests-restricted"
    control_plane.run_kubectl("create", "namespace", name)
    control_plane.run_kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    control_plane.run_kubectl("delete", "namespace", name, "--wait=false")


def applied(control_plane: ControlPlane, one: Object) -> Object:
    words = ("apply", "--server-side", *WHOLE)
    answer: Object = json.loads(control_plane.run_kubectl(*words, stdin=json.dumps(one)))
    return answer


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_the_api_server_takes_all_of_it_and_drops_nothing(
    control_plane: ControlPlane, restricted: str, name: str
) -> None:
    of = replace(BLUEPRINTS[name], namespace=restricted)
    for one in [*objects(of), *(database_job(of, phase) for phase in ("prepare", "contract"))]:
        answer = applied(control_plane, one)
        assert missing(one.get("spec", {}), answer.get("spec", {})) == [], one["kind"]


def missing(wanted: Any, got: Any, path: str = "") -> list[str]:
    """Where what was wanted is not what is there; what the API server adds is none of our business."""
    if isinstance(wanted, dict):
        return [line for key, value in wanted.items() for line in missing(value, got.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return [
            line
            for number, pair in enumerate(zip(wanted, got, strict=True))
            for line in missing(*pair, f"{path}[{number}]")
        ]
    return [] if wanted == got or wanted in ({}, []) else [f"{path}: {got!r}, not {wanted!r}"]


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_its_pods_are_admitted_where_only_restricted_ones_are(
    control_plane: ControlPlane, restricted: str, name: str
) -> None:
    of = replace(BLUEPRINTS[name], namespace=restricted, stores=without_inline_nfs(BLUEPRINTS[name]))
    template = next(one for one in objects(of) if one["kind"] == "StatefulSet")["spec"]["template"]
    for pod_template in (template, database_job(of, "prepare")["spec"]["template"]):
        spec = {
            key: value
            for key, value in pod_template["spec"].items()
            if key not in ("serviceAccountName", "priorityClassName")
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": restricted}, "spec": spec}
        control_plane.run_kubectl("create", *WHOLE, stdin=json.dumps(pod))


def without_inline_nfs(of: Blueprint) -> Any:
    """Kubernetes' restricted level admits no inline NFS: who wants that names a claim or a CSI driver."""
    return tuple(store for store in of.stores if store.spec.type != "nfs")


def test_an_inline_nfs_volume_is_refused_there_in_the_api_servers_words(
    control_plane: ControlPlane, restricted: str
) -> None:
    of = replace(BLUEPRINTS["shared"], namespace=restricted)
    spec = next(one for one in objects(of) if one["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    del spec["serviceAccountName"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": restricted}, "spec": spec}
    with pytest.raises(RuntimeError, match=r"restricted volume types.*nfs"):
        control_plane.run_kubectl("create", *WHOLE, stdin=json.dumps(pod))


@pytest.mark.parametrize("name", DELIVERIES)
def test_the_api_server_takes_a_transfer_and_admits_its_pod(
    control_plane: ControlPlane, restricted: str, name: str
) -> None:
    of = replace(DELIVERIES[name], namespace=restricted)
    for one in transfer.objects(of):
        answer = applied(control_plane, one)
        assert missing(one.get("spec", {}), answer.get("spec", {})) == [], one["kind"]
    spec = transfer.objects(of)[1]["spec"]["template"]["spec"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": restricted}, "spec": spec}
    control_plane.run_kubectl("create", *WHOLE, stdin=json.dumps(pod))
