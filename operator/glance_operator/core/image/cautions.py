"""What is valid and may yet surprise those who use the image: told beside what is done, and never a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from glance_operator.core.conditions import TRUE, Condition
from glance_operator.core.image import metadata, stores
from glance_operator.core.image.observed import View

QUESTIONABLE = "PropertiesQuestionable"
_RBD = "rbd"
# Formats that a block device is not: whoever boots from it has to copy and convert it first.
_CONVERTED_AT_BOOT = frozenset({"qcow2", "vmdk", "vdi", "vhd", "vhdx", "ploop"})
# The right name, as libosinfo has it, and what people write instead; all in small letters.
_SPELLINGS: Mapping[str, str] = {
    "arch": "archlinux org.archlinux",
    "centos": "org.centos",
    "debian": "org.debian",
    "fedora": "org.fedora org.fedoraproject",
    "freebsd": "org.freebsd",
    "gentoo": "org.gentoo",
    "mandrake": "mandrakelinux",
    "mandriva": "mandrivalinux",
    "mes": "mandrivaent mandrivaes",
    "msdos": "ms-dos",
    "netbsd": "org.netbsd",
    "netware": "novell",
    "openbsd": "org.openbsd",
    "opensolaris": "org.opensolaris",
    "opensuse": "suse org.opensuse",
    "rhel": "redhat com.redhat",
    "sled": "com.suse",
    "ubuntu": "com.ubuntu org.ubuntu canonical",
    "windows": "com.microsoft.server",
}
_RIGHT = {wrong: right for right, words in _SPELLINGS.items() for wrong in words.split()}

Doubts = Iterator[tuple[str, str]]


def condition(view: View) -> Condition | None:
    """True with the reason of the first doubt and the words of all; None where there is none."""
    found = [doubt for table in _TABLES for doubt in table(view)]
    if not found:
        return None
    return Condition(QUESTIONABLE, TRUE, found[0][0], "; ".join(words for _, words in found))


def _properties(view: View) -> dict[str, str]:
    """What the image will carry, others' included."""
    there = view.image.properties if view.image else {}
    return {**there, **metadata.properties(view)}


def _spelling(view: View) -> Doubts:
    said = _properties(view).get("os_distro", "")
    small = said.lower()
    right = _RIGHT.get(small, small)
    if said and right != said:
        yield "DistroSpelling", f"os_distro: {said} is not a name that Compute knows: set it to {right}"


def _bus(view: View) -> Doubts:
    found = _properties(view)
    for key in ("hw_disk_bus", "hw_cdrom_bus"):
        if found.get(key) == "scsi" and "hw_scsi_model" not in found:
            yield "SCSIModelMissing", f"{key}: scsi works as meant only with hw_scsi_model: set that to virtio-scsi"


def _format(view: View) -> Doubts:
    """Conversion shows in the format of what was imported."""
    image, planned = view.image, (view.plugins.converts_to if view.plugins else "") or view.spec.disk_format
    kind = (image.disk_format if image and image.complete else "") or planned
    if kind in _CONVERTED_AT_BOOT and (where := _on_rbd(view)):
        words = (
            f"diskFormat: {kind} in {where} (rbd) is copied and converted for every server and volume, where raw would "
            f"be cloned at once: provide it as raw, or set spec.imports.conversion of the GlanceAPI"
        )
        yield "NotRawOnRBD", words


def _signature(view: View) -> Doubts:
    if any(key.startswith("img_signature") for key in _properties(view)) and (where := _on_rbd(view)):
        yield (
            "SignedOnRBD",
            f"signature: Compute does not verify signatures of disks on rbd, and the image is in {where}",
        )


def _on_rbd(view: View) -> str:
    """Target stores that are known to be of that type."""
    return ", ".join(s for s in stores.targets(view) if s in view.backends and view.backends[s].kind == _RBD)


_TABLES = (_spelling, _bus, _format, _signature)
