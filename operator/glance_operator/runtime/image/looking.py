"""What is asked of Glance before the rules speak: as little as will do, and together with others where it can be."""

from __future__ import annotations

import time
from dataclasses import replace

from glance_operator.api.base import seconds
from glance_operator.core.image import identity, methods, rollout, stores, transfer
from glance_operator.core.image.observed import GlanceImage, Service, Task, View
from glance_operator.runtime.image.track import Track

_FRESH = 2.0  # seconds for which what was seen of an image is good enough to act on
_UNTOUCHED = 60.0  # the same for an image that waits, still empty, for its import
_RECENT = 5.0  # seconds for which it is believed that the service lacks something
_CHECK_TASK = 30.0  # seconds after which a held lock is checked against its task


def seen(view: View, track: Track, at_rest: bool) -> View:
    """The view with what the cloud says. Raises Unavailable or Refused.

    ``at_rest``: nothing is expected to have changed, so the list of all images of ours will do.
    """
    view = _found_again(view, track)
    track.turn_to(identity.expected_id(view))
    view = replace(view, looked=True, service=_service(view, track), burnt=track.burnt, running_for=track.age())
    image = _image(view, track, at_rest)
    view = replace(view, image=image)
    view = replace(view, others=_others(view, track))
    task = _task(view, image, track) if image else None
    track.hear(task)
    if image is not None and task is not None and task.over:
        # seen before its task was over, the image may be half of a success: nothing is counted or discarded on that
        image = track.cloud.looks.get(image.id, max_age=0, hidden=bool(view.spec.hidden))
        view = replace(view, image=image)
    members = track.cloud.glance.members(image.id) if image and _is_shared(view, image) else None
    return replace(view, task=task, members=members, silent_for=track.silence())


def _found_again(view: View, track: Track) -> View:
    """With what an earlier life of the object has left, if nothing is remembered."""
    looks = track.cloud.looks
    ids = looks.marked(identity.owner(view)) if identity.forgotten(view) else []
    if ids in ([], [identity.expected_id(view)]):
        return view
    there = [image for one in ids if (image := looks.get(one, _FRESH)) and identity.is_genuine(image)]
    return identity.found_again(view, there) if there else view


def _service(view: View, track: Track) -> Service:
    """What is demanded and was not there may have been added since."""
    service = track.cloud.service()
    needed = methods.needed(view.spec, service)
    offered = {needed, stores.COPY_IMAGE} <= service.methods
    complete = offered and stores.refuse(replace(view, service=service)) is None
    return service if complete else track.cloud.service(max_age=_RECENT)


def _image(view: View, track: Track, at_rest: bool) -> GlanceImage | None:
    looks = track.cloud.looks
    if not track.image_id:
        return None
    if not (view.finalized or view.memory.id or view.spec.id or view.spec.adopt or view.candidates):
        looks.put(track.image_id, None)  # before there was a finalizer nothing was ever made under this id
        return None
    if view.deleted_at:
        return _remains(view, track)
    if at_rest:
        return looks.at_rest(track.image_id, seconds(view.spec.resync_period) / 2)
    return looks.get(track.image_id, _max_age(track), hidden=bool(view.spec.hidden))


def _remains(view: View, track: Track) -> GlanceImage | None:
    """The first that is left of all images of a deleted object."""
    earlier = (view.memory.served, *view.memory.previous)
    ids = [track.image_id, *(kept.id for kept in earlier if kept)]
    track.others |= set(ids)
    looked = (track.cloud.looks.get(image_id, _max_age(track), hidden=bool(view.spec.hidden)) for image_id in ids)
    return next((image for image in looked if image), None)


def _others(view: View, track: Track) -> dict[str, GlanceImage | None]:
    """Images of earlier content that something is to be done about: what serves while its successor is made ready, and
    what need not stay."""
    ids = [kept.id for kept in (view.memory.served, *rollout.excess(view)) if kept]
    track.others |= set(ids)
    return {image_id: track.cloud.looks.get(image_id, _FRESH) for image_id in ids}


def _max_age(track: Track) -> float:
    """Imports share their looks, so one that is nearly as old as the last will do; and of an image that we made and
    nobody else knows, the answer that we got then."""
    if track.since:
        return 0.9 * track.poll()
    return _UNTOUCHED if track.untouched else _FRESH


def _task(view: View, image: GlanceImage, track: Track) -> Task | None:
    if track.untouched or transfer.at_work(view) or not _task_matters(view, image, track):
        return None
    track.task_checked = time.monotonic()
    tasks = track.cloud.glance.tasks(image.id)
    if image.lock:
        return next((t for t in tasks if t.id == image.lock), None)
    return max(tasks, key=lambda t: (t.created_at, t.id != view.memory.task_id), default=None)


def _task_matters(view: View, image: GlanceImage, track: Track) -> bool:
    """A task is looked at when an import may have ended badly, and when a lock looks abandoned.

    After a success it need not be: Glance lets the task succeed before it drops the lock (read in its source), so
    that an image with its data in every store and no lock is done.
    """
    if image.lock:
        abandoned = image.status == "queued" and bool(image.failed)
        return abandoned or time.monotonic() - max(track.since, track.task_checked) > _CHECK_TASK
    return not image.complete or (image.status == "active" and bool(stores.missing(view)))


def _is_shared(view: View, image: GlanceImage) -> bool:
    concerned = view.spec.members is not None or bool(view.memory.applied_members)
    return concerned and image.visibility == "shared" and image.complete
