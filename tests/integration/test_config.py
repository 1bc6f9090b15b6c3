"""The files that a GlanceAPI becomes, read by a real Glance: each field is observed through the running API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests
from tests.support import eventually
from tests.unit.core.config.services import service, store

from glance_operator.core import config
from glance_operator.core.config.places import Places
from glance_operator.core.image.observed import CacheList
from glance_operator.runtime.endpoint import Endpoint
from glance_operator.runtime.gate import Gate
from glance_operator.runtime.glance import Glance
from sandbox_kit import environment, images
from sandbox_kit.loopback import answers
from sandbox_kit.source import Source
from sandbox_kit.uwsgi import UwsgiServer, Workers

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
DESCRIPTION = "100% of $a ${database.connection}"
STORES = (
    store("central", "file", {"pvc": {"claimName": "a"}}, description=DESCRIPTION),
    store("edge", "nfs", {"pvc": {"claimName": "b"}}, weight=7),
)
HEADERS = {
    "X-Identity-Status": "Confirmed",
    "X-User-Id": "operator",
    "X-Project-Id": "0123456789abcdef0123456789abcdef",
    "X-Roles": "admin,member,reader",
}


class Configured(UwsgiServer):
    """A Glance whose files are ours, but for uwsgi.ini: that one listens to the whole world."""

    def __init__(self, directory: Path, source: Source) -> None:
        env = environment.ensure()
        super().__init__("glance", directory, env, "glance_app:application", Workers())
        self.places = Places(str(directory), str(env.program("python")))
        for place in (self.places.etc, self.places.work, self.places.cache, self.places.run):
            Path(place).mkdir(parents=True)
        for place in (self.places.policy, self.places.database):
            Path(place).parent.mkdir(parents=True)
        env.empty_database("glance", Path(self.places.database))
        self._source = source
        self.configure({})

    def configure(self, policy: Mapping[str, str]) -> None:
        """Write all files, with this policy."""
        given = service(
            *STORES,
            places=self.places,
            imports={
                "methods": ["web-download", "copy-image"],
                "sources": {"allowedHosts": ["127.0.0.1"], "allowedPorts": [self._source.port]},
                "injectMetadata": {"properties": {"site": "central", "price": "$5"}, "ignoreUserRoles": []},
            },
            cache={"maxSize": "2Mi", "volumeSize": "4Mi"},
            formats={"disk": ["raw", "qcow2"]},
            policy=policy,
            logging={"format": "json", "levels": {"glance.api": "DEBUG"}},
            extraConfig={"DEFAULT": {"image_tag_quota": "1"}},
        )
        for name, text in config.files(given).items():
            (Path(self.places.etc) / name).write_text(text)
        Path(self.places.policy).write_text(config.policy(given))

    def environment(self) -> Mapping[str, str]:
        own = {"OS_GLANCE_CONFIG_DIR": self.places.etc, "OS_DEFAULT__WORKER_SELF_REFERENCE_URL": self.url}
        return {**own, **environment.QUIET}

    def ready(self) -> bool:
        return answers(f"{self.url}/healthcheck")

    def ask(self, verb: str, path: str, body: object = None) -> requests.Response:
        return requests.request(verb, f"{self.url}/v2{path}", json=body, headers=HEADERS, timeout=30)


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory, source: Source) -> Iterator[Configured]:
    with Configured(tmp_path_factory.mktemp("configured"), source) as running:
        yield running


def new_image(glance: Configured, **fields: object) -> requests.Response:
    return glance.ask("POST", "/images", {"name": "any", "container_format": "bare", "disk_format": "raw", **fields})


def test_stores_with_their_default_their_weights_and_their_very_words(configured: Configured) -> None:
    stores = {one["id"]: one for one in configured.ask("GET", "/info/stores/detail").json()["stores"]}
    assert {name: one.get("default") for name, one in stores.items()} == {"central": "true", "edge": None}
    assert stores["central"]["description"] == DESCRIPTION
    assert stores["edge"]["weight"] == 7
    assert stores["edge"]["properties"]["data_dir"] == configured.places.store("edge")


def test_methods_formats_and_what_the_user_adds(configured: Configured) -> None:
    methods = configured.ask("GET", "/info/import").json()["import-methods"]["value"]
    assert methods == ["web-download", "copy-image"]
    assert new_image(configured, disk_format="vmdk").status_code == 400
    image = new_image(configured).json()["id"]
    assert [configured.ask("PUT", f"/images/{image}/tags/{tag}").status_code for tag in "ab"] == [204, 413]


def test_an_import_passes_the_filter_and_gets_the_properties(configured: Configured, source: Source) -> None:
    image = new_image(configured).json()["id"]

    def fetch(uri: str) -> int:
        body = {"method": {"name": "web-download", "uri": uri}}
        return configured.ask("POST", f"/images/{image}/import", body).status_code

    assert fetch(f"http://localhost:{source.port}/x") == 400
    assert fetch(f"http://127.0.0.1:{source.port + 1}/x") == 400
    assert fetch(source.serve("configured", images.raw(1 << 16))) == 202
    found = eventually(lambda: _unlocked(configured, image))
    assert (found["status"], found["stores"], found["site"], found["price"]) == ("active", "central", "central", "$5")


def _unlocked(glance: Configured, image: str) -> dict[str, str]:
    found: dict[str, str] = glance.ask("GET", f"/images/{image}").json()
    assert "os_glance_import_task" not in found
    return found


@pytest.fixture
def client(configured: Configured) -> Glance:
    """The operator's own, which asks for what the tests want to see."""
    entry = {"auth_type": "none", "image_endpoint_override": configured.url, "trusted_headers": HEADERS}
    return Glance(Endpoint(entry, None), Gate())


def imported(configured: Configured, source: Source, name: str) -> str:
    """The id of a new image of 1.5 MiB."""
    image: str = new_image(configured).json()["id"]
    body = {"method": {"name": "web-download", "uri": source.serve(name, images.raw(3 << 19))}}
    assert configured.ask("POST", f"/images/{image}/import", body).status_code == 202
    eventually(lambda: _unlocked(configured, image))
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
    configured.configure({"add_image": "!"})
    eventually(lambda: new_image(configured).status_code == 403)
    configured.configure({"get_image": "@"})
    assert new_image(configured).status_code == 403, "Glance forgets taken away rules now: docs/facts.md is out of date"
    configured.configure({"add_image": "@"})
    eventually(lambda: new_image(configured).status_code == 201)


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
