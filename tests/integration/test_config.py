"""The files that a GlanceAPI becomes, read by a real Glance: each field is observed through the running API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tests.integration.configured import DESCRIPTION, HEADERS, Configured
from tests.support import eventually

from glance_operator.core.image.caches import CacheList
from glance_operator.runtime.endpoint import Endpoint
from glance_operator.runtime.gate import Gate
from glance_operator.runtime.glance import Glance
from sandbox_kit import images
from sandbox_kit.source import Source

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")


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
        "cache": {"maxSize": "2Mi", "volumeSize": "4Mi"},
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


@pytest.fixture
def client(configured: Configured) -> Glance:
    """The operator's own, which asks for what the tests want to see."""
    entry = {"auth_type": "none", "image_endpoint_override": configured.url, "trusted_headers": HEADERS}
    return Glance(Endpoint(entry, None), Gate())


def imported(configured: Configured, source: Source, name: str) -> str:
    """The id of a new image of 1.5 MiB."""
    image: str = configured.new_image().json()["id"]
    body = {"method": {"name": "web-download", "uri": source.serve(name, images.raw(3 << 19))}}
    assert configured.ask("POST", f"/images/{image}/import", body).status_code == 202
    configured.settled(image)
    return image


def cached(configured: Configured, client: Glance, source: Source, name: str) -> Path:
    """A new image of 1.5 MiB, in the cache; where its file is there."""
    image = imported(configured, source, name)
    client.cache_image(image)
    eventually(lambda: image in client.cache().cached)
    return Path(configured.places.cache) / image


def test_a_cache_is_filled_serves_and_is_emptied(configured: Configured, client: Glance, source: Source) -> None:
    assert client.cache() == CacheList()
    file = cached(configured, client, source, "one")
    stored = Path(configured.places.store("central")) / file.name
    stored.rename(stored.with_suffix(".away"))
    assert configured.ask("GET", f"/images/{file.name}/file").content == file.read_bytes()
    client.uncache_image(file.name)
    assert (client.cache(), file.exists()) == (CacheList(), False)
    client.uncache_image(file.name)
    assert configured.ask("GET", f"/images/{file.name}/file").status_code != 200


def test_a_cache_is_pruned_to_its_size_and_cleared(configured: Configured, client: Glance, source: Source) -> None:
    files = [cached(configured, client, source, name) for name in ("one", "two")]
    assert client.tend_cache() == 1
    assert [file.exists() for file in files] == [False, True], "the one that was not asked for the longest time went"
    assert client.cache() == CacheList(frozenset({files[1].name}))
    client.clear_cache()
    assert (client.cache(), files[1].exists()) == (CacheList(), False)


def test_a_cache_lists_what_is_gone_until_it_is_cleared(configured: Configured, client: Glance, source: Source) -> None:
    file = cached(configured, client, source, "one")
    file.unlink()
    assert client.tend_cache() == 0
    assert client.cache().cached == {file.name}, "Glance finds out now: docs/facts.md is out of date"
    client.clear_cache()
    assert client.cache() == CacheList()


def test_one_failure_of_a_store_ends_prefetching_for_good(
    configured: Configured, client: Glance, source: Source
) -> None:
    """Only a new process fetches again: that is what the operator's message has to say. No test after this one can."""
    good, lost = (imported(configured, source, name) for name in ("good", "lost"))
    (Path(configured.places.store("central")) / lost).unlink()
    client.cache_image(lost)
    eventually(lambda: "Exception in thread" in configured.log.read_text())
    client.cache_image(good)
    assert configured.ask("GET", f"/images/{good}/file").status_code == 200
    eventually(lambda: client.cache().cached == {good})  # what somebody downloads is kept all the same
    assert client.cache().queued == {lost}


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
