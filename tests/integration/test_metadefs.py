"""Metadata definitions in a real Glance that runs with our files: what ConfigMaps say is there, and who may write."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests
import yaml
from tests.integration.configured import HEADERS, Configured
from tests.support import eventually
from tests.unit.core.glanceapi.views import view

from glance_operator.core.config.places import Places
from glance_operator.core.glanceapi.metadefs import Judgement, judge, names
from glance_operator.core.glanceapi.observed import Memory, View
from glance_operator.core.manifests import metadefs_job
from glance_operator.core.manifests.jobs import REFUSED
from glance_operator.core.manifests.plan import Blueprint
from glance_operator.runtime.endpoint import Endpoint
from glance_operator.runtime.gate import Gate
from glance_operator.runtime.glance import Glance
from glance_operator.runtime.metadefs import IN_TROUBLE, Metadefs
from glance_operator.runtime.store import Key
from sandbox_kit import environment

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
SAMPLE = Path(__file__).parents[2] / "hack/samples/service/metadefs.yaml"
KEY = Key("GlanceAPI", "images", "glance")
USER = {**HEADERS, "X-User-Id": "user", "X-Project-Id": "f" * 32, "X-Roles": "member,reader"}
ROOT = "/metadefs/namespaces"
NEW = {"namespace": "mine", "visibility": "public"}


@pytest.fixture(scope="module")
def glance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Configured]:
    with Configured(tmp_path_factory.mktemp("metadefs")) as running:
        yield running


class Keeper:
    """What the operator does about ConfigMaps, without a cluster: looks, decides and acts until there is no more."""

    def __init__(self, glance: Configured) -> None:
        endpoint = Endpoint(
            {"auth_type": "none", "image_endpoint_override": glance.url, "trusted_headers": HEADERS}, None
        )
        self.sent: list[str] = []
        client = Glance(endpoint, Gate(), observe=lambda method, code: self.sent.append(f"{method} {code}"))
        clouds = SimpleNamespace(find=lambda *_: SimpleNamespace(glance=client))
        self._now = 0.0
        self._hand = Metadefs(cast("Any", clouds), lambda: self._now)
        self.ours: dict[str, str] = {}

    def keep(self, **maps: Mapping[str, Any]) -> Judgement:
        """What is left to say when the ConfigMaps have these files (documents by key), a while after the last time."""
        self._now += IN_TROUBLE + 1
        self.sent.clear()
        for _ in range(100):
            judged = judge(self._view(maps))
            self.ours = judged.memory
            if not judged.due:
                return judged
            self._hand.send(KEY, judged.due[0])
        raise AssertionError(f"there is no end of it: {judged.due}")

    def _view(self, maps: Mapping[str, Mapping[str, Any]]) -> View:
        found = {("ConfigMap", name): {k: json.dumps(v) for k, v in files.items()} for name, files in maps.items()}
        of = view({"metadefs": {"configMapRefs": [{"name": name} for name in maps]}}, found=found)
        of = View(**{**vars(of), "memory": Memory(metadefs=self.ours)})
        seen = self._hand.look(KEY, names(of.spec, of.found, of.memory), calm=False)
        return View(**{**vars(of), "metadefs": seen})

    @property
    def writes(self) -> list[str]:
        return [one for one in self.sent if not one.startswith("GET")]


@pytest.fixture
def keeper(glance: Configured) -> Iterator[Keeper]:
    keeper = Keeper(glance)
    yield keeper
    assert keeper.keep().problems == []
    assert keeper.ours == {}


def sample() -> tuple[dict[str, str], dict[str, Any]]:
    """The rules and the document of the sample."""
    api, config_map = yaml.safe_load_all(SAMPLE.read_text())
    (text,) = config_map["data"].values()
    return api["spec"]["policy"], json.loads(text)


def shown(glance: Configured, name: str, query: str = "") -> dict[str, Any]:
    answer = glance.ask("GET", f"{ROOT}/{name}{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_namespace_is_there_as_it_is_written_and_goes_with_its_file(glance: Configured, keeper: Keeper) -> None:
    _, document = sample()
    assert keeper.keep(site={"a": document}).problems == []
    found = shown(glance, "Site::Hardening")
    for field in ("display_name", "description", "visibility", "protected"):
        assert found[field] == document[field]
    assert sorted(tag["name"] for tag in found["tags"]) == ["audited", "hardened"]
    assert found["objects"][0]["required"] == ["audited_by"]
    assert found["objects"][0]["properties"] == document["objects"][0]["properties"]
    targets = {one["name"]: one.get("properties_target") for one in found["resource_type_associations"]}
    assert targets == {"OS::Glance::Image": None, "OS::Cinder::Volume": "image"}
    assert keeper.keep(site={"a": document}).problems == []
    assert keeper.writes == [], "at rest nothing is written"
    assert glance.ask("DELETE", f"{ROOT}/Site::Hardening").status_code == 403, "it is protected"
    assert keeper.keep(site={}).problems == []
    assert glance.ask("GET", f"{ROOT}/Site::Hardening").status_code == 404


def test_the_prefix_of_a_resource_type_is_before_each_key(glance: Configured, keeper: Keeper) -> None:
    keeper.keep(site={"a": sample()[1]})
    found = shown(glance, "Site::Hardening", "?resource_type=OS::Glance::Image")
    assert list(found["properties"]) == ["site_hardening_level"]
    assert found["objects"][0]["required"] == ["site_audited_by"]


def test_each_part_follows_its_file_in_a_protected_namespace(glance: Configured, keeper: Keeper) -> None:
    _, document = sample()
    keeper.keep(site={"a": document})
    level = {**document["properties"]["hardening_level"], "maximum": 3, "default": "2"}
    changed = {
        **document,
        "description": "other",
        "properties": {"hardening_level": level, "new one": {"title": "New", "type": "boolean", "default": False}},
        "objects": [{"name": "Other", "required": ["x"], "properties": {"x": {"title": "X", "type": "string"}}}],
        "tags": [{"name": "hardened"}, {"name": "new & odd?"}],
        "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "other_"}],
    }
    assert keeper.keep(site={"a": changed}).problems == []
    found = shown(glance, "Site::Hardening")
    assert (found["description"], found["protected"]) == ("other", True)
    assert found["properties"]["hardening_level"] == {"name": "hardening_level", **level}
    assert found["properties"]["new one"]["default"] == "False"
    assert [one["name"] for one in found["objects"]] == ["Other"]
    assert {one["name"] for one in found["tags"]} == {"hardened", "new & odd?"}
    assert [one["prefix"] for one in found["resource_type_associations"]] == ["other_"]
    assert keeper.keep(site={"a": changed}).problems == []
    assert keeper.writes == []


def test_what_others_change_is_changed_back(glance: Configured, keeper: Keeper) -> None:
    document = {**NEW, "tags": [{"name": "a"}]}
    keeper.keep(site={"a": document})
    owner = shown(glance, "mine")["owner"]
    assert glance.ask("PUT", f"{ROOT}/mine", {"namespace": "mine", "protected": True}).status_code == 200
    assert glance.ask("POST", f"{ROOT}/mine/tags/b").status_code == 201
    keeper.keep(site={"a": document})
    found = shown(glance, "mine")
    assert ([tag["name"] for tag in found["tags"]], found["protected"]) == (["a"], False)
    assert (found["visibility"], found["owner"]) == ("public", owner)


def test_one_that_is_not_from_here_is_left_alone(glance: Configured, keeper: Keeper) -> None:
    assert glance.ask("POST", ROOT, {"namespace": "theirs", "description": "theirs"}).status_code == 201
    judged = keeper.keep(site={"a": {"namespace": "theirs", "description": "ours"}, "b": NEW})
    assert [reason for reason, _ in judged.problems] == ["NamespaceTaken"]
    assert keeper.ours == {"mine": "site"}
    keeper.keep(site={})
    assert shown(glance, "theirs")["description"] == "theirs"
    assert glance.ask("DELETE", f"{ROOT}/theirs").status_code == 204
    assert keeper.keep(site={"a": {"namespace": "theirs"}}).problems == []


def test_a_service_that_was_restored_finds_its_own_again(glance: Configured, keeper: Keeper) -> None:
    files = {"a": sample()[1], "b": NEW}
    keeper.keep(site=files)
    keeper.ours = {}
    assert keeper.keep(site=files).problems == []
    assert keeper.ours == {"Site::Hardening": "site", "mine": "site"}


def test_who_sees_it_is_as_written(glance: Configured, keeper: Keeper) -> None:
    keeper.keep(site={"a": NEW, "b": {"namespace": "hidden"}, "c": {"namespace": "his", "owner": USER["X-Project-Id"]}})
    seen = {name: asked(glance, "GET", f"{ROOT}/{name}") for name in ("mine", "hidden", "his")}
    assert seen == {"mine": 200, "hidden": 404, "his": 200}


def test_all_that_glance_brings_along_can_be_said_in_config_maps(glance: Configured, keeper: Keeper) -> None:
    files = {path.name: json.loads(path.read_text()) for path in Path(glance.places.metadefs).glob("*.json")}
    assert len(files) > 30
    assert keeper.keep(theirs=files).problems == []
    assert len(keeper.ours) == len(files)
    assert keeper.keep(theirs=files).problems == []
    assert keeper.writes == []


def run_load(glance: Configured, places: Places) -> tuple[int, str]:
    """Exit code and words of the command of the Job that loads Glance's own."""
    spec = view().spec
    of = Blueprint("glance", "images", "uid", spec, "image", "glance-config-0", places=places)
    (container,) = metadefs_job(of)["spec"]["template"]["spec"]["containers"]
    path = f"{environment.ensure().program('python').parent}:{os.environ['PATH']}"
    env = {**os.environ, **glance.environment(), "PATH": path}
    done = subprocess.run(container["command"], env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def asked(glance: Configured, verb: str, path: str, body: object = None) -> int:
    """The answer to a user without any special role."""
    return requests.request(verb, f"{glance.url}/v2{path}", json=body, headers=USER, timeout=30).status_code


def test_the_job_leaves_alone_what_is_there(glance: Configured) -> None:
    assert glance.ask("POST", ROOT, {"namespace": "OS::OperatingSystem", "description": "ours"}).status_code == 201
    assert run_load(glance, glance.places)[0] == 0
    listed = glance.ask("GET", f"{ROOT}?limit=100").json()["namespaces"]
    assert len(listed) == len(list(Path(glance.places.metadefs).glob("*.json")))
    assert "properties" not in shown(glance, "OS::OperatingSystem")
    assert shown(glance, "OS::Compute::Watchdog")["owner"] == "admin"
    assert shown(glance, "OS::Compute::Watchdog")["properties"]["watchdog_action"]["type"] == "string"
    assert asked(glance, "GET", f"{ROOT}/OS::Compute::Watchdog") == 200


def test_the_job_says_what_it_misses(glance: Configured) -> None:
    code, words = run_load(glance, replace(glance.places, python="/opt/other/bin/python3"))
    assert code == REFUSED
    assert "/opt/other/etc/glance/metadefs" in words


def test_the_sample_opens_all_that_glance_asks_its_policy_about(glance: Configured) -> None:
    code = "from glance.policies import metadef; print(*(one.name for one in metadef.list_rules()))"
    python = environment.ensure().program("python")
    known = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert {*sample()[0], "metadef_admin"} == set(known.stdout.split())
    assert len(sample()[0]) == 27


def writes(glance: Configured) -> dict[str, int]:
    """What becomes of each request of a user to write, in a namespace of his own if he may have one."""
    name, prop = f"{ROOT}/his-own", {"name": "p", "title": "P", "type": "string"}
    requests_ = {
        "namespace": ("POST", ROOT, {"namespace": "his-own"}),
        "change": ("PUT", name, {"namespace": "his-own", "description": "x"}),
        "property": ("POST", f"{name}/properties", prop),
        "property change": ("PUT", f"{name}/properties/p", prop),
        "property removal": ("DELETE", f"{name}/properties/p", None),
        "object": ("POST", f"{name}/objects", {"name": "o"}),
        "object change": ("PUT", f"{name}/objects/o", {"name": "o", "description": "x"}),
        "object removal": ("DELETE", f"{name}/objects/o", None),
        "tag": ("POST", f"{name}/tags/t", None),
        "tag change": ("PUT", f"{name}/tags/t", {"name": "t"}),
        "tag removal": ("DELETE", f"{name}/tags/t", None),
        "tags": ("POST", f"{name}/tags", {"tags": [{"name": "a"}]}),
        "tags removal": ("DELETE", f"{name}/tags", None),
        "type": ("POST", f"{name}/resource_types", {"name": "OS::Glance::Image"}),
        "type removal": ("DELETE", f"{name}/resource_types/OS::Glance::Image", None),
        "removal": ("DELETE", name, None),
    }
    return {what: asked(glance, *request) for what, request in requests_.items()}


def test_who_may_write_is_said_by_the_policy(glance: Configured) -> None:
    own = {"namespace": "his-own", "owner": USER["X-Project-Id"]}
    assert glance.ask("POST", ROOT, own).status_code == 201
    closed = writes(glance)
    assert {what: code for what, code in closed.items() if code != 403} == {}
    assert glance.ask("DELETE", f"{ROOT}/his-own").status_code == 204
    glance.configure(policy=sample()[0])
    eventually(lambda: asked(glance, "POST", ROOT, {"namespace": "probe"}) == 201)
    opened = writes(glance)
    assert {what: code for what, code in opened.items() if code not in (200, 201, 204)} == {}
    assert glance.ask("POST", ROOT, {"namespace": "hidden"}).status_code == 201
    assert asked(glance, "GET", f"{ROOT}/hidden") == 404, "opened are his own and the public ones"
