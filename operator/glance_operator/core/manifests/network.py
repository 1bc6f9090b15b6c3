"""How the pods are reached, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from glance_operator.api.glanceapi.network import Ingress, Peer, Service
from glance_operator.core.config.server import PORT
from glance_operator.core.manifests.plan import PORT_NAME, TRANSFERS, Blueprint, Object, given, owned, selector


def objects(of: Blueprint) -> Iterator[Object]:
    yield _headless(of)
    yield _service(of)
    if of.spec.ingress:
        yield _ingress(of, of.spec.ingress)
    if of.spec.network_policy or of.spec.auth.trusted:
        yield _network_policy(of)


def _headless(of: Blueprint) -> Object:
    """A name for each pod, also while it is not ready: others ask it for what it has staged."""
    ports = [{"name": PORT_NAME, "port": PORT, "targetPort": PORT_NAME}]
    spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": selector(of), "ports": ports}
    return owned(of, "Service", "v1", of.pods, spec=spec)


def _service(of: Blueprint) -> Object:
    wanted = of.spec.service or Service()
    port = {"name": PORT_NAME, "port": wanted.port, "targetPort": PORT_NAME, "nodePort": wanted.node_port}
    spec = {"type": wanted.type, "selector": selector(of), "ports": [given(port)]}
    return owned(of, "Service", "v1", of.name, annotations=wanted.annotations, spec=spec)


def _ingress(of: Blueprint, wanted: Ingress) -> Object:
    backend = {"service": {"name": of.name, "port": {"name": PORT_NAME}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    tls = [{"hosts": [wanted.host], "secretName": wanted.tls_secret_name}] if wanted.tls_secret_name else None
    rules = [{"host": wanted.host, "http": {"paths": [path]}}]
    spec = given({"ingressClassName": wanted.class_name, "tls": tls, "rules": rules})
    return owned(of, "Ingress", "networking.k8s.io/v1", of.name, annotations=wanted.annotations, spec=spec)


def _network_policy(of: Blueprint) -> Object:
    """Lets in the pods themselves, the operator, its transfers, and those named; where none are named: all of the
    namespace.

    With `trusted`, where who connects may be anybody, none named means none.
    """
    trusted, policy = of.spec.auth.trusted, of.spec.network_policy
    named = [*((trusted and trusted.clients) or ()), *((policy and policy.clients) or ())]
    everybody: list[Object] = [{"podSelector": {}}]
    peers = [_peer(one) for one in named] or ([] if trusted else everybody)
    own: list[Object] = [{"podSelector": {"matchLabels": labels}} for labels in (selector(of), TRANSFERS)]
    operator = [dict(of.operator)] if of.operator else []
    ingress = [{"ports": [{"port": PORT_NAME, "protocol": "TCP"}], "from": [*own, *operator, *peers]}]
    spec = {"podSelector": {"matchLabels": selector(of)}, "policyTypes": ["Ingress"], "ingress": ingress}
    return owned(of, "NetworkPolicy", "networking.k8s.io/v1", of.name, spec=spec)


def _peer(peer: Peer) -> dict[str, Any]:
    return given({"podSelector": peer.pod_selector, "namespaceSelector": peer.namespace_selector})
