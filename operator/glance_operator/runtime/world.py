"""Everything outside that a pass may touch, in one frozen object."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from glance_operator.runtime.apis import ApiReader, Readers
from glance_operator.runtime.clouds import Clouds
from glance_operator.runtime.credentials import CredentialsReader
from glance_operator.runtime.events import Recorder
from glance_operator.runtime.inputs import Inputs
from glance_operator.runtime.kube import Kube
from glance_operator.runtime.metrics import Metrics
from glance_operator.runtime.objects import Objects
from glance_operator.runtime.queue import Lane, Queue
from glance_operator.runtime.sources import Sources
from glance_operator.runtime.store import Body, Key, Store
from glance_operator.settings import Settings

log = logging.getLogger(__name__)


def utcnow() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the process has before it has controllers.

    fence(): raises LostLease if this process may not change anything. stopping(): whether passes should end soon.
    told(key, old, new): to be called with each body that a pass has changed itself.
    """

    settings: Settings
    kube: Kube
    store: Store
    queue: Queue
    events: Recorder
    metrics: Metrics
    fence: Callable[[], None] = lambda: None
    stopping: Callable[[], bool] = lambda: False
    told: Callable[[Key, Body | None, Body | None], None] = lambda *_: None


@dataclass(frozen=True, kw_only=True)
class World(Parts):
    """The parts, the clouds and the time: what passes work with."""

    clouds: Clouds
    objects: Objects
    inputs: Inputs
    sources: Sources = field(default_factory=Sources)
    now: Callable[[], datetime] = utcnow


class CloudTelemetry:
    """What clouds tell, in the words of the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def glance_request(self, cloud: str, method: str, code: str) -> None:
        self._metrics.glance_requests.labels(cloud, method, code).inc()

    def cloud_up(self, cloud: str, up: bool) -> None:
        log.log(
            logging.INFO if up else logging.WARNING, "cloud %s: %s", cloud, "answers" if up else "does not serve us"
        )
        self._metrics.cloud_up.labels(cloud).set(int(up))

    def cloud_gone(self, cloud: str) -> None:
        self._metrics.cloud_up.remove(cloud)


def make_world(parts: Parts) -> World:
    """The parts with the registry of clouds, wired to the rest of the process."""
    objects = Objects(parts.kube.transport)
    given = Inputs(objects)
    clouds = Clouds(
        Readers(CredentialsReader(parts.kube), ApiReader(parts.store, given)),
        cluster=parts.kube.cluster_id,
        telemetry=CloudTelemetry(parts.metrics),
        fence=parts.fence,
        wake=lambda key: parts.queue.add(key, Lane.BEGUN),
        imports=parts.settings.imports_per_cloud,
        at_once=max(1, parts.settings.workers * 3 // 4),  # the others are for other clouds
    )
    parts.metrics.watch_slots(lambda: {c.name: (len(c.slots.holders()), len(c.slots.waiting())) for c in clouds.all()})
    sources = Sources(parts.settings.source_networks)
    return World(**vars(parts), clouds=clouds, objects=objects, inputs=given, sources=sources)
