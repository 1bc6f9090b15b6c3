"""What an Image's rules look at: the object's own past, Glance's image, its task, and what the service offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from glance_operator.api.image import ImageSpec
from glance_operator.core.image.backends import Backend
from glance_operator.core.image.caches import CacheMemory, Caches
from glance_operator.core.image.carried import Given, Proof, Transfer
from glance_operator.core.image.digests import Mismatch, Plugins
from glance_operator.core.image.others import Referred
from glance_operator.core.image.sources import Answer
from glance_operator.core.inputs import Source
from glance_operator.core.plan import State

FINALIZER = "glance-operator.io/image"

# What Glance shows beside the free properties; everything else of an image is a property somebody set.
_BASE = frozenset(
    "id name status visibility protected owner tags size virtual_size checksum created_at updated_at self file schema "
    "direct_url locations stores members disk_format container_format min_disk min_ram os_hidden".split(" ")
)
_TERMINAL = frozenset({"success", "failure"})


class Cause(Enum):
    """Why a cloud could not be asked."""

    OUTAGE = "outage"  # it does not answer, or does not accept what worked before
    INVALID = "invalid"  # what the Secret says cannot be used
    MISSING = "missing"  # there are no credentials (any more)


@dataclass(frozen=True, slots=True)
class GlanceImage:
    """An image as Glance shows it. ``lock`` is the id of the task that holds it, or empty."""

    id: str
    name: str = ""
    status: str = "queued"
    visibility: str = "private"
    owner: str = ""
    hidden: bool = False
    protected: bool = False
    min_disk: int = 0
    min_ram: int = 0
    disk_format: str = ""
    container_format: str = ""
    size: int | None = None
    virtual_size: int | None = None
    hash_algo: str = ""
    hash_value: str = ""
    md5: str = ""
    stores: tuple[str, ...] = ()
    importing: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    lock: str = ""
    tags: frozenset[str] = frozenset()
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """It has its content; a deactivated one is only withheld from its users."""
        return self.status in ("active", "deactivated")

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> GlanceImage:
        """From the JSON of ``GET /v2/images/{id}``."""
        return cls(
            id=raw["id"],
            name=raw.get("name") or "",
            status=raw.get("status") or "",
            visibility=raw.get("visibility") or "private",
            owner=raw.get("owner") or "",
            hidden=bool(raw.get("os_hidden")),
            protected=bool(raw.get("protected")),
            min_disk=raw.get("min_disk") or 0,
            min_ram=raw.get("min_ram") or 0,
            disk_format=raw.get("disk_format") or "",
            container_format=raw.get("container_format") or "",
            size=raw.get("size"),
            virtual_size=raw.get("virtual_size"),
            hash_algo=raw.get("os_hash_algo") or "",
            hash_value=raw.get("os_hash_value") or "",
            md5=raw.get("checksum") or "",
            stores=_words(raw.get("stores")),
            importing=_words(raw.get("os_glance_importing_to_stores")),
            failed=_words(raw.get("os_glance_failed_import")),
            lock=raw.get("os_glance_import_task") or "",
            tags=frozenset(raw.get("tags") or ()),
            properties={k: v for k, v in raw.items() if _is_free(k)},
        )


def _is_free(key: str) -> bool:
    """Free properties may begin with ``os_`` too (os_distro); only these prefixes and names are Glance's own."""
    return key not in _BASE and not key.startswith(("os_glance_", "os_hash_"))


def _words(value: str | None) -> tuple[str, ...]:
    return tuple(word for word in (value or "").split(",") if word)


@dataclass(frozen=True, slots=True)
class Task:
    """One import or copy, as ``GET /v2/images/{id}/tasks`` shows it."""

    id: str
    status: str
    created_at: str = ""
    message: str = ""

    @property
    def over(self) -> bool:
        """Nothing of it runs any more."""
        return self.status in _TERMINAL

    @property
    def failed(self) -> bool:
        return self.status == "failure"


@dataclass(frozen=True, slots=True)
class Service:
    """What the image service offers. No ``stores``: it is not configured for several, and names none."""

    stores: tuple[str, ...] = ()
    default_store: str = ""
    methods: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Node:
    """A pod of a service of ours. leaving: it ends what it has begun, and is given nothing new."""

    name: str
    url: str
    container_id: str = ""  # empty while none runs
    ready: bool = False
    leaving: bool = False
    cache_ready: bool | None = None  # None: it has no cache; False: what it lists cannot be believed yet

    @property
    def open(self) -> bool:
        """Whether it may be given an import."""
        return self.ready and not self.leaving and bool(self.url and self.container_id)


