"""Kubernetes' own objects, in the states in which they were met, in few words."""

from __future__ import annotations

from typing import Any

import pytest

from glance_operator.core import seen

LABELS = {"app.kubernetes.io/component": "api"}
WARNED = ({"type": "Warning", "reason": "FailedMount", "note": 'secret "x" not found'},)


def pod(status: dict[str, Any], **meta: Any) -> dict[str, Any]:
    volumes = [{"name": "config", "secret": {"secretName": "glance-config-1"}}]
    spec = {"containers": [{"name": "glance-api", "image": "glance:33"}], "volumes": volumes, "nodeName": "node1"}
    return {"metadata": {"name": "glance-0", "labels": LABELS, **meta}, "spec": spec, "status": status}


def container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "glance-api", "restartCount": 3, **state}]}


RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
CRASHED = {"terminated": {"reason": "Error", "exitCode": 1, "message": "no such option\n"}}
STATES: dict[str, tuple[dict[str, Any], tuple[dict[str, Any], ...], str]] = {
    "running": (container(state=RUNNING, started=True), (), ""),
    "being made": (container(state={"waiting": {"reason": "ContainerCreating"}}), (), ""),
    "no node": (
        {
            "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
            ]
        },
        (),
        "Unschedulable: 0/1 nodes",
    ),
    "no image": (
        container(state={"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}),
        (),
        "ImagePullBackOff: not found",
    ),
    "ends again and again": (
        container(state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}, lastState=CRASHED),
        (),
        "CrashLoopBackOff: no such option",
    ),
    "no volume": (
        container(state={"waiting": {"reason": "ContainerCreating"}}),
        WARNED,
        'FailedMount: secret "x" not found',
    ),
    "starts": (container(state=RUNNING), ({"type": "Warning", "reason": "Unhealthy", "note": "refused"},), ""),
    "evicted": ({"reason": "Evicted", "message": "disk pressure"}, (), "Evicted: disk pressure"),
}


@pytest.mark.parametrize("name", STATES)
def test_why_a_pod_does_not_run(name: str) -> None:
    status, events, trouble = STATES[name]
    assert seen.pod(pod(status), events).trouble == trouble


def test_a_pod() -> None:
    found = seen.pod(pod({**container(state=RUNNING, containerID="containerd://1"), "conditions": []}))
    assert (found.name, found.component, found.config, found.node) == ("glance-0", "api", "glance-config-1", "node1")
    assert (found.container_id, found.restarts, found.started) == ("containerd://1", 3, "2026-01-01T00:00:00Z")
    assert seen.pod(pod({}, deletionTimestamp="2026-01-01T00:00:00Z")).leaving


def test_whose_cache_was_cleared_is_noted_on_the_pod_itself() -> None:
    note = {"glance-operator.io/cache": "u1"}
    plain = seen.pod(pod({}, uid="u1"))
    assert (plain.uid, plain.caching, plain.cleared) == ("u1", False, False)
    assert seen.pod(pod({}, uid="u1", annotations=note)).cleared
    assert not seen.pod(pod({}, uid="u2", annotations=note)).cleared, "copied from an earlier pod"
    cached = pod({}, uid="u1")
    cached["spec"]["volumes"].append({"name": "cache", "ephemeral": {}})
    assert seen.pod(cached).caching


def test_a_container_that_somebody_added_is_not_taken_for_the_pod_s_own() -> None:
    """The kubelet sorts them by name."""
    ours = container(state=RUNNING, containerID="containerd://1")["containerStatuses"]
    added = {"name": "a-proxy", "state": RUNNING, "containerID": "containerd://0", "restartCount": 0}
    assert seen.pod(pod({"containerStatuses": [added, *ours]})).container_id == "containerd://1"


def stateful_set(generation: int = 2, **status: Any) -> dict[str, Any]:
    template = {"metadata": {}, "spec": pod({})["spec"]}
    return {"metadata": {"generation": generation}, "spec": {"replicas": 2, "template": template}, "status": status}


def test_a_workload_is_rolled_out_when_all_pods_are_new_and_serve() -> None:
    same: dict[str, Any] = {"observedGeneration": 2, "replicas": 2, "currentRevision": "a", "updateRevision": "a"}
    assert seen.workload(stateful_set(**same, readyReplicas=2)).rolled_out
    assert not seen.workload(stateful_set(**same, readyReplicas=1)).rolled_out
    assert not seen.workload(stateful_set(3, **same, readyReplicas=2)).rolled_out, "it has not noticed yet"
    rolling: dict[str, Any] = {**same, "updateRevision": "b", "updatedReplicas": 1, "readyReplicas": 2}
    assert not seen.workload(stateful_set(**rolling)).rolled_out
    assert not seen.workload(stateful_set()).rolled_out


@pytest.mark.parametrize(
    ("condition", "done", "failed", "refused"),
    [
        ({"type": "Complete"}, True, False, False),
        ({"type": "Failed", "reason": "BackoffLimitExceeded"}, False, True, False),
        ({"type": "Failed", "reason": "PodFailurePolicy"}, False, True, True),
    ],
)
def test_a_job(condition: dict[str, str], done: bool, failed: bool, refused: bool) -> None:
    told = {"status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", **condition}
    found = seen.job({"metadata": {"name": "x", "labels": LABELS}, "status": {"conditions": [told]}})
    assert (found.done, found.failed, found.refused) == (done, failed, refused)
    assert found.ended


def test_a_job_that_cannot_make_a_pod_says_why() -> None:
    refused = ({"type": "Warning", "reason": "FailedCreate", "note": "exceeded quota"},)
    assert seen.job({"metadata": {"name": "x"}}, refused).trouble == "FailedCreate: exceeded quota"
