"""What a look at a GlanceStore finds: the frozen view that its rules judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.core import manifests
from glance_operator.core.inputs import Found
from glance_operator.core.manifests import Blueprint, proofs
from glance_operator.core.past import Past
from glance_operator.core.workload import Job, Object, Pod, nothing

_FILE_SYSTEMS = ("file", "nfs")


@dataclass(frozen=True)
class Api:
    """The GlanceAPI that the store names. stores: in its configuration, by id: the hash of what was proven of each.

    ending: it is being deleted itself.
    """

    name: str
    uid: str
    spec: GlanceAPISpec
    image: str
    stores: Mapping[str, str] = field(default_factory=dict)
    ending: bool = False


@dataclass(frozen=True)
class Memory:
    """What the object's own status remembers: the hash of what was proven last, when, and whether it can be used."""

    was_ready: bool = False
    usable: bool = False
    hash: str = ""
    proven: datetime | None = None


@dataclass(frozen=True, slots=True)
class Residents:
    """Images with data in the store: how many, the names of some, and why some do not leave a store that is drained."""

    count: int = 0
    some: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything a rule may know. api: None if it does not exist. found: content of the Secrets and ConfigMaps named.

    kept: the Secret with what was proven last is there. images: those with data here, None when nobody could be asked.
    rival: the GlanceStore that had this id before. refresh: how old the figures of a file system may be. proof: set by
    `decide` once all of it is there.
    """

    spec: GlanceStoreSpec
    namespace: str
    name: str
    uid: str
    generation: int
    now: datetime
    api: Api | None = None
    memory: Memory = field(default_factory=Memory)
    past: Past = field(default_factory=Past)
    finalized: bool = False
    deleted: bool = False
    found: Found = field(default_factory=dict, repr=False)
    kept: bool = False
    pods: tuple[Pod, ...] = ()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    images: Residents | None = None
    rival: str = ""
    refresh: timedelta = timedelta(hours=6)
    in_place: Callable[[Object], bool] = nothing
    proof: Proof | None = None

    @property
    def store_id(self) -> str:
        return self.spec.store_id or self.name

    @property
    def configured(self) -> bool:
        """Whether it is in the configuration of its service."""
        return self.api is not None and self.store_id in self.api.stores and not self.rival

    @property
    def job(self) -> Job | None:
        """That of the present proof."""
        return self.jobs.get(self.proof.name) if self.proof else None

    @property
    def known(self) -> bool:
        """What is wanted is what was proven last."""
        return self.proof is not None and self.memory.usable and self.memory.hash == self.proof.hash

    @property
    def lasting(self) -> bool:
        """Something else is wanted; the service goes on with what was proven last."""
        return self.configured and self.memory.usable and not self.known

    @property
    def superseded(self) -> str:
        """Name of the Secret with what was proven before the present proof."""
        before = self.memory.hash
        return proofs.proof_name(self.name, before) if before and self.proof and before != self.proof.hash else ""

    @property
    def has_figures(self) -> bool:
        return self.spec.type in _FILE_SYSTEMS


@dataclass(frozen=True)
class Proof:
    """A configuration with this store alone, and the job that uses it."""

    hash: str
    of: Blueprint
    files: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """Of its Secret and of its job."""
        return self.of.config

    @property
    def secret(self) -> Object:
        return manifests.proof_secret(self.of, self.files)

    @property
    def job(self) -> Object:
        return manifests.probe_job(self.of)
