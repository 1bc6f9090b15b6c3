"""The sandbox's Keystone, and a Glance that asks it."""

import requests

from sandbox_kit.glance import Glance
from sandbox_kit.keystone import OPERATOR_PASSWORD, Keystone


def test_keystone_says_who_may_use_glance(keystone: Keystone, keystone_glance: Glance) -> None:
    url = f"{keystone_glance.url}/v2/images"
    assert requests.get(url, headers=keystone_glance.trusted_headers(), timeout=30).status_code == 401
    token = keystone.token("operator", OPERATOR_PASSWORD, "images")
    assert requests.get(url, headers={"X-Auth-Token": token}, timeout=30).status_code == 200
