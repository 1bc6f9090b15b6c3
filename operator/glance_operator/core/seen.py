"""What Kubernetes' own objects say, in the few words that the rules need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from glance_operator.core.conditions import TRUE, find
from glance_operator.core.manifests.plan import CACHE, COMPONENT, EPOCH, POLICY
from glance_operator.core.workload import Job, Pod, Workload

_JOB = "batch.kubernetes.io/job-name"
_HARMLESS = ("ContainerCreating", "PodInitializing", "Completed")
_LONGEST = 600  # characters of a container's last words


Events = Iterable[Mapping[str, Any]]  # about one object, the newest first


def workload(body: Mapping[str, Any], events: Events = ()) -> Workload:
    """Of a StatefulSet."""
    spec, status = body["spec"], body.get("status") or {}
    template = spec["template"]["spec"]
    updated = status.get("updatedReplicas", 0)
    return Workload(
        replicas=spec.get("replicas", 1),
        config=_config(template),
        image=template["containers"][0]["image"],
        epoch=(spec["template"]["metadata"].get("annotations") or {}).get(EPOCH, ""),
        noticed=status.get("observedGeneration", 0) >= body["metadata"]["generation"],
        trouble=_warned(events),
        current=updated if status.get("updateRevision") != status.get("currentRevision") else status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
    )


def job(body: Mapping[str, Any], events: Events = ()) -> Job:
    conditions = (body.get("status") or {}).get("conditions") or ()
    failed, complete = find(conditions, "Failed"), find(conditions, "Complete")
    ended = (failed or complete).get("lastTransitionTime")
    return Job(
        name=body["metadata"]["name"],
        component=_component(body),
        done=complete.get("status") == TRUE,
        failed=failed.get("status") == TRUE,
        refused=failed.get("reason") == "PodFailurePolicy",
        trouble=_warned(events),
        ended=datetime.fromisoformat(ended) if ended else None,
    )


def pod(body: Mapping[str, Any], events: Events = ()) -> Pod:
    """The events alone tell why a volume cannot be mounted."""
    meta, status, spec = body["metadata"], body.get("status") or {}, body["spec"]
    container = _container(spec, status)
    running = (container.get("state") or {}).get("running") or {}
    return Pod(
        name=meta["name"],
        component=_component(body),
        ready=find(status.get("conditions") or (), "Ready").get("status") == TRUE,
        config=_config(spec),
        image=spec["containers"][0]["image"],
        job=(meta.get("labels") or {}).get(_JOB, ""),
        container_id=container.get("containerID", "") if running else "",
        restarts=container.get("restartCount", 0),
        started=running.get("startedAt", ""),
        node=spec.get("nodeName", ""),
        trouble=_trouble(status, container, events),
        words=_words(container),
        policy=(meta.get("annotations") or {}).get(POLICY, ""),
        leaving="deletionTimestamp" in meta,
        uid=meta.get("uid", ""),
        caching="cache" in _volumes(spec),
        cleared=(meta.get("annotations") or {}).get(CACHE, "") == meta.get("uid"),
    )


def _container(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of several, that of the first in the spec: the kubelet sorts them by name."""
    name = spec["containers"][0].get("name")
    return next((one for one in status.get("containerStatuses") or () if one.get("name", name) == name), {})


def _component(body: Mapping[str, Any]) -> str:
    return str((body["metadata"].get("labels") or {}).get(COMPONENT, ""))


def _config(pod_spec: Mapping[str, Any]) -> str:
    return str(_volumes(pod_spec).get("config", {}).get("secret", {}).get("secretName", ""))


def _volumes(pod_spec: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {one["name"]: one for one in pod_spec.get("volumes") or ()}


def _words(container: Mapping[str, Any]) -> str:
    """What it wrote before it ended, the last time if it runs again."""
    ended = [(container.get(when) or {}).get("terminated") or {} for when in ("state", "lastState")]
    return next((one["message"].strip()[-_LONGEST:] for one in ended if one.get("message")), "")


def _trouble(status: Mapping[str, Any], container: Mapping[str, Any], events: Events) -> str:
    """Why it does not run, for somebody who will not look any further."""
    scheduled = find(status.get("conditions") or (), "PodScheduled")
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason', 'Unschedulable')}: {scheduled.get('message', '')}"
    if status.get("reason"):  # Evicted, NodeLost and the like
        return f"{status['reason']}: {status.get('message', '')}"
    waiting = (container.get("state") or {}).get("waiting") or {}
    if waiting.get("reason") and waiting["reason"] not in _HARMLESS:
        words = _words(container) or waiting.get("message", "")
        return f"{waiting['reason']}: {words}"
    if container.get("started") or container.get("ready"):
        return ""
    return _warned(events)


def _warned(events: Events) -> str:
    """The newest warning; that a probe fails is what a start is like."""
    told = next((e for e in events if e.get("type") == "Warning" and e.get("reason") != "Unhealthy"), None)
    return f"{told['reason']}: {told.get('note') or ''}" if told else ""
