"""The status of a GlanceAPI."""

from __future__ import annotations

from typing import Annotated, Literal

from glance_operator.api.base import Model, Status, Time
from glance_operator.api.cel import KEYED, ORDERED, keys


class Version(Model):
    """Versions that run."""

    release: str | None = None
    """Version of Glance."""
    database_revision: str | None = None
    """Revision of the database's schema."""


class AttachedStore(Model):
    """A store of the service."""

    name: str
    """Glance's id of the store."""
    default: bool | None = None
    """Whether it takes images that name no store."""
    status: Literal["True", "False", "Unknown"]
    """Whether it can be used."""
    reason: str | None = None
    """One word in CamelCase, such as Usable."""


class Node(Model):
    """An API pod."""

    name: str
    """Name of the pod."""
    ready: bool | None = None
    """Whether it serves."""
    leaving: bool | None = None
    """Whether it is being ended; it gets no more imports."""
    url: str | None = None
    """Its own address, to which imports are sent."""
    container_id: str | None = None
    """Container that runs in it; an import dies with it."""
    restarts: int | None = None
    """How often its container was restarted."""
    start_time: Time | None = None
    """When its container started."""
    cache_ready: bool | None = None
    """Whether its cache lists only what is there, and may be filled; absent = it has no cache."""


class GlanceAPIStatus(Status):
    """What runs, as last seen: pods, stores, version."""

    replicas: int | None = None
    """API pods that exist."""
    ready_replicas: int | None = None
    """API pods that serve."""
    selector: str | None = None
    """Labels of the pods, as the scale subresource shows them to autoscalers."""
    stores_ready: str | None = None
    """Stores that can be used / stores attached."""
    endpoint: str | None = None
    """Address of the service in the cluster."""
    import_methods: Annotated[tuple[str, ...], ORDERED] | None = None
    """Import methods that are offered."""
    version: Version | None = None
    """Versions that run."""
    config_hash: str | None = None
    """Hash of the configuration that the pods run with."""
    stores: Annotated[tuple[AttachedStore, ...], KEYED, keys("name")] | None = None
    """Stores of the service."""
    cache_max_size: str | None = None
    """Size to which the pods that run prune their caches; absent = they have none."""
    nodes: Annotated[tuple[Node, ...], KEYED, keys("name")] | None = None
    """API pods, one by one."""
