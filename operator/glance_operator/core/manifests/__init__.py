"""The Kubernetes objects of a GlanceAPI: pure, the same for the same spec, nothing of them outside its namespace."""

from __future__ import annotations

from glance_operator.core.manifests import jobs, network, storage, workload
from glance_operator.core.manifests.jobs import database_job
from glance_operator.core.manifests.plan import Blueprint, Object
from glance_operator.core.manifests.secrets import config_name, outdated, secrets

__all__ = ["Blueprint", "Object", "config_name", "database_job", "objects", "outdated", "secrets"]


def objects(of: Blueprint) -> list[Object]:
    """All that stays, in the order in which it is applied; Secrets and the jobs of a migration apart."""
    regular = [purge] if (purge := jobs.purge(of)) else []
    return [*storage.objects(of), *network.objects(of), *regular, *workload.objects(of)]
