"""The status of a GlanceStore."""

from __future__ import annotations

from glance_operator.api.base import Model, Status, Time


class Capacity(Model):
    """Room in the store, where the driver can tell."""

    total: str | None = None
    """Room in all, as a quantity."""
    available: str | None = None
    """Room that is left, as a quantity."""


class Probe(Model):
    """The last proof: a small object written, read and removed by the real driver with the real configuration."""

    time: Time | None = None
    """When it was made."""
    message: str | None = None
    """What came out of it."""
    hash: str | None = None
    """Hash of the configuration that was proven."""


class GlanceStoreStatus(Status):
    """What the store holds, and whether it can be used."""

    images: int | None = None
    """Images with data in the store, anybody's."""
    capacity: Capacity | None = None
    """Room in the store, where the driver can tell."""
    probe: Probe | None = None
    """The last proof that the store can be used."""
