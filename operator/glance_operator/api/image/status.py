"""The status of an Image: what is there, store by store, and what is going on."""

from __future__ import annotations

from typing import Annotated, Literal

from glance_operator.api.base import Model, Status, Time
from glance_operator.api.cel import KEYED, ORDERED, keys

Words = Annotated[tuple[str, ...], ORDERED]


class StoreStatus(Model):
    """The image in one store: a condition, and the attempts at it."""

    name: str
    """Glance's id of the store."""
    status: Literal["True", "False", "Unknown"]
    """Whether the store holds the image."""
    reason: str | None = None
    """One word in CamelCase, such as Present or ImportFailed. Removing and RemovalRefused: the store is to hold the
    image no longer."""
    message: str | None = None
    """What happened, and what to do about it."""
    attempts: int | None = None
    """Failed attempts at this store: to fill it since it last held the image, or to empty it."""
    next_attempt_time: Time | None = None
    """When the next attempt is due."""
    last_transition_time: Time | None = None
    """When status changed last."""


class StatusChecksum(Model):
    """A digest as Glance keeps it."""

    algorithm: str | None = None
    """Hash algorithm, such as sha512."""
    value: str | None = None
    """The digest, in hexadecimal."""


class Proof(Model):
    """What a transfer Job has found of the bytes that it staged."""

    image_id: str
    """Glance image that they were staged for."""
    source: str | None = None
    """Where they came from, without the query of the address."""
    algorithm: str | None = None
    """How the source's bytes were proven; absent = nothing says what they must be."""
    digest: str | None = None
    """Of the source's bytes, by that algorithm, in hexadecimal."""
    signed_by: str | None = None
    """Fingerprint of the key that signed the checksum file."""
    sha512: str | None = None
    """Of the bytes that were staged, in hexadecimal: Glance must find the same."""
    md5: str | None = None
    """The same by MD5."""
    length_known: bool | None = None
    """False: the source did not tell where it ends, so that only a digest would have shown a cut."""


class Content(Model):
    """Identity of the content that is served."""

    hash: str | None = None
    """Digest of the source if it is known, else a hash over its address and the formats."""
    source: str | None = None
    """Where the content came from, without the query of the address."""
    verified: Proof | None = None
    """What the transfer Job that brought it has found."""


class Mismatched(Model):
    """An address whose content had another digest than spec.source.checksum."""

    source: str | None = None
    """Address, without its query."""
    source_hash: str
    """Hash of the whole address."""
    value: str | None = None
    """Digest of what came from there, in hexadecimal."""
    image_id: str | None = None
    """Glance image that held it, and was discarded."""


class Attempt(Model):
    """The attempt under way, or the last one."""

    content_hash: str | None = None
    """Content that is wanted."""
    source: str | None = None
    """Address or mirror that is tried, without its query."""
    source_hash: str | None = None
    """Hash of the whole address, where a checksum is demanded."""
    method: str | None = None
    """Import method, in Glance's words."""
    task_id: str | None = None
    """Glance's task, which is also the value of the import lock."""
    node: str | None = None
    """API pod that took the import, where it is ours."""
    container_id: str | None = None
    """Container of that pod; the attempt is dead when it is gone."""
    lost: int | None = None
    """Attempts at this content that ended with their pod."""
    start_time: Time | None = None
    """When the import under way began, or was first seen."""
    count: int | None = None
    """Failed attempts at this content so far."""
    reason: str | None = None
    """Why the last of them failed, in one word, where more is known than that it did: SourceTruncated, SourceEmpty or
    SourceFormatMismatch."""
    message: str | None = None
    """Why the last of them failed, as far as could be found out."""
    rejected: str | None = None
    """Glance id of the image that the last of them made, if its content was refused; it is deleted."""
    next_attempt_time: Time | None = None
    """When the next attempt is due."""
    mismatched: Annotated[tuple[Mismatched, ...], KEYED, keys("sourceHash")] | None = None
    """Addresses that are not asked again for this checksum: what came from there was something else."""
    terminal: bool | None = None
    """Another attempt would fail in the same way."""
    job: str | None = None
    """Transfer Job that was started last, until nothing of it is left."""
    judged_job: str | None = None
    """Uid of the last transfer Job whose failure was counted."""
    proof: Proof | None = None
    """What the transfer Job has found, until the content is there."""


class MemberStatus(Model):
    """A project that the image is shared with."""

    project_id: str
    """Id of the project."""
    status: str | None = None
    """What the project has made of it, in Glance's words: pending, accepted or rejected."""


class Previous(Model):
    """A Glance image that an earlier content left behind."""

    id: str
    """Glance id of the image."""
    incarnation: int | None = None
    """The number that its id is derived from."""
    content_hash: str | None = None
    """Digest or hash of its content."""
    hidden: bool | None = None
    """Whether it was hidden."""


class Successor(Model):
    """The Glance image with other content that shall take the place of the one that serves."""

    id: str | None = None
    """Glance id of the image, once it was made."""
    incarnation: int
    """The number that its id is derived from."""
    source: str | None = None
    """Where its content came from, once it has arrived."""


class Cached(Model):
    """The image in the cache of one API pod."""

    node: str
    """Name of the pod."""
    status: Literal["True", "False", "Unknown"]
    """Whether its cache holds the image."""
    reason: str | None = None
    """One word in CamelCase, such as Caching or PodNotReady."""
    container_id: str | None = None
    """Container that was asked; what another one has is looked at anew."""


class Applied(Model):
    """What was set by this object, and is therefore its own to remove."""

    properties: Words | None = None
    """Names of properties."""
    tags: Words | None = None
    """Tags that were added."""
    members: Words | None = None
    """Project ids that were made members."""
    stores: Words | None = None
    """Ids of stores that were filled, of an adopted image not those that held it before; one that is taken out of
    spec.stores stays here until it is empty."""


class ImageStatus(Status):
    """What Glance has of the image, and what is under way."""

    id: str | None = None
    """Glance id of the image."""
    incarnation: int | None = None
    """How often the image has been made; its id is derived from this number and the object's uid."""
    name: str | None = None
    """Name of the image in Glance."""
    owner: str | None = None
    """Id of the project that owns the image."""
    glance_status: str | None = None
    """Status in Glance's words."""
    size_bytes: int | None = None
    """Size of the content, in bytes."""
    size: str | None = None
    """Size of the content, for people."""
    virtual_size_bytes: int | None = None
    """Size of the disk that the content describes, in bytes."""
    checksum: StatusChecksum | None = None
    """Digest of the stored content."""
    stores_ready: str | None = None
    """Stores that hold the image / stores that must."""
    progress: str | None = None
    """Bytes copied over all target stores, in percent, when known."""
    stores: Annotated[tuple[StoreStatus, ...], KEYED, keys("name")] | None = None
    """The image in each store."""
    content: Content | None = None
    """What is served."""
    attempt: Attempt | None = None
    """The attempt under way, or the last one."""
    rollout: Successor | None = None
    """The image that is made ready while the other serves; stores and attempt are its then."""
    previous: Annotated[tuple[Previous, ...], KEYED, keys("id")] | None = None
    """Glance images of earlier contents that stay."""
    cached: Annotated[tuple[Cached, ...], KEYED, keys("node")] | None = None
    """The image in the cache of each API pod."""
    members: Annotated[tuple[MemberStatus, ...], KEYED, keys("projectID")] | None = None
    """The members that the spec names, and whether they have accepted the image."""
    applied: Applied | None = None
    """What is ours to remove later; what others set stays."""
