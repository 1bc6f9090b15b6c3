"""Images that somebody else made, images that refer to others, and what an administrator has withheld."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.core.builders import EXPECTED_ID, UID, URL, glance_image, later, memory, queued, spec, task, view
from tests.unit.core.scenarios.row import EITHER, OTHER_UID, Row, served

from glance_operator.core.image import identity
from glance_operator.core.image.adoption import TakeOver
from glance_operator.core.image.content import NextIncarnation, content_hash
from glance_operator.core.image.deletion import DeleteImage
from glance_operator.core.image.metadata import UpdateImage
from glance_operator.core.image.observed import GlanceImage, View
from glance_operator.core.image.others import Referred
from glance_operator.core.image.stores import CopyToStores
from glance_operator.core.plan import AddFinalizer, LetGo

THEIRS = GlanceImage(
    EXPECTED_ID,
    name="focal",
    status="active",
    size=1536,
    stores=("dcn0",),
    properties={"a": "1"},
    disk_format="qcow2",
    container_format="bare",
)
MARK = {identity.CLUSTER: "here", identity.OWNER: "default/noble", identity.UID: OTHER_UID}
ABROAD = MARK | {identity.CLUSTER: "there"}
BY_ID: dict[str, Any] = {"adopt": {"id": EXPECTED_ID}, "source": None}
BY_NAME: dict[str, Any] = {"adopt": {"name": "focal", "owner": "p1"}, "source": None}


def adopting(image: GlanceImage | None = THEIRS, **says: Any) -> View:
    """An Image that takes over this one, which it has not done yet."""
    return view(spec=spec(**(BY_ID | says)), image=image)


def adopted(**changes: Any) -> View:
    """One that has, some time ago; `says` is added to its spec, `shows` to the image."""
    one = spec(**(BY_ID | changes.pop("says", {})))
    image = taken(view(spec=one), **changes.pop("shows", {}))
    return served(**({"spec": one, "image": image} | changes))


def taken(one: View, **shows: Any) -> GlanceImage:
    """Their image with our marker."""
    hash_ = content_hash(one.spec)
    properties = {**THEIRS.properties, **identity.marker(one, hash_), **shows.pop("properties", {})}
    return replace(THEIRS, **({"properties": properties} | shows))


def marked(properties: dict[str, str]) -> GlanceImage:
    return replace(THEIRS, properties=properties)


ADOPTION = [
    Row("nothing to adopt, by id", adopting(None), "AdoptionTargetNotFound", "InProgress"),
    Row("nothing to adopt, although it could be made", adopting(None, source={"http": {"url": URL}}),
        "AdoptionTargetNotFound", "InProgress"),
    Row("nothing to adopt, by name", adopting(None, **BY_NAME), "AdoptionTargetNotFound", "InProgress"),
    Row(
        "two of the same name",
        replace(adopting(None, **BY_NAME), candidates=("i1", "i2")),
        "AmbiguousName",
        "Failed",
    ),
    Row("held before it is marked", replace(adopting(), finalized=False), "Preparing", "InProgress", AddFinalizer()),
    Row("marked before anything else", adopting(name="noble"), "Adopting", "InProgress", TakeOver),
    Row("of an object that is gone", replace(adopting(marked(MARK)), owner_gone=True), "Adopting", "InProgress",
        TakeOver),
    Row("of an object that lives", adopting(marked(MARK)), "OwnedElsewhere", "Failed"),
    Row("of another cluster", adopting(marked(ABROAD)), "OwnedElsewhere", "Failed"),
    Row(
        "of another cluster, by force",
        adopting(marked(ABROAD), adopt={"id": EXPECTED_ID, "force": True}),
        "Adopting",
        "InProgress",
        TakeOver,
    ),
    Row(
        "taken back by another cluster",
        adopted(image=marked(ABROAD), says={"adopt": {"id": EXPECTED_ID, "force": True}}),
        "OwnedElsewhere",
        "Failed",
    ),
    Row("somebody else imports it", adopting(replace(THEIRS, lock="t1")), "AdoptionTargetBusy", "InProgress"),
    Row("their import is over, its lock not", replace(adopting(replace(THEIRS, lock="t1")), task=task("failure")),
        "Adopting", "InProgress", TakeOver),
    Row("without content", adopting(replace(queued(), properties={})), "AdoptionTargetEmpty", "Failed"),
    Row("taken over, and without content by a wonder", adopted(shows={"status": "queued"}), "AdoptionTargetEmpty",
        "Failed"),
    Row("of another format", adopting(diskFormat="raw"), "AdoptionTargetDiffers", "Failed"),
    Row("taken over, and nothing else is said", adopted(), "Available", "Current"),
    Row(
        "taken over, and renamed",
        adopted(says={"name": "noble"}),
        "Updating",
        "InProgress",
        UpdateImage(EXPECTED_ID, (("replace", "/name", "noble"),)),
    ),
    Row(
        "taken over, and wanted in another store",
        adopted(says={"stores": {"names": ["dcn0", "dcn1"]}}),
        "Copying",
        "InProgress",
        CopyToStores(EXPECTED_ID, ("dcn1",)),
    ),
    Row("taken over, and somebody copies it", adopted(shows={"lock": "t9"}), "Importing", "InProgress"),
    Row("taken over, drift reported", adopted(says={"name": "noble", "driftPolicy": "Report"}), "Drifted", "Current"),
    Row("taken over, then gone", adopted(image=None), "Gone", "Failed"),
    Row(
        "taken over, then gone, with a source",
        adopted(image=None, says={"source": {"http": {"url": URL}}}),
        "Recreating",
        "InProgress",
        NextIncarnation(),
    ),
]  # fmt: skip

DEACTIVATED = [
    Row("deactivated by somebody", served(image=glance_image(status="deactivated")), "Deactivated", "Failed"),
    Row(
        "deactivated, and the spec has changed",
        served(image=glance_image(status="deactivated", properties={identity.CONTENT: "other"})),
        "Deactivated",
        "Failed",
    ),
    Row(
        "deactivated under a copy",
        served(spec=EITHER, image=glance_image(status="deactivated", lock="t1"), task=task("failure")),
        "Deactivated",
        "Failed",
    ),
    Row("deactivated before it was adopted", adopting(replace(THEIRS, status="deactivated")), "Adopting",
        "InProgress", TakeOver),
]  # fmt: skip

KERNEL = Referred("vmlinuz", exists=True, image_id=UID, ready=True)


def booting(kernel: Referred, **changes: Any) -> View:
    """An Image that refers to this kernel."""
    return served(**({"spec": spec(kernelRef={"name": kernel.name}), "referred": {"kernel_id": kernel}} | changes))


REFERENCES = [
    Row("a kernel that is not there", booting(Referred("vmlinuz")), "KernelNotReady", "InProgress"),
    Row("a kernel on its way", booting(replace(KERNEL, ready=False)), "KernelNotReady", "InProgress"),
    Row("a ramdisk on its way", served(referred={"ramdisk_id": Referred("initrd")}), "RamdiskNotReady", "InProgress"),
    Row(
        "a kernel that is ready",
        booting(KERNEL),
        "Updating",
        "InProgress",
        UpdateImage(EXPECTED_ID, (("add", "/kernel_id", UID),)),
    ),
    Row("a kernel in place", booting(replace(KERNEL, ready=False), image=glance_image(properties={"kernel_id": UID})),
        "Available", "Current"),
    Row("its own kernel, in the end", booting(replace(KERNEL, circle=("vmlinuz", "jammy"))), "ReferenceCircle",
        "Failed"),
    Row("a kernel on another cloud", booting(replace(KERNEL, near=False)), "OtherCloud", "Failed"),
    Row("copied meanwhile", booting(Referred("vmlinuz"), spec=EITHER), "Copying", "InProgress",
        CopyToStores(EXPECTED_ID, ("dcn0",))),
]  # fmt: skip

ADOPTED_AT_ITS_END = [
    Row("adopted", adopted(deleted_at=later(-1)), "Deleting", "Terminating", DeleteImage(EXPECTED_ID)),
    Row("never taken over", replace(adopting(), deleted_at=later(-1)), "Released", "Terminating", LetGo()),
    Row("not found", replace(adopting(None), deleted_at=later(-1)), "Deleted", "Terminating", LetGo()),
    Row("another's", replace(adopting(marked(MARK)), deleted_at=later(-1)), "Released", "Terminating", LetGo()),
    Row(
        "deactivated",
        served(image=glance_image(status="deactivated"), deleted_at=later(-1), memory=memory()),
        "Deleting",
        "Terminating",
        DeleteImage(EXPECTED_ID),
    ),
]
