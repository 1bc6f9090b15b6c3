"""A digest is demanded: what Glance has found of the stored bytes is compared before anybody else sees the image."""

from __future__ import annotations

from typing import Any

from tests.unit.core.builders import EXPECTED_ID, URL, glance_image, later, marker, queued, spec, task, view
from tests.unit.core.scenarios.row import MIRROR, Row

from glance_operator.api.image import ImageSpec
from glance_operator.core.image.content import CreateImage, Discard, ImportFromUrl
from glance_operator.core.image.digests import Mismatch, Plugins
from glance_operator.core.image.metadata import UpdateImage
from glance_operator.core.image.observed import GlanceImage, Memory
from glance_operator.core.image.retries import fingerprint
from glance_operator.core.image.rollout import Begin

RIGHT, WRONG, MD5 = "ab" * 64, "cd" * 64, "0f" * 16
API: dict[str, Any] = {"cloudCredentialsRef": None, "glanceAPIRef": {"name": "glance"}}


def demanding(*mirrors: str, digest: str = RIGHT, algorithm: str = "sha512", **more: Any) -> ImageSpec:
    source = {"http": {"url": URL, "mirrors": list(mirrors)}, "checksum": {algorithm: digest}}
    return spec(source=source, **more)


def holding(value: str, of: ImageSpec | None = None, **more: Any) -> GlanceImage:
    """An image made for that spec, with this digest."""
    found = {
        "disk_format": "qcow2",
        "hash_algo": "sha512",
        "hash_value": value,
        "properties": marker(of or demanding()),
    }
    return glance_image(**(found | more))


def brought(*addresses: str, value: str = WRONG) -> tuple[Mismatch, ...]:
    """What these addresses have brought, each in an image that is gone."""
    return tuple(Mismatch(fingerprint(one), one, value, f"id-{n}") for n, one in enumerate(addresses))


PROVING = [
    Row("the digest is the one demanded", view(spec=demanding(), image=holding(RIGHT)), "Available", "Current"),
    Row(
        "it is shown to all after that",
        view(spec=demanding(visibility="public"), image=holding(RIGHT)),
        "Updating",
        "InProgress",
        UpdateImage(EXPECTED_ID, (("replace", "/visibility", "public"),)),
    ),
    Row(
        "other bytes are discarded, unseen",
        view(spec=demanding(visibility="public"), image=holding(WRONG)),
        "ChecksumMismatch",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "the md5 of Glance will do",
        view(
            spec=demanding(digest=MD5, algorithm="md5"),
            image=holding(WRONG, demanding(digest=MD5, algorithm="md5"), md5=MD5),
        ),
        "Available",
        "Current",
    ),
    Row(
        "the mirror is asked at once",
        view(
            spec=demanding(MIRROR),
            image=queued(properties=marker(demanding())),
            memory=Memory(attempts=1, mismatched=brought(URL)),
        ),
        "Downloading",
        "InProgress",
        ImportFromUrl(EXPECTED_ID, MIRROR, ("central",)),
    ),
    Row(
        "every address has brought other bytes",
        view(spec=demanding(MIRROR), memory=Memory(attempts=2, mismatched=brought(URL, MIRROR))),
        "ChecksumMismatch",
        "Failed",
    ),
    Row(
        "the address is another now",
        view(spec=demanding(), memory=Memory(mismatched=brought(MIRROR))),
        "Creating",
        "InProgress",
        CreateImage,
    ),
    Row(
        "a mirror that fails is tried again, the liar is not",
        view(
            spec=demanding(MIRROR),
            image=queued(properties=marker(demanding())),
            memory=Memory(attempts=2, next_attempt=later(-1), mismatched=brought(URL)),
            task=task("failure", ""),
        ),
        "Downloading",
        "InProgress",
        ImportFromUrl(EXPECTED_ID, MIRROR, ("central",)),
    ),
    Row(
        "the format came out different",
        view(spec=demanding(), image=holding(WRONG, disk_format="raw")),
        "ConvertedByGlance",
        "Failed",
    ),
    Row(
        "the service may have unpacked it",
        view(spec=demanding(), image=holding(WRONG), plugins=Plugins(decompresses=True)),
        "ConvertedByGlance",
        "Failed",
    ),
    Row(
        "the service would convert it",
        view(spec=demanding(**API), plugins=Plugins("raw"), nodes=None),
        "ConvertedByGlance",
        "Failed",
    ),
    Row(
        "the service has it converted already",
        view(spec=demanding(), image=holding(RIGHT), plugins=Plugins("raw")),
        "Available",
        "Current",
    ),
    Row(
        "what could not be proven makes room for what is described now",
        view(
            spec=spec(),
            image=holding(WRONG, disk_format="raw"),
            memory=Memory(id=EXPECTED_ID, imported=True, unproven=True),
        ),
        "Recreating",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "what is served does not",
        view(spec=spec(), image=holding(RIGHT), memory=Memory(id=EXPECTED_ID, imported=True)),
        "RollingOut",
        "InProgress",
        Begin(2),
    ),
    Row(
        "Glance keeps digests of another kind",
        view(spec=demanding(), image=holding(WRONG, hash_algo="sha256")),
        "NoDigest",
        "Failed",
    ),
    Row(
        "other bytes without a marker",
        view(spec=demanding(), image=holding(WRONG, properties={"glance_operator_content": None})),
        "ChecksumMismatch",
        "Failed",
    ),
]
