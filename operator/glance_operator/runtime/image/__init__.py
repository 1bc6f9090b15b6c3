"""The Image controller: what the engine asks of it, answered from Glance and the rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from glance_operator.api.base import seconds
from glance_operator.api.image import ImageSpec
from glance_operator.core.conditions import FALSE, TRUE, find
from glance_operator.core.image import caching, content, decide, limits, removal, stores, transfer
from glance_operator.core.image.memory import moment, recall
from glance_operator.core.image.nodes import lost
from glance_operator.core.image.observed import Cause, Flight, View
from glance_operator.core.image.refusals import explain
from glance_operator.core.image.status import status
from glance_operator.core.past import is_fresh_start, is_retried
from glance_operator.core.plan import Phase, Plan, State, waiting
from glance_operator.runtime.engine import finalizer
from glance_operator.runtime.errors import Refused, Unavailable
from glance_operator.runtime.image import adopting
from glance_operator.runtime.image.acting import take
from glance_operator.runtime.image.causes import Causes
from glance_operator.runtime.image.draining import Draining
from glance_operator.runtime.image.looking import seen
from glance_operator.runtime.image.nodes import nodes_of
from glance_operator.runtime.image.others import refers, with_others
from glance_operator.runtime.image.ours import Ours
from glance_operator.runtime.image.prefetching import Prefetching
from glance_operator.runtime.image.track import Track
from glance_operator.runtime.image.transferring import Transferring
from glance_operator.runtime.image.whereabouts import of_this_image, where
from glance_operator.runtime.parsing import parsed
from glance_operator.runtime.queue import Lane
from glance_operator.runtime.store import Body, Key
from glance_operator.runtime.world import World

_AWAIT = 10.0  # seconds between two looks for something that somebody else must bring
_OTHER_POD = 1.0  # seconds until another pod is asked for an import that one did not take
_IMPORTS = (content.ImportFromUrl, content.ImportFromRegion, transfer.ImportStaged, stores.CopyToStores)
_BEGINS_WORK = (*_IMPORTS, transfer.StartTransfer)
_QUEUED_PER_SECOND = 10.0  # so many of the waiting ones say that they wait: each write takes time from an import


@dataclass(frozen=True, slots=True)
class Look:
    """One look: the view the rules had, what they decided, and the dealings with the cloud if it could be asked."""

    view: View
    plan: Plan
    track: Track | None = None


class ImageController:
    """What the engine asks for Images; see ``engine.Controller``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tracks: dict[Key, Track] = {}
        self._prefetching = Prefetching(world.store)
        self._ours = Ours(world)
        self._draining = Draining(world.store)
        self._causes = Causes(world, self._ours)
        self._transferring = Transferring(world)

    def look(self, key: Key, body: Body) -> Look:
        view = self._view(key, body)
        if _is_left_alone(view):
            self.forget(key)  # it neither holds nor awaits anything
            return Look(*decide(view))
        at_rest = _served(body)
        look = self._asked(key, body, view, at_rest)
        if at_rest and look.plan.step is not None:  # the list may be half an hour old: nothing is changed on its word
            look = self._asked(key, body, view, at_rest=False)
        return look

    def _asked(self, key: Key, body: Body, view: View, at_rest: bool) -> Look:
        track = None
        try:
            track = self._track(key, view.spec, is_retried(body))
            view = replace(view, cluster=self._world.kube.cluster_id())
            view = self._seen(key, with_others(view, self._world.store), track, at_rest)
            view = self._prefetching.seen(view, track, self.settled(body))
            view = self._causes.added(view, track)
        except Unavailable as trouble:
            view = replace(view, trouble=of_this_image(trouble, view), cause=trouble.cause)
        except Refused as refusal:
            state = State(Phase.WORKING, "GlanceError", f"Glance refuses to show the image ({refusal})")
            view = replace(view, trouble=state, cause=Cause.OUTAGE)
        view, plan = decide(view)
        return Look(view, plan, track if view.looked else None)

    def _seen(self, key: Key, view: View, track: Track, at_rest: bool) -> View:
        found = self._transferring.seen(adopting.sought(view, track), track)
        view = adopting.judged(seen(found, track, at_rest), self._world.kube)
        view = self._transferring.looked(view, track)
        if view.nodes is None:
            return view
        around = self._flights(key, track), track.cloud.slots.within_reach(key)
        view = self._ours.added(view, track, *around)
        if not lost(view):
            return view
        # looked at before its pod was seen to be gone, the image may be half of a success: pods end after their imports
        track.cloud.looks.expire(track.image_id)
        return self._ours.added(seen(view, track, at_rest=False), track, *around)

    def admit(self, key: Key, look: Look) -> Plan | None:
        """Imports are few at a time: who begins one needs a slot, and keeps it until the import is over. The next ones
        make their images before, so that Glance never waits for us."""
        if look.track is None:
            return None
        slots, running = look.track.cloud.slots, _busy(look.view)
        self._follow(key, look, look.track, running)
        if not look.plan.slot:
            (slots.hold if running else slots.forget)(key)
            return None
        if slots.try_acquire(key) or (look.plan.early and slots.may_prepare(key)):
            return None
        after = self._world.settings.show_after + len(slots.waiting()) / _QUEUED_PER_SECOND
        state = State(Phase.WORKING, "Queued", "Waiting for one of the cloud's import slots")
        return Plan(state, after=after, passing=True)

    def act(self, key: Key, look: Look) -> None:
        if look.track is None or look.plan.step is None:
            raise AssertionError("only an image that was looked at is acted on")
        step = look.plan.step
        if isinstance(step, caching.CacheImage | caching.UncacheImage):
            self._prefetching.act(step, look.track)
            return
        if isinstance(step, removal.DeleteFromStore):
            take(step, look.track)
            self._tell(key, step)
            return
        if isinstance(step, transfer.RemoveTransfers):
            self._transferring.remove(look.view, step)
            return
        if not isinstance(step, _BEGINS_WORK):
            take(step, look.track)
            return
        if step.node:
            self._ours.confirm(look.view, step.node)
        if isinstance(step, transfer.StartTransfer):
            self._transferring.start(look.view, step, look.track)
        else:
            take(step, look.track)
        self._follow(key, look, look.track, running=True)  # others' looks tell of it, too

    def _tell(self, key: Key, step: removal.DeleteFromStore) -> None:
        """Data is gone from a store: that is worth an Event of its own."""
        note = f"The data was removed from store {step.store}; the image is served from the others"
        if body := self._world.store.get(key):
            self._world.events.record(body, "Normal", "StoreEmptied", "Remove", note)

    def refused(self, key: Key, look: Look, error: Refused | Unavailable) -> Plan:
        if look.track is None or look.plan.step is None:
            raise AssertionError("only a step is refused")
        look.track.cloud.slots.release(key)  # if an import was begun all the same, the next look counts it
        if isinstance(error, Unavailable):
            after = _OTHER_POD if getattr(look.plan.step, "node", None) else _comeback(look.view, look.track)
            return waiting(error.state.reason, error.state.message, after=after, passing=True)
        view = self._causes.of_refusal(look.view, look.plan.step, error)
        return explain(view, look.plan.step, error.status, error.message)

    def status(self, look: Look, plan: Plan, body: Body) -> dict[str, Any] | None:
        view = look.view
        if view.cause is Cause.OUTAGE and view.settled and not view.deleted_at:
            return None  # at rest nothing is lost by waiting: the cloud's own metric tells, not ten thousand writes
        return status(view, plan, body)

    def pace(self, key: Key, look: Look, plan: Plan) -> float:
        view, track = look.view, self._tracks.get(key)
        if view.trouble is not None:
            return _comeback(view, track)
        if plan.step is not None and track:
            return track.first_look()
        if plan.state.phase is not Phase.WORKING:
            return seconds(view.spec.resync_period)
        if track and transfer.under_way(view):
            return max(transfer.LOOK, track.poll())
        return track.poll() if track and content.running(view) else _AWAIT

    def settled(self, body: Body) -> bool:
        quiet = self._prefetching.quiet(body) and self._draining.quiet(body) and not refers(body)
        return _served(body) and quiet

    def forget(self, key: Key) -> None:
        self._prefetching.forget(key)
        if track := self._tracks.pop(key, None):
            track.cloud.slots.forget(key)
            track.cloud.looks.unwatch(track.image_id)

    def _view(self, key: Key, body: Body) -> View:
        meta, memory = body["metadata"], recall(body)
        generation = meta.get("generation", 0)
        applied = (body.get("status") or {}).get("observedGeneration") == generation
        spec = self._spec(key, body)
        api = spec.glance_api_ref
        return View(
            spec=spec,
            namespace=key.namespace,
            name=key.name,
            uid=meta["uid"],
            generation=generation,
            now=self._world.now(),
            memory=memory,
            finalized=finalizer(key.kind) in (meta.get("finalizers") or ()),
            settled=memory.was_ready and applied,
            deleted_at=moment(meta.get("deletionTimestamp")),
            nodes=nodes_of(self._world.store, key.namespace, api.name) if api else None,
            draining=self._draining.of(key.namespace, api.name) if api else frozenset(),
            retry_base=self._world.settings.retry_base,
            lost_grace=self._world.settings.lost_grace,
        )

    def _spec(self, key: Key, body: Body) -> ImageSpec:
        """Parsed once a generation while there is work on it: a pass has little else to compute."""
        meta, track = body["metadata"], self._tracks.get(key)
        version = (meta["uid"], meta.get("generation", 0))
        if track is None:
            return parsed(ImageSpec, body)
        if track.spec is None or track.spec[0] != version:
            track.spec = (version, parsed(ImageSpec, body))
        return track.spec[1]

    def _track(self, key: Key, spec: ImageSpec, fresh: bool) -> Track:
        cloud = self._world.clouds.find(key.namespace, *where(spec), fresh=fresh)
        track = self._tracks.get(key)
        if track is None or track.cloud is not cloud:
            self.forget(key)  # other credentials: what was held there is given back
            track = self._tracks[key] = Track(cloud)
        if fresh:
            track.errands.forget()
        return track

    def _flights(self, key: Key, track: Track) -> tuple[Flight, ...]:
        """Others' imports on the same cloud: those under way, and those that got their slot before this one."""
        holders = track.cloud.slots.holders()
        mine = holders.index(key) if key in holders else len(holders)
        others = ((i, self._tracks.get(one)) for i, one in enumerate(holders) if one != key)
        return tuple(Flight(one.node, one.needs) for i, one in others if one and (i < mine or one.since))

    def _follow(self, key: Key, look: Look, track: Track, running: bool) -> None:
        """A running import is part of every look at its cloud until it is over."""
        if running:
            track.found_running(look.view.memory.node)
            wake = self._world.queue.add
            track.cloud.looks.watch(track.image_id, bool(look.view.spec.hidden), lambda: wake(key, Lane.BEGUN))
        elif look.plan.step is None:
            track.rest()


