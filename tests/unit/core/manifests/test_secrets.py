"""The Secrets with a GlanceAPI's files: their names, what is in them, and which of them are kept."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from tests.unit.core.config.services import SERVICES
from tests.unit.core.manifests.blueprints import blueprint

from glance_operator.core import config
from glance_operator.core.manifests import Record, config_name, config_secret, kept, policy_secret

SERVICE = SERVICES["production"]
FILES = config.files(SERVICE)
OF = replace(blueprint(SERVICE), config=config_name("glance", FILES))


def test_the_files_are_in_a_secret_that_cannot_change_and_the_policy_in_one_that_can() -> None:
    fixed, policy = config_secret(OF, FILES), policy_secret(OF, config.policy(SERVICE), Record())
    assert {name: base64.b64decode(text).decode() for name, text in fixed["data"].items()} == FILES
    assert (fixed["metadata"]["name"], fixed["immutable"]) == (OF.config, True)
    assert list(policy["data"]) == ["policy.yaml"]
    assert "immutable" not in policy


def test_the_pods_mount_the_files_of_that_name_and_no_others() -> None:
    with pytest.raises(ValueError, match="is not the name of these files"):
        config_secret(OF, {**FILES, "glance-api.conf": "[DEFAULT]\n"})


@pytest.mark.parametrize("record", [Record(), Record(("a", "b"), ("get_image",))])
def test_what_is_remembered_is_read_back(record: Record) -> None:
    assert Record.read(policy_secret(OF, "{}", record)) == record


def test_the_present_configuration_is_the_first() -> None:
    assert kept(OF, ()) == (OF.config,)
    assert kept(OF, ("a", OF.config, "b")) == (OF.config, "a", "b")
