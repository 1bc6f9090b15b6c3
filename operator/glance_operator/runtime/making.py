"""What controllers of pods do in the same way: apply, remove, and look at jobs and pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glance_operator.core import seen
from glance_operator.core.plan import Plan, Step, waiting
from glance_operator.core.workload import AWAIT, Apply, Job, Pod, Remove, Touch
from glance_operator.runtime.errors import Refused, Unavailable
from glance_operator.runtime.objects import Objects
from glance_operator.runtime.rest import ApiError
from glance_operator.runtime.store import Body

_OVERLOADED = (408, 429)


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
        if error.status >= 500 or error.status in _OVERLOADED:
            raise
        raise Refused(error.status, error.message) from error


def explain(error: Refused | Unavailable) -> Plan:
    """The API server's own words: a quota, an admission policy, a field that nobody may change."""
    words = error.message if isinstance(error, Refused) else error.state.message
    return waiting("ApplyRefused", f"Kubernetes refuses one of the objects: {words}", AWAIT)


def beside(objects: Objects, namespace: str, labels: str) -> tuple[dict[str, Job], tuple[Pod, ...]]:
    """Jobs by name, and all pods, the youngest last."""
    jobs = [seen.job(one) for one in objects.find("Job", namespace, labelSelector=labels)]
    pods = sorted(objects.find("Pod", namespace, labelSelector=labels), key=_age)
    return {job.name: job for job in jobs}, tuple(_pod(objects, one) for one in pods)


def _pod(objects: Objects, body: Body) -> Pod:
    """With what was said about it, if it does not come up by itself."""
    pod = seen.pod(body)
    if pod.ready or pod.trouble or pod.words or (body.get("status") or {}).get("phase") != "Pending":
        return pod
    about = f"regarding.kind=Pod,regarding.name={pod.name}"
    events = objects.find("Event", body["metadata"]["namespace"], fieldSelector=about)
    return seen.pod(body, sorted(events, key=_age, reverse=True))


def _age(body: Mapping[str, Any]) -> str:
    return str(body["metadata"].get("creationTimestamp", ""))
