"""Everything that the configuration of one GlanceAPI is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.api.glancestore.drivers import S3, File, Nfs, Rbd, Swift
from glance_operator.core.config.places import Places

Secrets = Mapping[str, str]


@dataclass(frozen=True)
class Store:
    """A store of the service. secret: what its Secrets and ConfigMaps hold, by the words of `core.config.stores`."""

    id: str
    spec: GlanceStoreSpec
    secret: Secrets = field(default_factory=dict, repr=False)

    @property
    def block(self) -> Rbd | Nfs | Swift | File | S3:
        """The part of the spec that the type names; the API server lets no store in without it."""
        block: Rbd | Nfs | Swift | File | S3 = getattr(self.spec, self.spec.type)
        return block


@dataclass(frozen=True)
class Service:
    """The spec, its stores, and the secrets that it refers to (never shown).

    connection: SQLAlchemy's URL of the database, absent with SQLite. keystone: keys of the credentials' Secret.
    cas: certificates (PEM) to trust, by `database`, `keystone` and, always with TLS, `tls`. certificate: its
    own, and the key (PEM), by file. endpoint_id: the image endpoint's id in Keystone.
    """

    spec: GlanceAPISpec
    stores: tuple[Store, ...]
    default: str
    connection: str | None = field(default=None, repr=False)
    keystone: Secrets = field(default_factory=dict, repr=False)
    transport_url: str | None = field(default=None, repr=False)
    cas: Mapping[str, str] = field(default_factory=dict)
    certificate: Secrets = field(default_factory=dict, repr=False)
    endpoint_id: str | None = None
    places: Places = field(default_factory=Places)
