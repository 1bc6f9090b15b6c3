"""What a look at a GlanceStore finds: the frozen view that its rules judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.core import manifests
from glance_operator.core.inputs import Found
from glance_operator.core.manifests import Blueprint
from glance_operator.core.workload import Job, Object, Pod, nothing


@dataclass(frozen=True)
class Api:
    """The GlanceAPI that the store names. stores: ids in its configuration. ending: it is being deleted itself."""

    name: str
    uid: str
    spec: GlanceAPISpec
    image: str
    stores: tuple[str, ...] = ()
    ending: bool = False


@dataclass(frozen=True)
class Memory:
    """What the object's own status remembers: the configuration that was proven, and how it went."""

    was_ready: bool = False
    usable: bool = False
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Residents:
    """Images with data in the store: how many, and the names of some."""

    count: int = 0
    some: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything a rule may know. api: None if it does not exist. found: content of the Secrets and ConfigMaps named.

    images: those with data here, None when nobody could be asked. proof: set by `decide` once all of it is there.
    elder: an older GlanceStore of the same service that has this one's id.
    """

    spec: GlanceStoreSpec
    namespace: str
    name: str
    uid: str
    generation: int
    now: datetime
    api: Api | None = None
    memory: Memory = field(default_factory=Memory)
    finalized: bool = False
    deleted: bool = False
    found: Found = field(default_factory=dict, repr=False)
    pods: tuple[Pod, ...] = ()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    images: Residents | None = None
    in_place: Callable[[Object], bool] = nothing
    proof: Proof | None = None
    elder: str = ""

    @property
    def store_id(self) -> str:
        return self.spec.store_id or self.name

    @property
    def configured(self) -> bool:
        """Whether it is in the configuration of its service."""
        return self.api is not None and self.store_id in self.api.stores and not self.elder


@dataclass(frozen=True)
class Proof:
    """A configuration with this store alone, and the job that uses it."""

    hash: str
    of: Blueprint
    files: Mapping[str, str] = field(repr=False)

    @property
    def objects(self) -> tuple[Object, ...]:
        return manifests.proof_secret(self.of, self.files), manifests.probe_job(self.of)
