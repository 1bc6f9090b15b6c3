"""What controllers of pods do in the same way: apply, remove, and look at jobs and pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glance_operator.core import seen
from glance_operator.core.config import Store
from glance_operator.core.inputs import Input
from glance_operator.core.manifests import proofs
from glance_operator.core.plan import Plan, Step, waiting
from glance_operator.core.workload import AWAIT, Apply, Job, Pod, Remove, Touch, Workload
from glance_operator.runtime.errors import Refused, Unavailable
from glance_operator.runtime.objects import Objects
from glance_operator.runtime.rest import ApiError
from glance_operator.runtime.store import Body, Key
from glance_operator.runtime.world import World

_OVERLOADED = (408, 429)


class Maker:
    """What controllers of pods answer the engine alike; see ``engine.Controller``."""

    def __init__(self, world: World) -> None:
        self._world = world

    def admit(self, key: Key, look: Any) -> Plan | None:  # noqa: ARG002  (nothing here is scarce)
        return None

    def act(self, key: Key, look: Any) -> None:
        take(self._world.objects, key.namespace, look.plan.step)

    def refused(self, key: Key, look: Any, error: Refused | Unavailable) -> Plan:  # noqa: ARG002
        """The API server's own words: a quota, an admission policy, a field that nobody may change."""
        words = error.message if isinstance(error, Refused) else error.state.message
        return waiting("ApplyRefused", f"Kubernetes refuses one of the objects: {words}", AWAIT)

    def settled(self, body: Body) -> bool:  # noqa: ARG002
        """Never: pods come and go by themselves, and credentials change, and nobody tells."""
        return False

    def _proven(self, key: Key, digest: str) -> Store | None:
        """A GlanceStore as it was proven. It never changes under its name: what is read may be some seconds old."""
        if not digest:
            return None
        proof = Input("", "Secret", proofs.proof_name(key.name, digest), "status.probe.hash")
        return proofs.proven(self._world.inputs.read(key.namespace, [proof])[proof.source], digest)


def take(objects: Objects, namespace: str, step: Step | None) -> None:
    """Raises Refused for what the API server will not have; the rest is the worker's to try again."""
    try:
        match step:
            case Apply(objects=wanted):
                for one in wanted:
                    objects.apply(one)
            case Remove(objects=old, then=wanted):
                for kind, name in old:
                    objects.delete(kind, namespace, name)
                for one in wanted:
                    objects.apply(one)
            case Touch(pods=pods, annotation=annotation, value=value):
                for name in pods:
                    objects.annotate("Pod", namespace, name, {annotation: value})
            case _:
                raise AssertionError(f"no hand for {step}")
    except ApiError as error:
        if not is_refusal(error):
            raise
        raise Refused(error.status, error.message) from error


def beside(objects: Objects, namespace: str, labels: str) -> tuple[dict[str, Job], tuple[Pod, ...]]:
    """Jobs by name, and all pods, the youngest last; without those of earlier jobs of the same name."""
    bodies = sorted(objects.find("Pod", namespace, labelSelector=labels), key=_age)
    found = objects.find("Job", namespace, labelSelector=labels)
    uids = {one["metadata"]["name"]: one["metadata"]["uid"] for one in found}
    pods = [_pod(objects, one) for one in bodies if not _left_over(one, uids)]
    started = {pod.job for pod in pods}
    return {one["metadata"]["name"]: _job(objects, one, started) for one in found}, tuple(pods)


def _left_over(pod: Body, uids: Mapping[str, str]) -> bool:
    labels = pod["metadata"].get("labels") or {}
    uid = uids.get(labels.get(seen.JOB, ""))
    return uid is not None and labels.get(seen.JOB_UID) != uid


def workload(objects: Objects, namespace: str, name: str) -> Workload | None:
    """The StatefulSet, with what was said about it if it has fewer pods than it should."""
    body = objects.get("StatefulSet", namespace, name)
    if body is None:
        return None
    missing = (body.get("status") or {}).get("replicas", 0) < body["spec"].get("replicas", 1)
    return seen.workload(body, events_about(objects, namespace, "StatefulSet", name) if missing else ())


def is_refusal(error: ApiError) -> bool:
    """Whether the API server has understood, and will not."""
    return error.status < 500 and error.status not in _OVERLOADED


def _job(objects: Objects, body: Body, started: set[str]) -> Job:
    """With what was said about it, if it could not even make a pod."""
    job, meta = seen.job(body), body["metadata"]
    if job.done or job.name in started:
        return job
    return seen.job(body, events_about(objects, meta["namespace"], "Job", job.name))


def _pod(objects: Objects, body: Body) -> Pod:
    """With what was said about it, if it does not come up by itself."""
    pod, meta = seen.pod(body), body["metadata"]
    if pod.ready or pod.trouble or pod.words or (body.get("status") or {}).get("phase") != "Pending":
        return pod
    return seen.pod(body, events_about(objects, meta["namespace"], "Pod", pod.name))


def events_about(objects: Objects, namespace: str, kind: str, name: str) -> list[Body]:
    """The newest first."""
    found = objects.find("Event", namespace, fieldSelector=f"regarding.kind={kind},regarding.name={name}")
    return sorted(found, key=_age, reverse=True)


def _age(body: Mapping[str, Any]) -> str:
    return str(body["metadata"].get("creationTimestamp", ""))
