"""The Secrets that the pods mount: the configuration, which never changes, and the policy, which may."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from glance_operator.core import config
from glance_operator.core.manifests.plan import Blueprint, Object, owned

KEPT = 3  # configurations: the running one, and two to look at or to go back to


def config_name(api: str, files: Mapping[str, str]) -> str:
    """Another one with each byte that changes: a pod that starts again starts as it did before."""
    return f"{api}-config-{config.digest(files)}"


def secrets(of: Blueprint, files: Mapping[str, str], policy: str) -> list[Object]:
    """Both, the policy last. Raises ValueError when `files` are not those that the pods would mount."""
    if of.config != config_name(of.name, files):
        raise ValueError(f"{of.config} is not the name of these files")
    data, rules = _encoded(files), _encoded({"policy.yaml": policy})
    return [
        owned(of, "Secret", "v1", of.config, "config", type="Opaque", immutable=True, data=data),
        owned(of, "Secret", "v1", of.policy, "config", type="Opaque", data=rules),
    ]


def proof_secret(of: Blueprint, files: Mapping[str, str]) -> Object:
    """What the probe of a store reads."""
    return owned(of, "Secret", "v1", of.config, "probe", type="Opaque", immutable=True, data=_encoded(files))


def outdated(of: Blueprint, found: Mapping[str, str]) -> list[str]:
    """Names of configurations to delete. found: name -> creationTimestamp of all that this GlanceAPI has."""
    newest = sorted(found, key=lambda name: (found[name], name), reverse=True)
    return sorted(set(newest) - {of.config, *[name for name in newest if name != of.config][: KEPT - 1]})


def _encoded(files: Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(text.encode()).decode() for name, text in sorted(files.items())}
