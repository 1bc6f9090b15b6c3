"""How a GlanceAPI is reached, and by whom."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from glance_operator.api.base import Annotations, Line, Model, Name, SecretKeyRef, length, line, within
from glance_operator.api.cel import OPEN, ORDERED, Rule

Open = Annotated[dict[str, Any], OPEN]


class Peer(Model):
    """Pods that may connect."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.podSelector) || has(self.namespaceSelector)",
            "podSelector or namespaceSelector must be set: an empty peer would let everybody in",
        ),
    )

    pod_selector: Open | None = None
    """Labels of the pods (a LabelSelector); absent = every pod of the namespaces."""
    namespace_selector: Open | None = None
    """Labels of their namespaces (a LabelSelector); absent = the same namespace."""


Peers = Annotated[tuple[Peer, ...], length(32), ORDERED]


class NetworkPolicy(Model):
    """A NetworkPolicy for the API's port."""

    clients: Peers | None = None
    """Pods that may connect; absent = every pod of the same namespace."""


class Service(Model):
    """The Service in front of the pods."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.nodePort) || self.type != 'ClusterIP'",
            "nodePort needs type NodePort or LoadBalancer",
            field="nodePort",
        ),
    )

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    """Kind of the Service."""
    port: Annotated[int, within(1, 65535)] = 9292
    """Port of the Service."""
    node_port: Annotated[int, within(1, 65535)] | None = None
    """Port on every node; absent = Kubernetes chooses."""
    annotations: Annotations | None = None
    """Annotations of the Service, as load balancers read them."""


class Ingress(Model):
    """An Ingress for users outside the cluster."""

    class_name: Name | None = None
    """IngressClass; absent = the cluster's default."""
    host: Annotated[str, line(253, pattern=r"^(\*\.)?[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")]
    """Host name that users call."""
    tls_secret_name: Name | None = None
    """Secret of type kubernetes.io/tls; absent = plain http."""
    annotations: Annotations | None = None
    """Annotations of the Ingress; a limit of the body size belongs here."""


class Tls(Model):
    """TLS served by the pods themselves."""

    secret_name: Name
    """Secret of type kubernetes.io/tls (tls.crt, tls.key, and ca.crt where the authority is not a public one). The
    certificate must be valid for NAME.NAMESPACE.svc.cluster.local and *.NAME-pods.NAMESPACE.svc.cluster.local. When it
    is renewed the pods are replaced, one by one."""


class Notifications(Model):
    """Glance's notifications on a message bus."""

    transport_url_secret_ref: SecretKeyRef
    """Key of a Secret that holds the transport URL (rabbit://…)."""
    topics: Annotated[tuple[Line, ...], length(16, 1), ORDERED] | None = None
    """Topics to publish to; absent = notifications."""
