"""The sandbox's Glance, and the image files it is given."""

from typing import Any

import pytest
import requests
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.glance import Glance
from sandbox_kit.source import Fault, Source

MIB = 1 << 20


def fetch(glance: Glance, uri: str, disk_format: str, headers: dict[str, str]) -> str:
    """Make an image and have Glance fetch it into all stores; return its URL."""
    body = {"name": uri, "disk_format": disk_format, "container_format": "bare"}
    made = requests.post(f"{glance.url}/v2/images", json=body, headers=headers, timeout=30).json()
    order = {"method": {"name": "web-download", "uri": uri}, "all_stores": True}
    image = f"{glance.url}/v2/images/{made['id']}"
    answer = requests.post(f"{image}/import", json=order, headers=headers, timeout=30)
    assert answer.status_code == 202, answer.text
    return image


def settled(image: str, headers: dict[str, str]) -> dict[str, Any]:
    """The image once no import holds it."""

    def look() -> dict[str, Any]:
        found: dict[str, Any] = requests.get(image, headers=headers, timeout=30).json()
        assert "os_glance_import_task" not in found
        return found

    return eventually(look, timeout=60)


@pytest.mark.parametrize(
    ("disk_format", "data"),
    [
        ("raw", images.raw(65536)),
        ("raw", images.raw(3 * MIB)),
        ("qcow2", images.qcow2(32768)),
        ("qcow2", images.qcow2(65536)),
        ("qcow2", images.qcow2(MIB + 4096)),
        ("qcow2", images.qcow2(20 * MIB)),
    ],
    ids=lambda value: value if isinstance(value, str) else str(len(value)),
)
def test_glance_inspects_the_files_made_here_and_keeps_them_in_every_store(
    glance: Glance, source: Source, disk_format: str, data: bytes
) -> None:
    headers = glance.trusted_headers()
    url = source.serve(f"{len(data)}.{disk_format}", data)
    image = settled(fetch(glance, url, disk_format, headers), headers)
    assert (image["status"], image["size"]) == ("active", len(data))
    assert sorted(image["stores"].split(",")) == ["central", "dcn0", "dcn1"]
    for store in glance.config.stores:
        assert (glance.store_directory(store) / image["id"]).read_bytes() == data


@pytest.mark.parametrize("fault", [Fault(status=404), Fault(status=500), Fault(cut_after=70000)], ids=str)
def test_a_fault_of_the_source_leaves_the_image_queued(glance: Glance, source: Source, fault: Fault) -> None:
    headers = glance.trusted_headers()
    image = settled(fetch(glance, source.serve("faulty.raw", images.raw(MIB), fault), "raw", headers), headers)
    assert image["status"] == "queued"


def test_a_refused_connection_passes_glances_filter_and_fails_there(glance: Glance, source: Source) -> None:
    headers = glance.trusted_headers()
    image = settled(fetch(glance, source.refusing_url("any.raw"), "raw", headers), headers)
    assert image["status"] == "queued"


def test_a_killed_glance_leaves_its_import_behind_and_serves_again_at_the_same_address(
    glance: Glance, source: Source
) -> None:
    headers = glance.trusted_headers()
    image = fetch(glance, source.serve("stalls.raw", images.raw(MIB), Fault(stall_after=1000)), "raw", headers)
    eventually(lambda: source.stalled("stalls.raw"))
    glance.kill()
    source.release("stalls.raw")
    glance.start()
    found = requests.get(image, headers=headers, timeout=30).json()
    assert found["status"] == "importing"
    assert glance.rows("SELECT status FROM images WHERE id = ?", found["id"])[0]["status"] == "importing"
    requests.delete(image, headers=headers, timeout=30).raise_for_status()