@dataclass(frozen=True, slots=True)
class Room:
    """Where a service of ours keeps an import's bytes until they are in their stores: ``size`` bytes, as ``field`` of
    spec.staging says; ``shared`` by its pods, or as much for each. ``converts_to``: the format made of all images."""

    size: int
    field: str
    shared: bool = False
    converts_to: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a source has told of its content, in bytes; None where it did not."""

    size: int | None = None
    virtual_size: int | None = None


@dataclass(frozen=True, slots=True)
class Flight:
    """An import of another Image on the same service: its pod, empty if it has none yet, and what it needs of the
    room."""

    node: str
    needs: int = 0


@dataclass(frozen=True, slots=True)
class StoreMemory:
    """What status.stores remembers of one store."""

    attempts: int = 0
    next_attempt: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """An image of ours with earlier content: it stays, or serves until the new content can take its place."""

    id: str
    incarnation: int = 1
    content: str = ""  # hash of its content
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What the object's own status remembers: all of it may be lost, and is then found out again."""

    id: str = ""
    incarnation: int = 1
    was_ready: bool = False
    imported: bool = False  # the image `id` has been seen with its content
    source: str = ""  # where the content that is served came from
    attempt_hash: str = ""  # of the content last tried
    attempts: int = 0  # failed attempts of that content
    next_attempt: datetime | None = None
    task_id: str = ""  # the last task that has been judged
    node: str = ""  # the pod that the import was sent to
    container_id: str = ""  # that ran in it
    lost: int = 0  # imports of that content that ended with their pod
    reason: str = ""  # of the last failed attempt, where there is a better one than ImportFailed
    cause: str = ""  # why it failed, in words, once that was found out
    rejected: str = ""  # the image whose content was refused: it goes, whatever its source says now
    started: datetime | None = None  # when the import under way was begun, or first seen
    terminal: bool = False  # another attempt would fail in the same way
    job: str = ""  # the transfer Job that was started last, until nothing of it is left
    job_uid: str = ""  # the last one whose failure was counted
    proof: Proof | None = None
    stores: Mapping[str, StoreMemory] = field(default_factory=dict)
    applied_properties: frozenset[str] = frozenset()
    applied_tags: frozenset[str] = frozenset()
    applied_members: frozenset[str] = frozenset()
    cached: Mapping[str, CacheMemory] = field(default_factory=dict)
    served: Kept | None = None  # while other content is rolled out: what serves meanwhile; the rest is of its successor
    previous: tuple[Kept, ...] = ()  # newest first
    cloud_lost_since: datetime | None = None  # since when credentials or service could not be found
    tried: str = ""  # fingerprint of the address that the import was sent to, where a digest is demanded
    mismatched: tuple[Mismatch, ...] = ()  # addresses that brought other bytes than the digest demands
    unproven: bool = False  # what the image `id` holds could not be compared with the digest, and was shown to nobody
    respecified: bool = False  # what is remembered is of an earlier generation of the spec
    leaving: frozenset[str] = frozenset()  # stores that were to be emptied at the last look
    filled: frozenset[str] = frozenset()  # stores that we have filled, or have asked Glance to fill


@dataclass(frozen=True, slots=True)
class View:
    """Everything a rule may look at. ``trouble``: why the cloud could not be asked."""

    spec: ImageSpec
    namespace: str
    name: str
    uid: str
    generation: int
    now: datetime
    memory: Memory
    cluster: str = ""
    finalized: bool = False
    settled: bool = False  # this generation of the spec has been applied before
    deleted_at: datetime | None = None
    looked: bool = False  # the cloud was asked, and what follows is what it said
    trouble: State | None = None
    cause: Cause | None = None  # of the trouble
    service: Service = field(default_factory=Service)
    nodes: tuple[Node, ...] | None = None  # None: a cloud whose pods we do not see
    flights: tuple[Flight, ...] = ()
    gone_for: float = 0.0  # seconds since the container that took the import was found to be gone
    room: Room | None = None  # None: nobody knows
    found: Found = field(default_factory=Found)  # at the address that the next attempt takes
    caches: Caches = field(default_factory=Caches)
    plugins: Plugins | None = None  # None: a cloud whose configuration we do not see
    draining: frozenset[str] = frozenset()  # stores of a service of ours that are to be emptied
    carrier: bool = False  # the operator has been told of a container image for transfers
    transfers: tuple[Transfer, ...] = ()
    remains: tuple[str, ...] = ()  # transfers of which only the Secret is left
    given: Mapping[Source, Given | None] = field(default_factory=dict)  # what the source names, as far as looked at
    image: GlanceImage | None = None
    others: Mapping[str, GlanceImage | None] = field(default_factory=dict)  # of earlier content, as far as looked at
    task: Task | None = None
    members: Mapping[str, str] | None = None  # by project, what it has made of it; None: not looked at
    candidates: tuple[str, ...] = ()  # ids of images that spec.adopt or a marker may mean, while none is known
    owner_gone: bool = False  # whoever marked the image, an object of this cluster, has it no more
    referred: Mapping[str, Referred] = field(default_factory=dict)  # by the property that is to have its id
    running_for: float = 0.0  # seconds since the running import was begun, or first seen by this process
    burnt: bool = False  # Glance refuses the id for ever: it belonged to an image since deleted
    retry_base: float = 5.0  # seconds before the second attempt
    lost_grace: float = 300.0  # seconds for which a deletion waits for credentials that do not exist
    answer: Answer | None = None  # of the source of the last attempt; None: it was not asked
    backends: Mapping[str, Backend] = field(default_factory=dict)  # by store, where the service is ours
    silent_for: float = 0.0  # seconds since Glance last told of progress in copying to stores
