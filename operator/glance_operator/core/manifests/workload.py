"""The StatefulSet, and what keeps it running while nodes come and go."""

from __future__ import annotations

from collections.abc import Iterator

from glance_operator.core.manifests import pods
from glance_operator.core.manifests.plan import Blueprint, Object, given, owned, selector

SETTLING = 5  # seconds in which everybody learns that a new pod serves, before the next old one goes


def account(of: Blueprint) -> Object:
    """The ServiceAccount of all pods; it may do nothing, and its token is mounted nowhere."""
    return owned(of, "ServiceAccount", "v1", of.name, automountServiceAccountToken=False)


def objects(of: Blueprint) -> Iterator[Object]:
    if of.spec.replicas > 1 or of.spec.pod_disruption_budget:
        yield _budget(of)
    yield _stateful_set(of)


def _stateful_set(of: Blueprint) -> Object:
    """Without claim templates, which nobody can change: a store more must not cost the service its pods."""
    spec = {
        "serviceName": of.pods,
        "replicas": of.spec.replicas,
        "podManagementPolicy": "Parallel",
        "minReadySeconds": SETTLING,
        "selector": {"matchLabels": selector(of)},
        "template": pods.template(of),
    }
    return owned(of, "StatefulSet", "apps/v1", of.name, spec=spec)


def _budget(of: Blueprint) -> Object:
    wanted = of.spec.pod_disruption_budget
    least, most = (wanted.min_available, wanted.max_unavailable) if wanted else (None, 1)
    spec = {"selector": {"matchLabels": selector(of)}, "minAvailable": least, "maxUnavailable": most}
    return owned(of, "PodDisruptionBudget", "policy/v1", of.name, spec=given(spec))
