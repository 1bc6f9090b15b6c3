"""Why: the parts are put together, started and, above all, stopped in the right order: here and nowhere else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from glance_operator import api
from glance_operator.runtime import handlers
from glance_operator.runtime.events import Recorder
from glance_operator.runtime.feed import Feed
from glance_operator.runtime.health import Health
from glance_operator.runtime.intake import Intake, Wiring
from glance_operator.runtime.kube import Kube, Resource, Transport
from glance_operator.runtime.leader import Alone, Leader, Terms
from glance_operator.runtime.metrics import Metrics
from glance_operator.runtime.queue import Next, Queue
from glance_operator.runtime.store import Body, Key, Store, key_of
from glance_operator.runtime.sweep import Scope, Sweep
from glance_operator.runtime.workers import Workers
from glance_operator.runtime.world import Parts
from glance_operator.settings import Settings

log = logging.getLogger(__name__)


class Engine(Protocol):
    """What is done for one object, and whether anything is to be done at all."""

    def reconcile(self, key: Key) -> Next:
        """One pass; what the store no longer has is to be forgotten."""
        ...

    def settled(self, body: Body) -> bool:
        """Whether the object is at rest; called often, reads nothing."""
        ...


class App:
    """The operator without its controllers: make_engine(parts) brings them, wiring says what they watch."""

    def __init__(self, settings: Settings, make_engine: Callable[[Parts], Engine], wiring: Wiring) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._fenced = False
        self._resources = {kind.kind: Resource(api.GROUP, api.VERSION, kind.plural) for kind in api.KINDS}
        self.metrics = Metrics()
        self._kube = Kube(Transport(self.metrics.observe_request), self._resources, settings.cluster_id)
        self._store = Store(wiring.indexes)
        self._queue = Queue(observer=self.metrics.queue)
        self._queue.pause()  # until we lead
        self._events = Recorder(self._kube.create_event, settings.identity, self._event_dropped)
        self._leader = self._election()
        self._kube.transport.fence = self._leader.fence
        engine = make_engine(self._parts())
        self._workers = Workers(self._queue, engine.reconcile, settings.workers, self.metrics)
        self._intake = Intake(self._store, self._queue, engine.settled, wiring, settings.resync)
        self._sweep = Sweep(self._kube, self._store, self._intake, self._scope(), self._missed)
        self._feed = Feed(self._watch, self._served, self.metrics.feed_starts.inc)
        checks = {"/healthz": self._unhealthy, "/readyz": self._unready}
        self.health = Health(settings.health_address, settings.health_port, checks, self.metrics.expose)
        self.metrics.watch_queue(self._queue.stats)

    def start(self) -> None:
        """Begin. Needs no API server: everything waits for it."""
        for part in (self.health, self._events, self._workers, self._sweep, self._feed, self._leader):
            part.start()

    def stop(self) -> None:
        """No new pass, wait for the running ones, only then let another replica begin; the rest in any order."""
        self._stopping.set()
        if not self._workers.stop(self._settings.shutdown_grace):
            log.warning("passes still run after %g s: they are cut", self._settings.shutdown_grace)
        self._leader.release()
        self._events.stop()
        self._feed.stop()
        self._sweep.stop()
        self.health.stop()

    def _parts(self) -> Parts:
        return Parts(
            settings=self._settings,
            kube=self._kube,
            store=self._store,
            queue=self._queue,
            events=self._events,
            metrics=self.metrics,
            fence=self._leader.fence,
            stopping=self._stopping.is_set,
            told=self._told,
        )

    def _told(self, key: Key, old: Body | None, new: Body | None) -> None:
        """The intake needs the engine, and the engine this."""
        self._intake.told(key, old, new)

    def on_leading(self) -> None:
        """Called by the election: work may begin. After an outage every watch that is still open may be a dead one."""
        if self._fenced:
            self._feed.restart()
            self._fenced = False
        self.metrics.master.labels(self._settings.lease_name).set(1)
        self._queue.resume()

    def on_fenced(self) -> None:
        """Called by the election: nothing more may be begun."""
        self._fenced = True
        self.metrics.master.labels(self._settings.lease_name).set(0)
        self._queue.pause()

    def _election(self) -> Leader | Alone:
        given = self._settings
        self.metrics.master.labels(given.lease_name).set(0)
        if not given.leader_elect:
            return Alone(self)
        names = (given.lease_namespace, given.lease_name, given.identity)
        times = (given.lease_duration, given.renew_deadline, given.renew_interval, given.standby_interval)
        # connections of its own: renewals must not wait behind the workers' requests
        return Leader(Kube(Transport(self.metrics.observe_request), {}), Terms(*names, *times), self)

    def _scope(self) -> Scope:
        given = self._settings
        return Scope(tuple(self._resources), given.watch_namespaces, given.sweep_interval, given.sweep_grace)

    async def _watch(self) -> None:
        given = self._settings
        hooks = handlers.Hooks(self._receive, self._sweep.soon, self._kube.transport.connection)
        await handlers.watch(self._resources.values(), given.watch_namespaces, given.watch_timeout, hooks)

    def _receive(self, kind: str | None, body: Body) -> None:
        """One event of the feed; whatever is wrong with it, a sweep will see the object again."""
        try:
            if kind == "DELETED":
                self._intake.deleted(key_of(body), body["metadata"]["uid"])
            else:
                self._intake.changed(body)
        except Exception:
            log.exception("an event of the feed could not be taken in")

    def _served(self) -> bool:
        plurals = {resource.plural for resource in self._resources.values()}
        return plurals <= self._kube.served(api.GROUP, api.VERSION)

    def _missed(self, what: str) -> None:
        self.metrics.swept.labels(what).inc()
        if what == "change":  # deletions are missed whenever a list takes the place of a watch, changes never
            self._feed.restart()

    def _event_dropped(self, reason: str) -> None:
        self.metrics.events_dropped.labels(reason).inc()

    def _unhealthy(self) -> list[str]:
        alive = {
            "feed": self._feed.alive,
            "sweep": self._sweep.alive,
            "workers": self._workers.alive,
            "leader election": self._leader.alive,
        }
        dead = [f"not running: {name}" for name, lives in alive.items() if not lives()]
        limit = self._settings.stuck_after
        running = self._queue.stats().running.items()
        return dead + [f"{key} is worked on for {age:.0f} s" for key, age in running if age > limit]

    def _unready(self) -> list[str]:
        return [] if self._sweep.synced() else ["the objects are not listed yet"]
