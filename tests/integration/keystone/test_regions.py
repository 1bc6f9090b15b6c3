"""An image of one region in another: fetched by Glance itself, with the rights of whoever asks for it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.images.lab import Object, condition
from tests.integration.keystone.conftest import CloudLab
from tests.integration.keystone.identity import Administrator

from sandbox_kit import images
from sandbox_kit.glance import Glance, GlanceConfig
from sandbox_kit.keystone import REGION, Keystone

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 18)


@dataclass(frozen=True)
class Branch:
    """Another region with a Glance of its own. A Secret of the region's name leads there."""

    region: str
    glance: Glance

    def stored(self, body: Object) -> bytes:
        return (self.glance.store_directory("central") / str(body["status"]["id"])).read_bytes()


@pytest.fixture(scope="module")
def branch(
    lab: CloudLab, keystone: Keystone, administrator: Administrator, sandbox_directory: Path
) -> Iterator[Branch]:
    """Its Glance may fetch from the first region's."""
    region = f"branch-{uuid.uuid4().hex[:6]}"
    config = keystone.glance_config(GlanceConfig(allowed_ports=(lab.glance.port,)))
    with Glance(sandbox_directory / region, config) as running:
        administrator.offer_images(region, public=running.url, internal=running.url, admin=running.url)
        lab.apply(lab.credentials(region, lab.clouds(region_name=region)))
        yield Branch(region, running)


@pytest.fixture(scope="module")
def original(lab: CloudLab) -> str:
    """An image of the first region; its id."""
    lab.apply(
        lab.credentials("original", lab.clouds()), lab.image("original", lab.source.serve("original", DATA), "original")
    )
    return str(lab.ready("original")["status"]["id"])


def copy(lab: CloudLab, name: str, branch: Branch, image_id: str, **source: object) -> Object:
    where = {"glance": {"region": REGION, "imageID": image_id}, **source}
    return lab.image(name, "", branch.region, source=where, retryLimit=1)


def test_served_and_proven(lab: CloudLab, name: str, branch: Branch, original: str) -> None:
    lab.apply(copy(lab, name, branch, original, checksum={"sha512": hashlib.sha512(DATA).hexdigest()}))
    body = lab.ready(name)
    assert branch.stored(body) == DATA
    assert body["status"]["content"]["source"] == f"image {original} of region {REGION}"
    assert condition(body, "Verified")["status"] == "True"
    lab.delete(name)
    lab.gone(name)


def test_what_cannot_be_had_there_is_said(lab: CloudLab, name: str, branch: Branch, original: str) -> None:
    lab.apply(copy(lab, name, branch, str(uuid.uuid4())))
    body = lab.until(name, "Stalled", "True")
    assert REGION in condition(body, "Ready")["message"]
    lab.patch(name, source={"glance": {"region": REGION, "imageID": original}})
    assert branch.stored(lab.ready(name)) == DATA
    lab.delete(name)
    lab.gone(name)
