"""What a look at a GlanceAPI finds: the frozen view that its rules judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.core.config.server import PORT
from glance_operator.core.inputs import Found
from glance_operator.core.manifests import Record
from glance_operator.core.workload import Job, Object, Pod, Workload, nothing


@dataclass(frozen=True, slots=True)
class Member:
    """A GlanceStore that names this GlanceAPI. usable: its probe has passed; deleted: somebody wants it gone;

    empty: no image has data there, as was found out after that. probing: whether it can be used is being found out.
    """

    name: str
    id: str
    spec: GlanceStoreSpec
    usable: bool = False
    deleted: bool = False
    empty: bool = False
    probing: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What the object's own status remembers: whether others know where it serves, ids of the stores in the
    configuration, versions that its jobs told."""

    was_ready: bool = False
    serving: bool = False
    stores: tuple[str, ...] = ()
    release: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Care:
    """What this process remembers of one pod's cache: when it is to be tended next, and what was wrong last time."""

    due: datetime
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything a rule may know. image: of Glance, resolved. found: content of the Secrets and ConfigMaps named.

    record: what the policy's Secret remembers. in_place(object): whether exactly this was applied lately. dependents:
    objects of ours that are being deleted and need the service for it, as kind and name. care: by uid of the pod.
    """

    spec: GlanceAPISpec
    namespace: str
    name: str
    uid: str
    generation: int
    now: datetime
    image: str = ""
    memory: Memory = field(default_factory=Memory)
    finalized: bool = False
    deleted: bool = False
    members: tuple[Member, ...] = ()
    found: Found = field(default_factory=dict, repr=False)
    workload: Workload | None = None
    pods: tuple[Pod, ...] = ()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    dependents: tuple[str, ...] = ()
    record: Record = field(default_factory=Record)
    operator: Mapping[str, Any] = field(default_factory=dict)
    care: Mapping[str, Care] = field(default_factory=dict)
    in_place: Callable[[Object], bool] = nothing

    def pods_of(self, component: str) -> list[Pod]:
        return [pod for pod in self.pods if pod.component == component]

    def url_of(self, pod: Pod) -> str:
        """Its own address: the headless Service gives it a name."""
        scheme = "https" if self.spec.tls else "http"
        return f"{scheme}://{pod.name}.{self.name}-pods.{self.namespace}.svc.cluster.local:{PORT}"
