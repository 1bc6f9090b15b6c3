"""What Kubernetes' own objects say, in the few words that the rules need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from glance_operator.core.conditions import TRUE, find
from glance_operator.core.last_words import last_words
from glance_operator.core.manifests.plan import ATTEMPT, CACHE, COMPONENT, EPOCH, POLICY, WISH
from glance_operator.core.workload import Job, Pod, Workload

JOB, JOB_UID = "batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid"  # labels of its pods
_HARMLESS = ("ContainerCreating", "PodInitializing", "Completed")
_ENDS = ("DeadlineExceeded", "BackoffLimitExceeded")
_KILLED = "OOMKilled"


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
        volumes={one["name"]: _size(one) for one in template.get("volumes") or () if "ephemeral" in one},
        noticed=status.get("observedGeneration", 0) >= body["metadata"]["generation"],
        trouble=_warned(events),
        current=updated if status.get("updateRevision") != status.get("currentRevision") else status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
    )


def job(body: Mapping[str, Any], events: Events = ()) -> Job:
    """Its pods, which others may refuse, are called otherwise each time: that is no news."""
    name = body["metadata"]["name"]
    conditions = (body.get("status") or {}).get("conditions") or ()
    failed, complete = find(conditions, "Failed"), find(conditions, "Complete")
    return Job(
        name=name,
        component=_component(body),
        done=complete.get("status") == TRUE,
        failed=failed.get("status") == TRUE,
        refused=failed.get("reason") == "PodFailurePolicy",
        trouble=re.sub(rf"\b{re.escape(name)}-[a-z0-9]{{5}}\b", f"{name}-…", _warned(events)),
        attempt=_attempt(body),
        wish=str((body["metadata"].get("annotations") or {}).get(WISH, "")),
        ended=_time((failed or complete).get("lastTransitionTime")),
        why=f"{failed.get('reason', '')}: {failed.get('message', '')}" if failed.get("status") == TRUE else "",
        uid=body["metadata"].get("uid", ""),
        labels=body["metadata"].get("labels") or {},
    )


def pod(body: Mapping[str, Any], events: Events = ()) -> Pod:
    """The events alone tell why a volume cannot be mounted. Ours is the first container of the spec."""
    meta, status, spec = body["metadata"], body.get("status") or {}, body["spec"]
    containers = {one.get("name"): one for one in status.get("containerStatuses") or ()}
    container: Mapping[str, Any] = containers.pop(spec["containers"][0]["name"], {})
    running = (container.get("state") or {}).get("running") or {}
    ready = find(status.get("conditions") or (), "Ready")
    return Pod(
        name=meta["name"],
        component=_component(body),
        ready=ready.get("status") == TRUE,
        config=_config(spec),
        image=spec["containers"][0]["image"],
        job=(meta.get("labels") or {}).get(JOB, ""),
        container_id=container.get("containerID", "") if running else "",
        restarts=container.get("restartCount", 0),
        started=running.get("startedAt", ""),
        node=spec.get("nodeName", ""),
        trouble=_trouble(status, [container, *containers.values()], events),
        words=_words(container),
        said=((container.get("state") or {}).get("terminated") or {}).get("message") or "",
        policy=(meta.get("annotations") or {}).get(POLICY, ""),
        uid=meta.get("uid", ""),
        caching="cache" in _volumes(spec),
        cleared=(meta.get("annotations") or {}).get(CACHE, "") == meta.get("uid"),
        ends=_time(meta.get("deletionTimestamp")),
        # A kubelet would give a reason; the word of one that is not heard of any more is taken from it without.
        silent=ready.get("status") == "False" and not ready.get("reason") and bool(container.get("ready")),
    )


def _component(body: Mapping[str, Any]) -> str:
    return str((body["metadata"].get("labels") or {}).get(COMPONENT, ""))


def _attempt(body: Mapping[str, Any]) -> int:
    """Somebody may have written anything there."""
    text = str((body["metadata"].get("annotations") or {}).get(ATTEMPT, ""))
    return max(1, int(text)) if text.isdecimal() and len(text) < 6 else 1


def _config(pod_spec: Mapping[str, Any]) -> str:
    return str(_volumes(pod_spec).get("config", {}).get("secret", {}).get("secretName", ""))


def _volumes(pod_spec: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {one["name"]: one for one in pod_spec.get("volumes") or ()}


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _size(volume: Mapping[str, Any]) -> str:
    return str(volume["ephemeral"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"])


def _words(container: Mapping[str, Any]) -> str:
    """What it wrote before it ended, the last time if it runs again."""
    ended = [(container.get(when) or {}).get("terminated") or {} for when in ("state", "lastState")]
    return next((words for one in ended if (words := _last_words(one))), "")


def _last_words(ended: Mapping[str, Any]) -> str:
    """Where it wrote nothing, or could not, at least how it ended."""
    words = last_words(ended.get("message") or "")
    if ended.get("reason") == _KILLED:
        return f"{_KILLED}, its memory was not enough" + (f": {words}" if words else "")
    return words or (f"{ended.get('reason', 'Error')}, exit code {ended['exitCode']}" if ended.get("exitCode") else "")


def _trouble(status: Mapping[str, Any], containers: list[Mapping[str, Any]], events: Events) -> str:
    """Why it does not run, for somebody who will not look any further."""
    scheduled = find(status.get("conditions") or (), "PodScheduled")
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason', 'Unschedulable')}: {scheduled.get('message', '')}"
    if status.get("reason"):  # Evicted, NodeLost and the like
        return f"{status['reason']}: {status.get('message', '')}"
    if told := next((words for one in containers if (words := _held_up(one))), ""):
        return told
    ours = containers[0]
    return "" if ours.get("started") or ours.get("ready") else _warned(events)


def _held_up(container: Mapping[str, Any]) -> str:
    """What it waits for, or what it was killed for and will be killed for again."""
    waiting = (container.get("state") or {}).get("waiting") or {}
    if waiting.get("reason") and waiting["reason"] not in _HARMLESS:
        words = _words(container) or waiting.get("message", "")
        return f"{waiting['reason']}: {words}"
    last = (container.get("lastState") or {}).get("terminated") or {}
    if last.get("reason") == _KILLED:
        return f"{_KILLED}: container {container.get('name')} needed more memory than spec.pod.resources allows"
    return ""


def _warned(events: Events) -> str:
    """The newest warning; that a probe fails is what a start is like, and that a job has ended is not why."""
    found = [e for e in events if e.get("type") == "Warning" and e.get("reason") != "Unhealthy"]
    told = next((e for e in found if e.get("reason") not in _ENDS), next(iter(found), None))
    return f"{told['reason']}: {told.get('note') or ''}" if told else ""
