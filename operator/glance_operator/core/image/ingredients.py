"""What a transfer reads in the namespace of its Image: credentials, certificates, keys, a volume; and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from glance_operator.api.base import GROUP
from glance_operator.api.image import ImageSpec
from glance_operator.core import inputs
from glance_operator.core.image.observed import View
from glance_operator.core.inputs import Input

AUTH, CA, KEYRING, VOLUME = "auth", "ca", "keyring", "volume"  # words by which they are known, and mounted
CLAIM = "PersistentVolumeClaim"
OFFERED = f"{GROUP}/image-source"  # label of a claim whose files Images may read
# By the type of the Secret, the keys that are needed. No other type is taken: whoever may write Images could otherwise
# send any Secret of the namespace to a server of his own.
KEYS = {"kubernetes.io/basic-auth": ("username", "password"), f"{GROUP}/source-auth": ("header",)}


def of(spec: ImageSpec) -> list[Input]:
    """All that the source names; of credentials the keys depend on the Secret's type."""
    return [*_http(spec), *_keyring(spec), *_pvc(spec)]


def missing(view: View) -> str:
    """What has to be brought, in words; empty when all is there."""
    found = {source: dict.fromkeys(given.keys, "there") if given else None for source, given in view.given.items()}
    return inputs.missing([*of(view.spec), *_credentials(view)], found)


def unsuitable(view: View) -> str:
    """What is there and may not be used, and what to do; empty if nothing is."""
    for one in of(view.spec):
        given = view.given.get(one.source)
        if given is None:
            continue
        if one.word == AUTH and given.type not in KEYS:
            wanted = " or ".join(KEYS)
            return (
                f"Secret {one.name} ({one.field}) is of type {given.type}: use {wanted}, nothing else is sent anywhere"
            )
        if one.word == VOLUME and not given.offered:
            return f'{CLAIM} {one.name} ({one.field}) is not offered to Images: set its label {OFFERED}: "true"'
    return ""


def secret_type(view: View) -> str:
    """Of the Secret with the credentials; empty without one."""
    given = next((view.given.get(one.source) for one in of(view.spec) if one.word == AUTH), None)
    return given.type if given else ""


def _credentials(view: View) -> Iterator[Input]:
    """The keys that a Secret of its type has to have."""
    for one in of(view.spec):
        for key in KEYS.get(secret_type(view), ()) if one.word == AUTH else ():
            yield Input(one.word, one.kind, one.name, one.field, key)


def _http(spec: ImageSpec) -> Iterator[Input]:
    http = spec.source.http if spec.source else None
    if http and http.auth_secret_ref:
        yield Input(AUTH, "Secret", http.auth_secret_ref.name, "spec.source.http.authSecretRef")
    if http and (ca := http.ca_bundle_ref):
        yield Input(CA, ca.kind, ca.name, "spec.source.http.caBundleRef", ca.key)


def _keyring(spec: ImageSpec) -> Iterator[Input]:
    checksum = spec.source.checksum if spec.source else None
    if checksum and checksum.manifest and (ref := checksum.manifest.keyring_ref):
        yield Input(KEYRING, ref.kind, ref.name, "spec.source.checksum.manifest.keyringRef", ref.key)


def _pvc(spec: ImageSpec) -> Iterator[Input]:
    if spec.source and (pvc := spec.source.pvc):
        yield Input(VOLUME, CLAIM, pvc.claim_name, "spec.source.pvc.claimName")
