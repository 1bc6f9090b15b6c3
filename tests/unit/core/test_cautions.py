"""What is questionable is said, and nothing more comes of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.core.builders import UID, glance_image, queued, spec
from tests.unit.core.scenarios import served

from glance_operator.core.image import cautions, decide
from glance_operator.core.image.backends import Backend
from glance_operator.core.image.digests import Plugins

RBD = {"central": Backend("central", kind="rbd"), "dcn0": Backend("dcn0", kind="nfs")}
TO_RAW = Plugins("raw", decompresses=False)
SIGNATURE = {"value": "c2ln", "hashMethod": "SHA-256", "keyType": "RSA-PSS", "certificateUUID": UID}


def reason(**changes: Any) -> str:
    found = cautions.condition(served(**changes))
    assert found is None or (found.status, bool(found.message)) == ("True", True)
    return found.reason if found else ""


def said(**properties: str) -> dict[str, Any]:
    return {"spec": spec(properties=properties)}


@pytest.mark.parametrize(
    ("spelling", "right"),
    [
        ("ubuntu", ""),
        ("rocky", ""),
        ("Ubuntu", "ubuntu"),
        ("canonical", "ubuntu"),
        ("org.fedoraproject", "fedora"),
        ("SuSE", "opensuse"),
        ("com.suse", "sled"),
        ("RedHat", "rhel"),
        ("MandrivaES", "mes"),
        ("com.microsoft.server", "windows"),
        ("Rocky", "rocky"),
    ],
)
def test_names_of_distributions(spelling: str, right: str) -> None:
    found = cautions.condition(served(**said(os_distro=spelling)))
    assert (found is not None) is bool(right)
    assert found is None or found.message.endswith(f"set it to {right}")


@pytest.mark.parametrize(
    ("properties", "wanted"),
    [
        ({"hw_disk_bus": "scsi"}, "SCSIModelMissing"),
        ({"hw_cdrom_bus": "scsi"}, "SCSIModelMissing"),
        ({"hw_disk_bus": "virtio"}, ""),
        ({"hw_disk_bus": "scsi", "hw_scsi_model": "virtio-scsi"}, ""),
    ],
)
def test_buses(properties: dict[str, str], wanted: str) -> None:
    assert reason(**said(**properties)) == wanted


def test_a_model_that_somebody_else_set_counts() -> None:
    image = glance_image(properties={"hw_scsi_model": "virtio-scsi"})
    assert reason(**said(hw_disk_bus="scsi"), image=image) == ""


@pytest.mark.parametrize(
    ("words", "changes", "wanted"),
    [
        ("qcow2", {}, "NotRawOnRBD"),
        ("of a service that is not ours", {"backends": {}}, ""),
        ("raw", {"spec": spec(diskFormat="raw")}, ""),
        ("an iso", {"spec": spec(diskFormat="iso")}, ""),
        ("bound for another store", {"spec": spec(stores={"names": ["dcn0"]})}, ""),
        ("to be converted", {"image": queued(), "plugins": TO_RAW}, ""),
        ("converted", {"image": glance_image(disk_format="raw"), "plugins": TO_RAW}, ""),
        ("not converted after all", {"image": glance_image(disk_format="qcow2"),
                                     "plugins": TO_RAW}, "NotRawOnRBD"),
    ],
)  # fmt: skip
def test_formats(words: str, changes: dict[str, Any], wanted: str) -> None:
    assert reason(**({"backends": RBD} | changes)) == wanted


def test_signatures() -> None:
    raw = {"diskFormat": "raw"}
    assert reason(spec=spec(signature=SIGNATURE, **raw), backends=RBD) == "SignedOnRBD"
    assert reason(spec=spec(properties={"img_signature": "x"}, **raw), backends=RBD) == "SignedOnRBD"
    assert reason(spec=spec(signature=SIGNATURE, stores={"names": ["dcn0"]}, **raw), backends=RBD) == ""


def test_all_are_named_and_the_first_gives_the_reason() -> None:
    one = served(spec=spec(properties={"os_distro": "Ubuntu", "hw_disk_bus": "scsi"}), backends=RBD)
    found = cautions.condition(one)
    assert found is not None
    assert found.reason == "DistroSpelling"
    assert all(word in found.message for word in ("os_distro", "hw_disk_bus", "diskFormat"))


def test_nothing_is_refused() -> None:
    assert decide(served(**said(os_distro="Ubuntu")))[1].state.reason == "Updating"
