"""The spec of an Image, and the rules between its fields."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from glance_operator.api.base import UUID, CloudRef, Line, Model, NameRef, OneOf, Period, StoreID, length, within
from glance_operator.api.cel import SET, Rule, exactly_one, immutable, needs, not_both
from glance_operator.api.image.content import Source
from glance_operator.api.image.metadata import GlanceLine, Members, Properties, Signature, Tags

_NOT_GLANCES_OWN = Rule("!self.exists(n, n.startsWith('os_glance_'))", "os_glance_* are Glance's own: not for images")
StoreIDs = Annotated[tuple[StoreID, ...], length(64), SET, _NOT_GLANCES_OWN]


class AllStores(Model):
    """Every store the service has, also one that is added later."""

    except_: StoreIDs | None = None
    """Stores that are left out."""


class Stores(OneOf):
    """The stores that must hold the image; exactly one of names, all is set."""

    # Unlike the other unions: two managers (two sites, say) may each name stores of their own.
    atomic: ClassVar[bool] = False
    one_of: ClassVar[tuple[str, ...]] = ("names", "all")

    names: Annotated[tuple[StoreID, ...], length(64, 1), SET, _NOT_GLANCES_OWN] | None = None
    """Glance's ids of the stores, at least one."""
    all: AllStores | None = None
    """Every store of the service, also one that is added later."""
    allow_failure: bool = True
    """Ready with the image in at least one store; the others are retried for ever and shown in status.stores.
    With false the image is Ready, and visible, only when every store has it."""


class Cache(Model):
    """The image in the caches of the API servers."""

    prefetch: Literal["None", "AllNodes"] = "None"
    """AllNodes keeps the image in the cache of every API pod of the GlanceAPI, which must have a cache."""


class Adopt(OneOf):
    """An existing Glance image to take over; exactly one of id, name is set."""

    one_of: ClassVar[tuple[str, ...]] = ("id", "name")
    rules: ClassVar[tuple[Rule, ...]] = (needs("owner", "name", "an id needs no narrowing"),)

    id: UUID | None = None
    """Glance id of the image."""
    name: Line | None = None
    """Glance name of the image; it must be the only one of that name (and owner), hidden ones included."""
    owner: Line | None = None
    """Project that owns the image, to tell images of the same name apart."""
    force: bool = False
    """Take it over even if it is marked as managed from another cluster. Taken back there, it is not taken again."""


class Rollout(Model):
    """What becomes of the old Glance image when the content changes."""

    previous: Literal["Hide", "Leave"] = "Hide"
    """Hide the old image from lists (it stays usable by id), or leave it as it is."""
    history_limit: Annotated[int, within(0, 100)] = 1
    """How many old images stay; the older ones are deleted."""


_SHARED = "has(self.visibility) && self.visibility == 'shared'"
_KERNEL = "has(self.kernelRef) && 'kernel_id' in self.properties"
_RAMDISK = "has(self.ramdiskRef) && 'ramdisk_id' in self.properties"
_SIGNED = "has(self.signature) && self.properties.exists(k, k.startsWith('img_signature'))"