def _busy(view: View) -> bool:
    """Whether something is at work on the image, in Glance or on the way there."""
    return content.running(view) or transfer.under_way(view)


def _served(body: Body) -> bool:
    """Everything is as the spec wants it, but for caches."""
    status = body.get("status") or {}
    conditions = status.get("conditions") or ()
    if any(store.get("reason") in removal.REASONS for store in status.get("stores") or ()):
        return False
    served = all(find(conditions, kind).get("status") == TRUE for kind in ("Ready", "StoresReady"))
    served = served and find(conditions, "UpToDate").get("status") != FALSE
    return served and not is_fresh_start(body) and "deletionTimestamp" not in body["metadata"]


def _comeback(view: View, track: Track | None) -> float:
    """When to look again at a cloud that is out of order: soon if work waits, spread out if all is at rest."""
    if view.cause is not Cause.OUTAGE or track is None:
        return _AWAIT
    return max(track.cloud.gate.wait(), 1.0) + (seconds(view.spec.resync_period) / 10 if view.settled else 0.0)


def _is_left_alone(view: View) -> bool:
    """Nothing is asked of a cloud about an object that is suspended, let go as it is, or not understood."""
    if view.spec.suspend:
        return True
    if view.deleted_at:
        return view.spec.deletion_policy == "Retain"
    return any(True for _ in limits.not_built(view.spec))


__all__ = ["ImageController"]
