"""The Kubernetes objects of a GlanceAPI: pure, the same for the same spec, nothing of them outside its namespace."""

from __future__ import annotations

from glance_operator.core.manifests import jobs, network, storage, workload
from glance_operator.core.manifests.jobs import (
    DATABASE,
    HOUSEKEEPING,
    METADEFS,
    OURS,
    check_job,
    database_job,
    database_name,
    metadefs_job,
    names,
    phases,
    preflight_job,
    preflight_name,
    probe_job,
    schema_job,
    schema_of,
)
from glance_operator.core.manifests.plan import Blueprint, Object
from glance_operator.core.manifests.secrets import (
    KEPT,
    Record,
    config_name,
    config_secret,
    kept,
    policy_secret,
    proof_secret,
)

__all__ = [
    "DATABASE",
    "HOUSEKEEPING",
    "KEPT",
    "METADEFS",
    "OURS",
    "Blueprint",
    "Object",
    "Record",
    "check_job",
    "config_name",
    "config_secret",
    "database_job",
    "database_name",
    "extras",
    "foundations",
    "kept",
    "metadefs_job",
    "names",
    "objects",
    "phases",
    "policy_secret",
    "preflight_job",
    "preflight_name",
    "probe_job",
    "proof_secret",
    "schema_job",
    "schema_of",
]


# What a spec may have asked for once, and does not any more. A claim is data, and stays.
_OPTIONAL = ("CronJob", "Ingress", "NetworkPolicy", "PodDisruptionBudget")


def extras(of: Blueprint) -> tuple[str, ...]:
    """Those that are wanted now, as kind/name."""
    found = [(one["kind"], one["metadata"]["name"]) for one in objects(of)]
    return tuple(sorted(f"{kind}/{name}" for kind, name in found if kind in _OPTIONAL))


def foundations(of: Blueprint) -> list[Object]:
    """What jobs need, too: the claims, and an account without rights."""
    return [*storage.objects(of), workload.account(of)]


def objects(of: Blueprint) -> list[Object]:
    """All that stays, in the order in which it is applied; Secrets and the jobs of a migration apart."""
    regular = [purge] if (purge := jobs.purge(of)) else []
    return [*foundations(of), *network.objects(of), *regular, *workload.objects(of)]
