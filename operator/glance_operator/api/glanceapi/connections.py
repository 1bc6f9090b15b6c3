"""What a GlanceAPI depends on: its database, and who vouches for its users."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from glance_operator.api.base import (
    URL,
    CloudRef,
    HostPort,
    KeyRef,
    Line,
    Model,
    NameRef,
    OneOf,
    Quantity,
    SecretKeyRef,
    length,
)
from glance_operator.api.cel import SET, Rule, needs, no_shrink
from glance_operator.api.glanceapi.network import Peers

SQLITE_SIZE = "1Gi"


class Sqlite(Model):
    """A database for a trial, on a claim of its own."""

    rules: ClassVar[tuple[Rule, ...]] = (
        no_shrink("size", "a volume cannot; create another GlanceAPI", absent=SQLITE_SIZE),
    )

    size: Quantity = SQLITE_SIZE
    """Size of the claim; it may grow."""


class Database(OneOf):
    """Where Glance keeps its records; exactly one of connectionSecretRef, sqlite is set."""

    one_of: ClassVar[tuple[str, ...]] = ("connectionSecretRef", "sqlite")
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.sqlite) == has(oldSelf.sqlite)",
            "sqlite and a database server cannot be exchanged in place: create another GlanceAPI",
        ),
        needs("caBundleRef", "connectionSecretRef", "it is for the connection to a server"),
        Rule(
            "!has(self.manageSchema) || self.manageSchema || has(self.connectionSecretRef)",
            "manageSchema must be true with sqlite: nobody else can reach that database",
            field="manageSchema",
        ),
    )

    connection_secret_ref: SecretKeyRef | None = None
    """Key of a Secret that holds the connection: mysql+pymysql://… or postgresql://…."""
    sqlite: Sqlite | None = None
    """A database for a trial, on a claim of its own; at most one replica."""
    ca_bundle_ref: KeyRef | None = None
    """Certificates (PEM) to trust for the database server."""
    manage_schema: bool = True
    """Migrate, contract and purge the database. With false another GlanceAPI does; this one waits for it."""


class Endpoints(Model):
    """The service as Keystone's catalog shows it."""

    manage: bool = False
    """Keep service, user, roles and endpoints registered."""
    public_url: URL | None = None
    """Address for users; absent = the ingress, else the Service."""
    internal_url: URL | None = None
    """Address for other services; absent = the Service."""
    admin_url: URL | None = None
    """Address for administrators; absent = no such endpoint."""


class Keystone(Model):
    """Users come with Keystone's tokens."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!(has(self.endpoints) && has(self.endpoints.manage) && self.endpoints.manage)"
            " || has(self.adminCredentialsRef)",
            "endpoints.manage needs adminCredentialsRef: only an administrator may register endpoints",
            field="endpoints",
        ),
    )

    auth_url: URL
    """Address of Keystone, such as https://keystone.example.org/v3."""
    credentials_secret_ref: NameRef
    """Secret with Glance's own credentials: username, password, project_name (user_domain_name,
    project_domain_name), or application_credential_id and application_credential_secret."""
    region: Line | None = None
    """Region of the service; absent = none is named."""
    interface: Literal["public", "internal", "admin"] | None = None
    """Endpoint of Keystone to use; absent = internal."""
    ca_bundle_ref: KeyRef | None = None
    """Certificates (PEM) to trust for Keystone."""
    memcached_servers: Annotated[tuple[HostPort, ...], length(16), SET] | None = None
    """Servers (host:port) that cache validated tokens; absent = each process caches its own."""
    endpoints: Endpoints | None = None
    """The service as Keystone's catalog shows it; absent = left to others."""
    admin_credentials_ref: CloudRef | None = None
    """Administrator of the cloud; required with endpoints.manage and with quotas."""


class Trusted(Model):
    """No Keystone: who can connect says who he is. Only the clients named may connect."""

    clients: Peers | None = None
    """Pods that may connect (a NetworkPolicy keeps others out); absent = only the operator."""


class Auth(OneOf):
    """Who vouches for the users; exactly one of keystone, trusted is set."""

    one_of: ClassVar[tuple[str, ...]] = ("keystone", "trusted")

    keystone: Keystone | None = None
    """Users come with Keystone's tokens."""
    trusted: Trusted | None = None
    """No Keystone: what a client says in its headers is believed. For trials and for closed networks."""
