"""How a GlanceAPI becomes the address of a cloud, and whom the operator trusts for it."""

from __future__ import annotations

import base64
from typing import Any, cast

import certifi
import pytest
from tests.unit.core.issuing import chain

from glance_operator.runtime.apis import SERVICE, ApiReader
from glance_operator.runtime.errors import Unavailable
from glance_operator.runtime.inputs import Inputs
from glance_operator.runtime.objects import Objects
from glance_operator.runtime.store import Key, Store

KEY = Key(SERVICE, "images", "glance")
URL = "https://glance.images.svc.cluster.local:9292"
KEYSTONE = {"authURL": "https://keystone.example.org/v3", "credentialsSecretRef": {"name": "who"}}
BUNDLE = {"caBundleRef": {"kind": "Secret", "name": "corp", "key": "ca.crt"}}
WHO = {"username": "u", "password": "p", "project_name": "s"}
ITSELF = chain(issuer="").strip()
PUBLIC = certifi.contents().strip()


def reader(auth: dict[str, Any], web: dict[str, str]) -> ApiReader:
    secrets = {"who": WHO, "corp": {"ca.crt": "CORP"}, "web": {"tls.key": "KEY", **web}}

    class Secrets:
        def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
            data = {key: base64.b64encode(text.encode()).decode() for key, text in secrets[name].items()}
            return {"kind": kind, "data": data}

    store = Store()
    meta = {"name": "glance", "namespace": "images", "uid": "6f0c1b9e-0000-4000-8000-000000000000"}
    database = {"connectionSecretRef": {"name": "web", "key": "tls.key"}}
    body = {
        "kind": SERVICE,
        "metadata": {**meta, "resourceVersion": "1", "generation": 1},
        "spec": {"database": database, "auth": auth, **({"tls": {"secretName": "web"}} if web else {})},
        "status": {"endpoint": URL, "readyReplicas": 1},
    }
    store.put(KEY, body)
    return ApiReader(store, Inputs(cast("Objects", Secrets())))


@pytest.mark.parametrize(
    ("auth", "web", "trusted"),
    [
        ({"trusted": {}}, {}, []),
        ({"trusted": {}}, {"tls.crt": "x", "ca.crt": "OWN"}, ["OWN"]),
        ({"trusted": {}}, {"tls.crt": ITSELF}, [ITSELF]),
        ({"trusted": {}}, {"tls.crt": chain()}, []),
        ({"keystone": {**KEYSTONE, **BUNDLE}}, {}, ["CORP"]),
        ({"keystone": {**KEYSTONE, **BUNDLE}}, {"tls.crt": "x", "ca.crt": "OWN"}, ["CORP", "OWN"]),
        ({"keystone": KEYSTONE}, {"tls.crt": "x", "ca.crt": "OWN"}, [PUBLIC, "OWN"]),
        ({"keystone": KEYSTONE}, {"tls.crt": chain()}, []),
    ],
)
def test_one_file_of_authorities_for_keystone_and_the_service(
    auth: dict[str, Any], web: dict[str, str], trusted: list[str]
) -> None:
    found = reader(auth, web).read("images", SERVICE, "glance")
    assert found.settings["image_endpoint_override"] == URL
    assert found.ca.decode().split() == "\n".join(trusted).split()


def test_without_its_certificate_it_is_not_asked() -> None:
    with pytest.raises(Unavailable, match=r"Secret web .*has no key tls.crt"):
        reader({"trusted": {}}, {"ca.crt": "OWN"}).read("images", SERVICE, "glance")
