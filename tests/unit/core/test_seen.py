"""Kubernetes' own objects, in the states in which they were met, in few words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from glance_operator.core import seen
from glance_operator.core.manifests.plan import ATTEMPT
from glance_operator.core.workload import trouble_of

LABELS = {"app.kubernetes.io/component": "api"}
WARNED = ({"type": "Warning", "reason": "FailedMount", "note": 'secret "x" not found'},)


def pod(status: dict[str, Any], **meta: Any) -> dict[str, Any]:
    volumes = [{"name": "config", "secret": {"secretName": "glance-config-1"}}]
    spec = {"containers": [{"name": "glance-api", "image": "glance:33"}], "volumes": volumes, "nodeName": "node1"}
    return {"metadata": {"name": "glance-0", "labels": LABELS, **meta}, "spec": spec, "status": status}


def container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "glance-api", "restartCount": 3, **state}]}


def waits(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    return container(state={"waiting": {"reason": reason, "message": message}}, **more)


RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
CRASHED = {"terminated": {"reason": "Error", "exitCode": 1, "message": "no such option\n"}}
KILLED = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "message": "spawned uWSGI worker 1\n"}}
PULL = 'failed to pull image "glance:34": failed to resolve reference "docker.io/library/glance:34": not found'
NEVER = 'Container image "glance:34" is not present with pull policy of Never'
STATES: dict[str, tuple[dict[str, Any], tuple[dict[str, Any], ...], str]] = {
    "running": (container(state=RUNNING, started=True), (), ""),
    "being made": (waits("ContainerCreating"), (), ""),
    "no node": (
        {
            "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
            ]
        },
        (),
        "Unschedulable: 0/1 nodes",
    ),
    "no image": (waits("ImagePullBackOff", f"ErrImagePull: {PULL}"), (), f"ImagePullBackOff: ErrImagePull: {PULL}"),
    "no image, first attempt": (waits("ErrImagePull", PULL), (), f"ErrImagePull: {PULL}"),
    "no image, and none is pulled": (waits("ErrImageNeverPull", NEVER), (), f"ErrImageNeverPull: {NEVER}"),
    "no such key": (
        waits("CreateContainerConfigError", "couldn't find key region in Secret images/more"),
        (),
        "CreateContainerConfigError: couldn't find key region in Secret images/more",
    ),
    "no such command": (
        waits("RunContainerError", 'exec: "uwsgi": executable file not found in $PATH'),
        (),
        'RunContainerError: exec: "uwsgi": executable file not found in $PATH',
    ),
    "ends again and again": (
        waits("CrashLoopBackOff", "back-off 10s restarting failed container", lastState=CRASHED),
        (),
        "CrashLoopBackOff: no such option",
    ),
    "ends without a word": (
        waits("CrashLoopBackOff", "back-off 10s", lastState={"terminated": {"reason": "Error", "exitCode": 3}}),
        (),
        "CrashLoopBackOff: Error, exit code 3",
    ),
    "too large, again and again": (
        waits("CrashLoopBackOff", "back-off 10s", lastState=KILLED),
        (),
        "CrashLoopBackOff: OOMKilled, its memory was not enough: spawned uWSGI worker 1",
    ),
    "too large, and runs again": (
        container(state=RUNNING, started=True, lastState=KILLED),
        (),
        "OOMKilled: container glance-api needed more memory than spec.pod.resources allows",
    ),
    "no volume": (waits("ContainerCreating"), WARNED, 'FailedMount: secret "x" not found'),
    "no volume of another node": (
        waits("ContainerCreating"),
        (
            {
                "type": "Warning",
                "reason": "FailedAttachVolume",
                "note": 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) glance-0',
            },
        ),
        'FailedAttachVolume: Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) glance-0',
    ),
    "starts": (container(state=RUNNING), ({"type": "Warning", "reason": "Unhealthy", "note": "refused"},), ""),
    "evicted": (
        {"phase": "Failed", "reason": "Evicted", "message": "Usage of EmptyDir volume exceeds the limit 20Gi"},
        (),
        "Evicted: Usage of EmptyDir volume exceeds the limit 20Gi",
    ),
    "somebody's container beside it": (
        {
            "containerStatuses": [
                {"name": "agent", "state": {"waiting": {"reason": "ErrImagePull", "message": "agent: not found"}}},
                {"name": "glance-api", "state": RUNNING, "started": True, "ready": True},
            ]
        },
        (),
        "ErrImagePull: agent: not found",
    ),
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


def test_our_container_is_found_among_others() -> None:
    ours = {"name": "glance-api", "state": RUNNING, "containerID": "containerd://1", "restartCount": 3}
    beside = {"name": "agent", "state": RUNNING, "containerID": "containerd://2", "restartCount": 0}
    found = seen.pod(pod({"containerStatuses": [beside, ours]}))  # Kubernetes sorts them by name
    assert (found.container_id, found.restarts) == ("containerd://1", 3)


NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SERVES = container(state=RUNNING, started=True, ready=True)


def ready(status: str, reason: str | None = None) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": status, **({"reason": reason} if reason else {})}]}


@pytest.mark.parametrize(
    ("status", "meta", "words"),
    [
        ({**SERVES, **ready("True")}, {}, ""),
        ({**SERVES, **ready("False")}, {}, "nothing is heard of it"),
        ({**SERVES, **ready("False", "ReadinessGatesNotReady")}, {}, ""),
        ({**container(state=RUNNING, started=True), **ready("False", "ContainersNotReady")}, {}, ""),
        ({**SERVES, **ready("False")}, {"deletionTimestamp": "2026-01-01T12:10:00Z"}, "it does not confirm its end"),
        ({**SERVES, **ready("True")}, {"deletionTimestamp": "2026-01-01T11:50:00Z"}, "it does not confirm its end"),
        ({**SERVES, **ready("True")}, {"deletionTimestamp": "2026-01-01T11:59:30Z"}, ""),
    ],
)
def test_a_pod_on_a_lost_node_says_so_and_what_to_do(status: dict[str, Any], meta: dict[str, str], words: str) -> None:
    """As they were seen when a machine burnt: the container claims to be ready, Kubernetes says that the pod is not."""
    of = seen.pod(pod(status, **meta))
    told = trouble_of(of, NOW)
    assert bool(told) == bool(words)
    assert words in told
    if words:
        assert told.startswith("NodeLost: ")
        assert "kubectl taint nodes node1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute" in told
        assert trouble_of(of, NOW + timedelta(hours=1)) == told, "it says the same as long as it is so"


def test_the_last_words_of_a_job() -> None:
    def words(**ended: Any) -> str:
        return seen.pod(pod(container(state={"terminated": ended}))).words

    assert words(exitCode=0, reason="Completed") == ""
    assert words(exitCode=0, reason="Completed", message='{"release": "33"}\n') == '{"release": "33"}'
    assert words(exitCode=1, reason="Error", message="no") == "no"
    assert words(exitCode=137, reason="OOMKilled") == "OOMKilled, its memory was not enough"


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


def test_why_a_job_had_no_pods_is_told_when_its_time_is_over() -> None:
    over = {"type": "Warning", "reason": "DeadlineExceeded", "note": "Job was active longer than specified deadline"}
    refused = {"type": "Warning", "reason": "FailedCreate", "note": "exceeded quota"}
    assert seen.job({"metadata": {"name": "x"}}, (over, refused)).trouble == "FailedCreate: exceeded quota"
    assert seen.job({"metadata": {"name": "x"}}, (over,)).trouble.startswith("DeadlineExceeded")


def test_names_of_pods_that_were_refused_are_no_news() -> None:
    note = 'Error creating: pods "x-probe-0123456789-a1b2c" is forbidden: violates PodSecurity'
    refused = ({"type": "Warning", "reason": "FailedCreate", "note": note},)
    told = seen.job({"metadata": {"name": "x-probe-0123456789"}}, refused).trouble
    assert told == 'FailedCreate: Error creating: pods "x-probe-0123456789-…" is forbidden: violates PodSecurity'


@pytest.mark.parametrize(
    ("text", "attempt"), [(None, 1), ("3", 3), ("", 1), ("0", 1), ("-1", 1), ("many", 1), ("9" * 99, 1)]
)
def test_the_number_of_an_attempt_is_believed_if_it_is_one(text: str | None, attempt: int) -> None:
    notes = {} if text is None else {ATTEMPT: text}
    assert seen.job({"metadata": {"name": "x", "annotations": notes}}).attempt == attempt


REFUSALS = [
    'Error creating: pods "x-abcde" is forbidden: exceeded quota: small, used: pods=4, limited: pods=4',
    'Error creating: pods "x-abcde" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
    'create Pod glance-1 in StatefulSet glance failed error: pods "glance-1" is forbidden: exceeded quota: small',
    'error looking up service account images/glance: serviceaccount "glance" not found',
]


@pytest.mark.parametrize("note", REFUSALS)
def test_what_cannot_make_pods_says_why(note: str) -> None:
    refused = (
        {"type": "Warning", "reason": "FailedCreate", "note": note},
        {"type": "Warning", "reason": "FailedCreate", "note": "an older one"},
    )
    assert seen.job({"metadata": {"name": "x"}}, refused).trouble == f"FailedCreate: {note.replace('x-abcde', 'x-…')}"
    assert seen.workload(stateful_set(), refused).trouble == f"FailedCreate: {note}"
