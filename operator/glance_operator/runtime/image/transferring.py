"""The Jobs that bring the bytes of images: what the rules know of them, and the hand that makes and removes them."""

from __future__ import annotations

import json
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from glance_operator.core.image import content, ingredients, transfer
from glance_operator.core.image.carried import Given, Transfer
from glance_operator.core.image.observed import View
from glance_operator.core.inputs import Input
from glance_operator.core.manifests.transfer import CONTAINER, IMAGE_ID, Delivery, objects, selector
from glance_operator.core.transfer.outcome import Outcome
from glance_operator.core.workload import Apply, Job, Pod, Remove, trouble_of, words_of
from glance_operator.runtime.image.track import Track
from glance_operator.runtime.making import beside, take
from glance_operator.runtime.rest import ApiError
from glance_operator.runtime.store import Body
from glance_operator.runtime.world import World

_LINES = 5  # of a log: the last one may be half written
_OUTCOMES: TypeAdapter[Outcome] = TypeAdapter(Outcome)


class Transferring:
    """It may raise what the API server's client raises."""

    def __init__(self, world: World) -> None:
        self._objects, self._settings = world.objects, world.settings

    def seen(self, view: View, track: Track) -> View:
        """The view with the Jobs of this Image. Reads only."""
        view = replace(view, carrier=bool(self._settings.transfer_image))
        if not transfer.concerned(view):
            return view
        labels = ",".join(f"{name}={value}" for name, value in selector(view.uid).items())
        jobs, pods = beside(self._objects, view.namespace, labels)
        return replace(view, transfers=tuple(self._transfer(view, track, job, pods) for job in jobs.values()))

    def looked(self, view: View, track: Track) -> View:
        """The view with what else matters, once the image has been looked at. Reads only."""
        if content.arrived(view):
            return replace(view, remains=self._remains(view))
        one = transfer.current(view)
        if one is not None and not one.over:
            return view
        if one is not None and view.image is not None and view.image.status == "queued":
            # seen before the Job was over, it may have been staged since
            view = replace(view, image=track.cloud.looks.get(track.image_id, 0, hidden=bool(view.spec.hidden)))
        return replace(view, given=self._given(view)) if transfer.wanted(view) else view

    def start(self, view: View, step: transfer.StartTransfer, track: Track) -> None:
        """Raises Refused or Unavailable."""
        glance = track.cloud.at(step.node.url) if step.node else track.cloud.glance
        delivery = Delivery(
            name=step.name,
            namespace=view.namespace,
            owner=view.name,
            uid=view.uid,
            image_id=step.image_id,
            spec=view.spec,
            access=glance.access(),
            container=self._settings.transfer_image,
            start=step.start,
            secret_type=ingredients.secret_type(view),
            most=view.room.size if view.room else None,
            pod=self._settings.transfer_pod,
        )
        track.begin(step.node.name if step.node else "")
        take(self._objects, view.namespace, Apply(objects(delivery)))

    def remove(self, view: View, step: transfer.RemoveTransfers) -> None:
        """The Secret first: what is left of a Job is found as long as there is the Job."""
        old = tuple((kind, name) for name in step.names for kind in ("Secret", "Job"))
        take(self._objects, view.namespace, Remove(old))

    def _transfer(self, view: View, track: Track, job: Job, pods: tuple[Pod, ...]) -> Transfer:
        """With its progress, if it makes some."""
        mine = [replace(pod, trouble=trouble_of(pod, view.now)) for pod in pods if pod.job == job.name]
        outcome = next((told for pod in reversed(mine) if (told := _outcome(pod.said))), None)
        over = job.done or job.failed or outcome is not None
        moved, total = (None, None) if over else self._progress(view.namespace, mine)
        words = "" if outcome else words_of(mine, job.name) or job.trouble or job.why
        image_id = job.labels.get(IMAGE_ID, "")
        silent = 0.0 if over else track.silent_for((job.uid, moved))
        return Transfer(job.name, job.uid, image_id, over, outcome, words, moved, total, silent)

    def _progress(self, namespace: str, pods: list[Pod]) -> tuple[int | None, int | None]:
        """What the youngest pod has told last. A log that cannot be read stops nothing."""
        pod = next((pod for pod in reversed(pods) if pod.container_id), None)
        if pod is None:
            return None, None
        try:
            return _told(self._objects.log(namespace, pod.name, CONTAINER, _LINES))
        except ApiError:
            return None, None

    def _remains(self, view: View) -> tuple[str, ...]:
        """The Secret of a Job that somebody else has removed."""
        job = view.memory.job
        if not job or any(one.name == job for one in view.transfers):
            return ()
        return (job,) if self._objects.get("Secret", view.namespace, job) else ()

    def _given(self, view: View) -> dict[tuple[str, str], Given | None]:
        return {one.source: self._one_given(view.namespace, one) for one in ingredients.of(view.spec)}

    def _one_given(self, namespace: str, one: Input) -> Given | None:
        if one.kind == ingredients.CLAIM:
            found = self._objects.find(one.kind, namespace, fieldSelector=f"metadata.name={one.name}")
            body: Body | None = found[0] if found else None
        else:
            body = self._objects.get(one.kind, namespace, one.name)
        if body is None:
            return None
        offered = (body["metadata"].get("labels") or {}).get(ingredients.OFFERED) == "true"
        return Given(body.get("type") or "", frozenset(body.get("data") or ()), offered)


def _outcome(text: str) -> Outcome | None:
    """None if it is no outcome, or none yet."""
    try:
        return _OUTCOMES.validate_json(text)
    except ValidationError:
        return None


def _told(log: str) -> tuple[int | None, int | None]:
    """Bytes that have come, and of how many, by the last line that says so."""
    for line in reversed(log.splitlines()):
        try:
            said = json.loads(line)
            return int(said["bytes"]), said["total"] if said["total"] is None else int(said["total"])
        except (ValueError, KeyError, TypeError):
            continue
    return None, None