class ImageSpec(Model):
    """What is wanted. Fields that mirror Glance (name, visibility, hidden, protected, minDiskGB, minRAMMB, tags,
    members, owner, properties) are left alone while absent."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one("glanceAPIRef", "cloudCredentialsRef"),
        immutable("glanceAPIRef", "create another Image"),
        immutable("cloudCredentialsRef", "create another Image"),
        immutable("id", "create another Image"),
        immutable("adopt", "create another Image"),
        not_both("id", "adopt", "an adopted image has an id already"),
        Rule("has(self.source) || has(self.adopt)", "source must be set, unless adopt takes over an existing image"),
        Rule(
            "!has(self.adopt) || has(self.deletionPolicy)",
            "deletionPolicy must be set with adopt: say what becomes of the adopted image when this object is deleted",
            field="deletionPolicy",
        ),
        Rule(
            f"!has(self.members) || self.members.size() == 0 || ({_SHARED})",
            "members may only be set with visibility shared",
            field="members",
        ),
        Rule(
            f"!has(self.properties) || !(({_KERNEL}) || ({_RAMDISK}))",
            "kernel_id and ramdisk_id must not be set as properties together with kernelRef and ramdiskRef",
            field="properties",
        ),
        Rule(
            f"!has(self.properties) || !({_SIGNED})",
            "img_signature* must not be set as properties together with signature",
            field="properties",
        ),
        Rule(
            "!has(self.cache) || self.cache.prefetch == 'None' || has(self.glanceAPIRef)",
            "prefetch needs glanceAPIRef: the API pods of another cloud are not seen",
            field="cache",
        ),
    )

    glance_api_ref: NameRef | None = None
    """GlanceAPI that serves the image; exactly one of this and cloudCredentialsRef. Immutable. Whoever may write
    Images acts with that service's rights."""
    cloud_credentials_ref: CloudRef | None = None
    """Any OpenStack cloud, by an entry of a clouds.yaml in a Secret; exactly one of this and glanceAPIRef.
    Immutable."""
    id: UUID | None = None
    """Glance id of the image when it is first made; absent = derived from this object's uid. Immutable."""
    name: GlanceLine | None = None
    """Name of the image in Glance; absent = metadata.name, or with adopt the name that it has."""
    source: Source | None = None
    """Where the content comes from; may be absent only together with adopt."""
    disk_format: Literal["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop", "gpt"]
    """Format of the content, in Glance's words."""
    container_format: Literal["bare", "ovf", "ova", "aki", "ari", "ami", "docker", "compressed"] = "bare"
    """Container of the content, in Glance's words."""
    stores: Stores | None = None
    """Stores that must hold the image; absent = the service's default store, or with adopt those that hold it. One
    that is taken out is emptied once all others have the image."""
    visibility: Literal["private", "shared", "community", "public"] | None = None
    """Who sees the image, once it is proven and in its stores; absent = private at create, left alone afterwards."""
    members: Members | None = None
    """Projects that may use the image; only with visibility shared."""
    owner: Line | None = None
    """Id of the project that owns the image; absent = the project of the credentials."""
    hidden: bool | None = None
    """Hide the image from lists; it stays usable by id."""
    protected: bool | None = None
    """Glance then refuses to delete the image. Deleting this object waits until it is false, or until deletionPolicy
    is DeleteProtected or Retain."""
    min_disk_gb: Annotated[int, within(0, 2147483647)] | None = None
    """Smallest disk, in GB, that an instance needs to boot the image."""
    min_ram_mb: Annotated[int, within(0, 2147483647)] | None = None
    """Smallest memory, in MB, that an instance needs to boot the image."""
    tags: Tags | None = None
    """Tags of the image. Only those named here are managed; others stay."""
    properties: Properties | None = None
    """Free properties of the image. Every value is a string: put numbers, yes, no, true, false and versions in quotes
    ("24.04"), for YAML makes something else of them. Only those named here are managed; others stay."""
    kernel_ref: NameRef | None = None
    """Image object, on the same cloud, whose Glance id becomes the property kernel_id. It is awaited before anybody but
    the owner sees this image, and followed when its id changes."""
    ramdisk_ref: NameRef | None = None
    """Image object, on the same cloud, whose Glance id becomes the property ramdisk_id, in the same way."""
    signature: Signature | None = None
    """Signature of the content, which Glance verifies at import."""
    cache: Cache | None = None
    """The image in the caches of the API servers."""
    adopt: Adopt | None = None
    """Take over an existing Glance image instead of making one: it is marked, and what the spec says is made so. It
    must have its content, in the formats that the spec says. If it vanishes later, another one is made from source;
    without a source the reason is Gone. Immutable."""
    deletion_policy: Literal["Delete", "DeleteProtected", "Retain"] | None = None
    """What becomes of the Glance image when this object is deleted; absent = Delete. DeleteProtected deletes it even
    if it is protected; Retain leaves it."""
    drift_policy: Literal["Correct", "Report"] = "Correct"
    """What to do when somebody changes in Glance what the spec says."""
    rollout: Rollout | None = None
    """What becomes of the old Glance image when the content changes; absent = it is hidden, and one stays."""
    retry_limit: Annotated[int, within(-1, 1000)] = 5
    """Failed attempts at one content before Stalled; 0 = none is repeated, -1 = repeated for ever."""
    progress_deadline: Period = "2h"
    """Longest silence where progress can be seen (store copies, transfer Job); less than 3m counts as 3m."""
    download_timeout: Period = "24h"
    """Longest download phase of a web-download, where Glance shows no progress; and all the time of a transfer Job."""
    resync_period: Period = "1h"
    """How often the image is compared with the spec while nothing changes."""
    suspend: bool = False
    """Touch nothing for this object. Deleted while suspended, it is let go and the Glance image stays."""
