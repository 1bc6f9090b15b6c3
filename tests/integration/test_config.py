"""The files that a GlanceAPI becomes, read by a real Glance: each field is observed through the running API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tests.integration.configured import DESCRIPTION, Configured
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.source import Source


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory, source: Source) -> Iterator[Configured]:
    given = {
        "imports": {
            "methods": ["web-download", "copy-image"],
            "sources": {"allowedHosts": ["127.0.0.1"], "allowedPorts": [source.port]},
            "injectMetadata": {
                "properties": {"site": "central", "price": "$5", "home": "http://a"},
                "ignoreUserRoles": ["service"],
            },
        },
        "cache": {"maxSize": "1Gi", "volumeSize": "2Gi"},
        "formats": {"disk": ["raw", "qcow2"], "container": ["bare"]},
        "logging": {"format": "json", "levels": {"glance.api": "DEBUG"}},
        "extraConfig": {"DEFAULT": {"image_tag_quota": "1"}},
    }
    with Configured(tmp_path_factory.mktemp("configured"), **given) as running:
        yield running


def test_stores_with_their_default_their_weights_and_their_very_words(configured: Configured) -> None:
    stores = {one["id"]: one for one in configured.ask("GET", "/info/stores/detail").json()["stores"]}
    assert {name: one.get("default") for name, one in stores.items()} == {"central": "true", "edge": None}
    assert stores["central"]["description"] == DESCRIPTION
    assert stores["edge"]["weight"] == 7
    assert stores["edge"]["properties"]["data_dir"] == configured.places.store("edge")


def test_methods_formats_and_what_the_user_adds(configured: Configured) -> None:
    methods = configured.ask("GET", "/info/import").json()["import-methods"]["value"]
    assert methods == ["web-download", "copy-image"]
    for refused in ({"disk_format": "vmdk"}, {"container_format": "ova"}):
        assert configured.new_image(**refused).status_code == 400
    image = configured.new_image().json()["id"]
    direct = configured.ask("POST", f"/images/{image}/import", {"method": {"name": "glance-direct"}})
    assert (direct.status_code, "glance-direct" in direct.text) == (400, True)
    assert [configured.ask("PUT", f"/images/{image}/tags/{tag}").status_code for tag in "ab"] == [204, 413]


def test_an_import_gets_the_properties_unless_its_author_has_a_role_that_is_ignored(
    configured: Configured, source: Source
) -> None:
    url = source.serve("configured", images.raw(1 << 16))
    found = configured.settled(configured.fetch(url))
    assert (found["status"], found["stores"]) == ("active", "central")
    assert (found["site"], found["price"], found["home"]) == ("central", "$5", "http://a")
    assert "site" not in configured.settled(configured.fetch(url, roles="admin,service"))


def test_it_has_a_cache(configured: Configured) -> None:
    assert configured.ask("GET", "/cache").json() == {"cached_images": [], "queued_images": []}


def test_a_rule_works_at_once_and_stays_until_another_one_takes_its_place(configured: Configured) -> None:
    configured.configure(policy={"add_image": "!"})
    eventually(lambda: configured.new_image().status_code == 403)
    configured.configure(policy={"get_image": "@"})
    assert configured.new_image().status_code == 403, (
        "Glance forgets taken away rules now: docs/facts.md is out of date"
    )
    configured.configure(policy={"add_image": "@"})
    eventually(lambda: configured.new_image().status_code == 201)


def test_out_of_service_while_the_file_is_there(configured: Configured) -> None:
    file = Path(configured.places.run) / "healthcheck_disable"
    file.touch()
    assert requests.get(f"{configured.url}/healthcheck", timeout=10).status_code == 503
    file.unlink()
    assert requests.get(f"{configured.url}/healthcheck", timeout=10).status_code == 200


def test_the_log_is_json_with_the_levels_wanted(configured: Configured) -> None:
    configured.ask("GET", "/images")
    said = [json.loads(line) for line in configured.log.read_text().splitlines() if line.startswith("{")]
    levels = {(one["name"].partition(".")[0], one["levelname"]) for one in said}
    assert ("glance", "DEBUG") in levels
    assert {level for name, level in levels if not name.startswith("glance")} <= {"WARNING", "ERROR"}
