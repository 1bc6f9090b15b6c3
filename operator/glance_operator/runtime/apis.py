"""From a GlanceAPI to a cloud: where it serves, and who the operator is to it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import certifi

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glanceapi.connections import Keystone
from glance_operator.core import certificates, inputs
from glance_operator.core.conditions import find
from glance_operator.core.config.identity import IncompleteCredentialsError, credentials_of
from glance_operator.core.glanceapi.cautions import ROLES
from glance_operator.core.image.observed import Cause
from glance_operator.core.plan import Phase, State
from glance_operator.runtime.credentials import Credentials
from glance_operator.runtime.errors import Invalid, Unavailable
from glance_operator.runtime.inputs import Inputs
from glance_operator.runtime.parsing import parsed
from glance_operator.runtime.store import Body, Key, Store

SERVICE = "GlanceAPI"  # in the place of a Secret's name: none can have capitals


class Reader(Protocol):
    """Who says how to reach a cloud. `read` raises Unavailable; the others put forward when it looks again."""

    def read(self, namespace: str, source: str, name: str) -> Credentials: ...
    def reread_now(self, namespace: str, source: str) -> None: ...
    def reread_soon(self, namespace: str, source: str) -> None: ...


class ApiReader:
    """Reads GlanceAPIs of this cluster, and the Secrets of those with Keystone."""

    def __init__(self, store: Store, given: Inputs) -> None:
        self._store, self._inputs = store, given

    def read(self, namespace: str, source: str, name: str) -> Credentials:  # noqa: ARG002
        body = self._store.get(Key(SERVICE, namespace, name))
        if body is None:
            raise _trouble("APINotFound", f"GlanceAPI {name} (spec.glanceAPIRef) does not exist", Cause.MISSING)
        status = body.get("status") or {}
        if not (status.get("endpoint") and status.get("readyReplicas")):
            ready = find(status.get("conditions") or (), "Ready")
            words = f"{ready.get('reason', 'Pending')}: {ready.get('message', '')}".removesuffix(": ")
            raise _trouble("APINotReady", f"GlanceAPI {name} does not serve yet ({words})", Cause.OUTAGE)
        try:
            entry, ca = self._entry(namespace, name, body, status["endpoint"])
        except (Invalid, IncompleteCredentialsError) as error:
            raise _trouble("APINotReady", f"GlanceAPI {name} cannot be used: {error}", Cause.INVALID) from error
        return Credentials(hashlib.sha256(repr((entry, ca)).encode()).hexdigest(), entry, ca)

    def reread_now(self, namespace: str, source: str) -> None:
        """Nothing is kept here."""

    def reread_soon(self, namespace: str, source: str) -> None:
        """Nothing is kept here."""

    def _entry(self, namespace: str, name: str, body: Body, endpoint: str) -> tuple[dict[str, Any], bytes]:
        spec = parsed(GlanceAPISpec, body)
        wanted = inputs.of_auth(spec)  # what else the service needs it has, as it serves
        found = self._inputs.read(namespace, wanted)
        if words := inputs.missing(wanted, found):
            raise _trouble("APINotReady", f"GlanceAPI {name}: {words}", Cause.OUTAGE)
        told = inputs.values(wanted, found)
        address = {"image_endpoint_override": endpoint}
        ca = _authorities(spec, told)
        if keystone := spec.auth.keystone:
            return {**address, **_keystone(keystone, told)}, ca
        return {**address, "auth_type": "none", "trusted_headers": _headers(body)}, ca


def _authorities(spec: GlanceAPISpec, told: Mapping[str, str]) -> bytes:
    """Whom to trust for Keystone and for the service: one file for both. Empty: the public ones are enough."""
    own = (told["tls.ca"] or certificates.roots(told["tls.crt"])) if spec.tls else ""
    keystone = told.get("keystone.ca", "")
    if own and spec.auth.keystone and not keystone:
        keystone = Path(certifi.where()).read_text()
    return "\n".join(filter(None, (keystone, own))).encode()


def _keystone(keystone: Keystone, secret: Mapping[str, str]) -> dict[str, Any]:
    auth = credentials_of(secret)
    return {
        "auth_type": auth.pop("auth_type"),
        "auth": {"auth_url": keystone.auth_url, **auth},
        **({"region_name": keystone.region} if keystone.region else {}),
    }


def _headers(body: Body) -> dict[str, str]:
    """Who we say we are; the project is the same for all that this service ever gets from us."""
    return {
        "X-Identity-Status": "Confirmed",
        "X-User-Id": "glance-operator",
        "X-Project-Id": uuid.uuid5(uuid.UUID(body["metadata"]["uid"]), "project").hex,
        "X-Roles": ",".join(ROLES),
    }


class Readers:
    """Both ways to a cloud, told apart by the source."""

    def __init__(self, secrets: Reader, apis: Reader) -> None:
        self._secrets, self._apis = secrets, apis

    def read(self, namespace: str, source: str, name: str) -> Credentials:
        return self._of(source).read(namespace, source, name)

    def reread_now(self, namespace: str, source: str) -> None:
        self._of(source).reread_now(namespace, source)

    def reread_soon(self, namespace: str, source: str) -> None:
        self._of(source).reread_soon(namespace, source)

    def _of(self, source: str) -> Reader:
        return self._apis if source == SERVICE else self._secrets


def _trouble(reason: str, message: str, cause: Cause) -> Unavailable:
    return Unavailable(State(Phase.WORKING, reason, message), cause)
