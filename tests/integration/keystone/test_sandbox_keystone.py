"""The sandbox's Keystone, and a Glance that asks it."""

import requests
from tests.support import eventually

from sandbox_kit.glance import Glance
from sandbox_kit.keystone import OPERATOR_PASSWORD, Keystone


def test_keystone_says_who_may_use_glance(keystone: Keystone, keystone_glance: Glance) -> None:
    url = f"{keystone_glance.url}/v2/images"
    assert requests.get(url, headers=keystone_glance.trusted_headers(), timeout=30).status_code == 401
    token = keystone.token("operator", OPERATOR_PASSWORD, "images")
    assert requests.get(url, headers={"X-Auth-Token": token}, timeout=30).status_code == 200


def test_tokens_expire_when_asked_to(keystone: Keystone, keystone_glance: Glance) -> None:
    def use(token: str) -> int:
        return requests.get(f"{keystone_glance.url}/v2/images", headers={"X-Auth-Token": token}, timeout=30).status_code

    keystone.configure(token_seconds=3)
    keystone.restart()
    try:
        token = keystone.token("operator", OPERATOR_PASSWORD, "images")
        assert use(token) == 200
        eventually(lambda: use(token) == 401, timeout=20, interval=0.5)
    finally:
        keystone.configure(token_seconds=3600)
        keystone.restart()
