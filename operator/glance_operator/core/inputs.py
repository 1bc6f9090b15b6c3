"""Which Secrets and ConfigMaps a spec names, where it names them, and what is said of those that are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.api.glancestore.drivers import S3, File, Nfs, Rbd, Swift

Source = tuple[str, str]  # kind (Secret or ConfigMap) and name, in the object's own namespace
Found = Mapping[Source, Mapping[str, str] | None]


@dataclass(frozen=True, slots=True)
class Input:
    """A key of a Secret or ConfigMap (key "" = all of them), known by ``word`` and named by ``field`` of the spec.

    optional: the key may be absent.
    """

    word: str
    kind: str
    name: str
    field: str
    key: str = ""
    optional: bool = False

    @property
    def source(self) -> Source:
        return self.kind, self.name


def of_api(spec: GlanceAPISpec) -> list[Input]:
    """What the configuration of a GlanceAPI is made of, its stores apart."""
    return [*_database(spec), *_keystone(spec), *_bus(spec), *_tls(spec)]


def of_auth(spec: GlanceAPISpec) -> list[Input]:
    """The part of it that tells Keystone who Glance is, and others that it is Glance whom they ask."""
    return [*_keystone(spec), *_tls(spec)]


def of_store(spec: GlanceStoreSpec) -> list[Input]:
    """What the driver of a store needs, by the words of `core.config.stores`."""
    where = f"spec.{spec.type}"
    match getattr(spec, spec.type):
        case Rbd() as rbd:
            return list(_rbd(rbd, where))
        case Swift(credentials_secret_ref=ref) if ref:
            return [Input("", "Secret", ref.name, f"{where}.credentialsSecretRef")]
        case S3() as s3:
            return list(_s3(s3, where))
        case File() | Nfs() | Swift():
            return []
        case other:
            raise AssertionError(f"no such driver: {other!r}")


def missing(inputs: list[Input], found: Found) -> str:
    """What has to be brought, in words; empty when all is there."""
    return "; ".join(dict.fromkeys(words for one in inputs if (words := _missing(one, found))))


def values(inputs: list[Input], found: Found) -> dict[str, str]:
    """Word -> text; what is taken whole brings its own words."""
    told: dict[str, str] = {}
    for one in inputs:
        data = found.get(one.source) or {}
        told |= {one.word: data.get(one.key, "").strip()} if one.key else data
    return told


def _missing(one: Input, found: Found) -> str:
    data = found.get(one.source)
    if data is None:
        return f"{one.kind} {one.name} ({one.field}) does not exist"
    if one.key and not one.optional and not data.get(one.key, "").strip():
        return f"{one.kind} {one.name} ({one.field}) has no key {one.key} (it has: {', '.join(sorted(data)) or 'none'})"
    return ""


def _database(spec: GlanceAPISpec) -> Iterator[Input]:
    if ref := spec.database.connection_secret_ref:
        yield Input("connection", "Secret", ref.name, "spec.database.connectionSecretRef", ref.key)
    if ca := spec.database.ca_bundle_ref:
        yield Input("database.ca", ca.kind, ca.name, "spec.database.caBundleRef", ca.key)


def _keystone(spec: GlanceAPISpec) -> Iterator[Input]:
    if keystone := spec.auth.keystone:
        where = "spec.auth.keystone"
        yield Input("", "Secret", keystone.credentials_secret_ref.name, f"{where}.credentialsSecretRef")
        if ca := keystone.ca_bundle_ref:
            yield Input("keystone.ca", ca.kind, ca.name, f"{where}.caBundleRef", ca.key)


def _bus(spec: GlanceAPISpec) -> Iterator[Input]:
    if spec.notifications:
        ref = spec.notifications.transport_url_secret_ref
        yield Input("transport", "Secret", ref.name, "spec.notifications.transportURLSecretRef", ref.key)


def _tls(spec: GlanceAPISpec) -> Iterator[Input]:
    if spec.tls:
        where = "Secret", spec.tls.secret_name, "spec.tls.secretName"
        yield Input("tls.crt", *where, "tls.crt")
        yield Input("tls.key", *where, "tls.key")
        yield Input("tls.ca", *where, "ca.crt", optional=True)


def _rbd(rbd: Rbd, where: str) -> Iterator[Input]:
    keyring = rbd.keyring_secret_ref
    yield Input("keyring", "Secret", keyring.name, f"{where}.keyringSecretRef", keyring.key)
    if conf := rbd.ceph_conf_ref:
        yield Input("ceph.conf", conf.kind, conf.name, f"{where}.cephConfRef", conf.key)


def _s3(s3: S3, where: str) -> Iterator[Input]:
    for word in ("access_key", "secret_key"):
        yield Input(word, "Secret", s3.credentials_secret_ref.name, f"{where}.credentialsSecretRef", word)
    if ca := s3.ca_bundle_ref:
        yield Input("ca", ca.kind, ca.name, f"{where}.caBundleRef", ca.key)
