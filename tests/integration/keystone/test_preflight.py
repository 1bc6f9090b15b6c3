"""The proof of a service's configuration asks a real Keystone whether it takes Glance's credentials."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.test_proofs import pod_below, preflight

from sandbox_kit import environment
from sandbox_kit.keystone import GLANCE_PASSWORD, REGION, Keystone

OWN = {"username": "glance", "password": GLANCE_PASSWORD, "project_name": "service"}
WRONG = "an0ther-password"


def proven(keystone: Keystone, root: Path, credentials: dict[str, str]) -> tuple[int, str]:
    auth = {"authURL": keystone.url, "credentialsSecretRef": {"name": "glance-keystone"}, "region": REGION}
    return preflight(pod_below(root, environment.ensure()), keystone=credentials, auth={"keystone": auth})


def test_credentials_that_keystone_takes_pass(keystone: Keystone, tmp_path: Path) -> None:
    code, words = proven(keystone, tmp_path, OWN)
    assert (code, "release" in json.loads(words)) == (0, True), words


def test_credentials_that_keystone_does_not_take_are_told_without_the_password(
    keystone: Keystone, tmp_path: Path
) -> None:
    code, words = proven(keystone, tmp_path, {**OWN, "password": WRONG})
    assert code == 1, words
    assert "Keystone does not take Glance's credentials" in words
    assert WRONG not in words
