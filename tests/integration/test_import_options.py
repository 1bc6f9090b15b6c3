"""Where imports may come from, and what becomes of them: typed fields, observed through a real Glance that has them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from tests.integration.configured import Configured

from sandbox_kit import images
from sandbox_kit.source import Source

# Nobody is there, which is found out at once: what Glance lets in fails without a delay.
HOST, OTHER = "239.0.0.1", "239.0.0.2"
DEFAULT: dict[str, Any] = {}
DISALLOWING = {"disallowedSchemes": ["http"], "disallowedHosts": [OTHER], "disallowedPorts": [22]}
ALLOWING = {"allowedSchemes": ["http"], "allowedHosts": [HOST, "127.0.0.1", "FE80:0::1"], "allowedPorts": [80, 8080]}
# Refused by the API server: here to see which one wins.
BOTH = {**ALLOWING, "disallowedHosts": [HOST], "disallowedPorts": [8080]}

TABLE = {
    "nothing said": (
        DEFAULT,
        [
            f"http://{HOST}/x",
            f"https://{HOST}/x",
            f"http://{HOST}:80/x",
            f"http://{HOST}:443/x",
            f"https://{HOST}:80/x",
        ],
        [
            f"http://{HOST}:8080/x",
            f"http://{HOST}:22/x",
            f"ftp://{HOST}/x",
            f"ftp://{HOST}:21/x",
            f"file://{HOST}/x",
            f"//{HOST}/x",
            "http:///x",
            "http://127.0.0.1/x",
            "http://localhost/x",
            "http://[::1]/x",
            "http://[::ffff:127.0.0.1]/x",
            "http://169.254.169.254/latest",
            "http://[fe80::1]/x",
            "http://2130706433/x",
            "http://0x7f000001/x",
            "http://127.1/x",
            "http://0.0.0.0/x",
            "http://[::]/x",
            "http://[::ffff:0.0.0.0]/x",
            "http://no-such-name.invalid/x",
        ],
    ),
    "disallowed": (
        DISALLOWING,
        [f"https://{HOST}/x", f"https://{HOST}:8080/x", f"https://{HOST}:443/x"],
        [
            f"http://{HOST}/x",
            f"https://{OTHER}/x",
            f"https://{HOST}:22/x",
            f"ftp://{HOST}/x",
            f"file://{HOST}/x",
            "https://127.0.0.1/x",
            "https://0.0.0.0/x",
        ],
    ),
    "allowed": (
        ALLOWING,
        [f"http://{HOST}/x", f"http://{HOST}:8080/x", "http://127.0.0.1:80/x", "http://[fe80::1]:80/x"],
        [
            f"https://{HOST}/x",
            f"http://{OTHER}/x",
            f"http://{HOST}:443/x",
            "http://127.0.0.2/x",
            "http://localhost/x",
            "http://0.0.0.0/x",
        ],
    ),
    "allowed wins": (BOTH, [f"http://{HOST}/x", f"http://{HOST}:8080/x"], [f"http://{OTHER}/x", f"http://{HOST}:22/x"]),
}


def passes(glance: Configured, image: str, uri: str) -> bool:
    answer = glance.ask("POST", f"/images/{image}/import", {"method": {"name": "web-download", "uri": uri}})
    refused = answer.status_code == 400 and "does not pass filtering" in answer.text
    assert refused or answer.status_code == 202, answer.text
    return not refused


@pytest.mark.parametrize("name", TABLE)
def test_where_web_download_may_fetch_from(tmp_path: Path, name: str) -> None:
    sources, allowed, refused = TABLE[name]
    with Configured(tmp_path, imports={"sources": sources}) as glance:
        found = {uri: passes(glance, glance.new_image().json()["id"], uri) for uri in (*allowed, *refused)}
    assert found == {**dict.fromkeys(allowed, True), **dict.fromkeys(refused, False)}


def sources_of(source: Source) -> dict[str, Any]:
    return {"allowedHosts": ["127.0.0.1"], "allowedPorts": [source.port]}


def test_what_is_packed_is_unpacked_and_administrators_get_no_properties_unless_told(
    tmp_path: Path, source: Source
) -> None:
    """The roles that are ignored are Glance's own choice here."""
    data = images.raw(1 << 16)
    url = source.serve("packed.gz", gzip.compress(data))
    imports = {"decompression": {}, "injectMetadata": {"properties": {"site": "central"}}}
    with Configured(tmp_path, imports={"sources": sources_of(source), **imports}) as glance:
        image = glance.settled(glance.fetch(url))
        assert (image["status"], image["size"], image.get("site")) == ("active", len(data), None)
        assert (Path(glance.places.store("central")) / image["id"]).read_bytes() == data
        theirs = glance.settled(glance.fetch(url, roles="member"))
        assert theirs["site"] == "central"


@pytest.mark.parametrize(("most", "status"), [(None, "queued"), (2, "active")])
def test_stores_that_are_written_at_once_cost_the_check_of_the_format(
    tmp_path: Path, source: Source, most: int | None, status: str
) -> None:
    """As the field's description says; it shows, too, that Glance has the number."""
    url = source.serve("raw", images.raw(1 << 16))
    imports = {"sources": sources_of(source), "maxParallelStores": most}
    with Configured(tmp_path, imports=imports) as glance:
        image = glance.settled(glance.fetch(url, stores=("central", "edge"), disk_format="qcow2"))
    assert image["status"] == status
