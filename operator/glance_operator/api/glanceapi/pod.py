"""The pods of a GlanceAPI. Parts that are Kubernetes' own are passed on as they are and judged by the API server."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict

from glance_operator.api.base import Annotations, Labels, Line, Model, Name, OneOf, length, within
from glance_operator.api.cel import INT_OR_STRING, KEYED, OPEN, ORDERED, Rule, keys
from glance_operator.api.glanceapi.network import Open


class Named(Model):
    """A part of Kubernetes' own, told apart by its name."""

    model_config = ConfigDict(extra="allow")

    name: Line
    """Its name, unique in the list."""


class VolumeMount(Model):
    """A VolumeMount of Kubernetes, told apart by its path."""

    model_config = ConfigDict(extra="allow")

    mount_path: Line
    """Path in the container, unique in the list."""


NamedList = Annotated[tuple[Annotated[Named, OPEN], ...], length(64), KEYED, keys("name")]
Mounts = Annotated[tuple[Annotated[VolumeMount, OPEN], ...], length(64), KEYED, keys("mountPath")]
Opens = Annotated[tuple[Open, ...], length(64), ORDERED]


class Probes(Model):
    """Probes of the container glance-api (each a Probe of Kubernetes), laid over the operator's own."""

    startup: Open | None = None
    """When it has started."""
    liveness: Open | None = None
    """When it must be restarted."""
    readiness: Open | None = None
    """When it gets requests."""


class Pod(Model):
    """Additions to the pods; what the operator sets itself cannot be taken away by them."""

    labels: Labels | None = None
    """Further labels of the pods."""
    annotations: Annotations | None = None
    """Further annotations of the pods."""
    resources: Open | None = None
    """Requests and limits of the container glance-api (ResourceRequirements)."""
    node_selector: Labels | None = None
    """Labels of the nodes that may run the pods."""
    tolerations: Opens | None = None
    """Taints that the pods tolerate (Toleration)."""
    affinity: Open | None = None
    """Rules for the choice of nodes (Affinity); absent = replicas keep apart where they can."""
    topology_spread_constraints: Opens | None = None
    """How the pods spread (TopologySpreadConstraint)."""
    priority_class_name: Name | None = None
    """PriorityClass of the pods."""
    runtime_class_name: Name | None = None
    """RuntimeClass of the pods."""
    security_context: Open | None = None
    """Security context of the pods (PodSecurityContext), laid over the operator's own."""
    env: NamedList | None = None
    """Further environment of the container glance-api and of jobs (EnvVar)."""
    volumes: NamedList | None = None
    """Further volumes, of jobs too (Volume)."""
    volume_mounts: Mounts | None = None
    """Further mounts of the container glance-api and of jobs (VolumeMount)."""
    containers: NamedList | None = None
    """Further containers beside glance-api (Container)."""
    probes: Probes | None = None
    """Probes of the container glance-api, laid over the operator's own."""


IntOrPercent = Annotated[
    int | str,
    INT_OR_STRING,
    Rule(
        "type(self) == int ? self >= 0 : self.matches('^[0-9]{1,3}%$')",
        "must be a number that is not negative, or a percentage such as 50%",
    ),
]


class PodDisruptionBudget(OneOf):
    """What a drain of nodes leaves running; exactly one of minAvailable, maxUnavailable is set."""

    one_of: ClassVar[tuple[str, ...]] = ("minAvailable", "maxUnavailable")

    min_available: IntOrPercent | None = None
    """Pods that stay, as a number or a percentage."""
    max_unavailable: IntOrPercent | None = None
    """Pods that may go at once, as a number or a percentage."""


class Server(Model):
    """Processes and threads in each pod."""

    processes: Annotated[int, within(1, 64)] | None = None
    """API processes; absent = 1. Each runs its own imports."""
    threads: Annotated[int, within(1, 1024)] | None = None
    """Requests that a process serves at once; absent = 32."""
    import_threads: Annotated[int, within(1, 1024)] | None = None
    """Imports that a process runs at once; absent = 16."""
