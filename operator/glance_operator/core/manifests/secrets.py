"""The Secrets that the pods mount: the configuration, which never changes, and the policy, which may."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glance_operator.api.base import GROUP
from glance_operator.core import config
from glance_operator.core.manifests.plan import Blueprint, Object, owned

CONFIGS, RULES, EXTRAS = f"{GROUP}/configurations", f"{GROUP}/rules", f"{GROUP}/extras"
KEPT = 3  # configurations: the running one, and two to look at or to go back to


def config_name(api: str, files: Mapping[str, str]) -> str:
    """Another one with each byte that changes: a pod that starts again starts as it did before."""
    return f"{api}-config-{config.digest(files)}"


@dataclass(frozen=True)
class Record:
    """What the policy's Secret remembers beside the policy, as Secrets are never listed.

    configs: configurations that exist, the youngest first. rules: of the policy, as far back as pods may know them:
    Glance forgets none before it starts anew. extras: objects that were made and may not be wanted any more, as
    kind/name.
    """

    configs: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    @classmethod
    def read(cls, secret: Mapping[str, Any]) -> Record:
        """From the Secret as the API server gives it."""
        told = secret["metadata"].get("annotations") or {}
        return cls(*(tuple(filter(None, told.get(name, "").split(","))) for name in (CONFIGS, RULES, EXTRAS)))

    def annotations(self) -> dict[str, str]:
        return {CONFIGS: ",".join(self.configs), RULES: ",".join(self.rules), EXTRAS: ",".join(self.extras)}


def config_secret(of: Blueprint, files: Mapping[str, str]) -> Object:
    """The configuration. Raises ValueError when `files` are not those that the pods would mount."""
    if of.config != config_name(of.name, files):
        raise ValueError(f"{of.config} is not the name of these files")
    return owned(of, "Secret", "v1", of.config, "config", type="Opaque", immutable=True, data=_encoded(files))


def policy_secret(of: Blueprint, policy: str, record: Record) -> Object:
    """The policy, and what has to be remembered."""
    parts = {"type": "Opaque", "data": _encoded({"policy.yaml": policy})}
    return owned(of, "Secret", "v1", of.policy, "config", record.annotations(), **parts)


def kept(of: Blueprint, configs: Sequence[str]) -> tuple[str, ...]:
    """The present configuration before the others."""
    return of.config, *(name for name in configs if name != of.config)


def proof_secret(of: Blueprint, files: Mapping[str, str]) -> Object:
    """What the probe of a store reads."""
    return owned(of, "Secret", "v1", of.config, "probe", type="Opaque", immutable=True, data=_encoded(files))


def _encoded(files: Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(text.encode()).decode() for name, text in sorted(files.items())}
