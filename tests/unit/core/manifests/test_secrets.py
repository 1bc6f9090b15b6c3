"""The Secrets with a GlanceAPI's files: their names, what is in them, and which of them are kept."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from tests.unit.core.config.services import SERVICES
from tests.unit.core.manifests.blueprints import blueprint

from glance_operator.core import config
from glance_operator.core.manifests import config_name, outdated, secrets

SERVICE = SERVICES["production"]
FILES = config.files(SERVICE)
OF = replace(blueprint(SERVICE), config=config_name("glance", FILES))


def test_the_files_are_in_a_secret_that_cannot_change_and_the_policy_in_one_that_can() -> None:
    fixed, policy = secrets(OF, FILES, config.policy(SERVICE))
    assert {name: base64.b64decode(text).decode() for name, text in fixed["data"].items()} == FILES
    assert (fixed["metadata"]["name"], fixed["immutable"]) == (OF.config, True)
    assert list(policy["data"]) == ["policy.yaml"]
    assert "immutable" not in policy


def test_the_pods_mount_the_files_of_that_name_and_no_others() -> None:
    with pytest.raises(ValueError, match="is not the name of these files"):
        secrets(OF, {**FILES, "glance-api.conf": "[DEFAULT]\n"}, "{}")


def test_the_running_configuration_and_the_two_newest_others_are_kept() -> None:
    found = {f"glance-config-{number}": f"2026-01-0{number}T00:00:00Z" for number in range(1, 6)}
    running_an_old_one = {**found, OF.config: "2025-01-01T00:00:00Z"}
    assert outdated(OF, running_an_old_one) == ["glance-config-1", "glance-config-2", "glance-config-3"]
    assert outdated(OF, {OF.config: "2026-01-01T00:00:00Z"}) == []
