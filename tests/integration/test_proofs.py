"""What runs before a configuration reaches a pod, run here by the Glance of the sandbox on files of ours."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core.config.services import KEYSTONE, PASSWORD, service, store

from glance_operator.core import config
from glance_operator.core.config import Service
from glance_operator.core.config.places import Places
from glance_operator.core.manifests import preflight_job, probe_job
from glance_operator.core.manifests.jobs import REFUSED
from glance_operator.core.manifests.plan import Blueprint, Object
from sandbox_kit import environment
from sandbox_kit.environment import Environment
from sandbox_kit.ports import free_port

CENTRAL = store("central", "file", {"pvc": {"claimName": "a"}}, description="$5", weight=3)


@pytest.fixture(scope="module")
def openstack() -> Environment:
    return environment.ensure()


@pytest.fixture
def places(tmp_path: Path, openstack: Environment) -> Places:
    return pod_below(tmp_path, openstack)


def pod_below(root: Path, openstack: Environment) -> Places:
    """A pod's directories, with an empty database."""
    found = Places(str(root), str(openstack.program("python")))
    for place in (found.etc, found.work, found.run, found.store("central")):
        Path(place).mkdir(parents=True)
    for place in (found.policy, found.database):
        Path(place).parent.mkdir(parents=True)
    openstack.empty_database("glance", Path(found.database))
    return found


def run(job: Object, places: Places, files: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and last words of the container's command."""
    for name, text in files.items():
        (Path(places.etc) / name).write_text(text)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    words = Path(places.run) / "termination-log"
    own = {"OS_GLANCE_CONFIG_DIR": places.etc, "TERMINATION_LOG": str(words), **environment.QUIET}
    done = subprocess.run(
        container["command"], env={**os.environ, **own}, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, words.read_text() if words.exists() else done.stderr


def blueprint(given: Service) -> Blueprint:
    return Blueprint(
        "glance", "images", "uid", given.spec, "image", "glance-config-0", stores=given.stores, places=given.places
    )


def preflight(places: Places, **spec: Any) -> tuple[int, str]:
    given = service(CENTRAL, places=places, **spec)
    return run(preflight_job(blueprint(given)), places, config.files(given))


def test_a_good_configuration_passes_and_tells_its_version(places: Places) -> None:
    code, words = preflight(
        places,
        extraConfig={"DEFAULT": {"image_tag_quota": "64", "debug": "true"}, "cors": {"allowed_origin": "https://a"}},
        imports={"conversion": {"outputFormat": "raw"}, "injectMetadata": {"properties": {"a": "b"}}},
        cache={"maxSize": "1Gi", "volumeSize": "1Gi"},
        quotas=None,
    )
    assert (code, json.loads(words)["release"].split(".")[0]) == (0, "33"), words


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"wsgi": {"foo": "bar"}}, "[wsgi] foo"),
        ({"DEFAULT": {"image_tag_qouta": "1"}}, "[DEFAULT] image_tag_qouta"),
        ({"nonsense": {"debug": "true"}}, "[nonsense] debug"),
        ({"DEFAULT": {"image_tag_quota": "many"}}, "image_tag_quota"),
        ({"central": {"filesystem_store_chunk_size": "large"}}, "filesystem_store_chunk_size"),
        ({"central": {"rbd_store_pool": "images"}}, "[central] rbd_store_pool"),
    ],
)
def test_what_glance_would_pass_over_or_stumble_on_is_refused_by_name(
    places: Places, extra: dict[str, dict[str, str]], told: str
) -> None:
    code, words = preflight(places, extraConfig=extra)
    assert code == REFUSED, words
    assert told in words


def test_a_database_that_does_not_answer_is_named_without_its_password(places: Places) -> None:
    connection = f"mysql+pymysql://glance:s3cret@127.0.0.1:{free_port()}/glance"
    code, words = preflight(
        places, connection=connection, database={"connectionSecretRef": {"name": "db", "key": "connection"}}
    )
    assert code == 1, words
    assert "127.0.0.1" in words
    assert "s3cret" not in words


def test_a_keystone_that_does_not_answer_is_named(places: Places) -> None:
    address = f"http://127.0.0.1:{free_port()}/v3"
    code, words = preflight(places, keystone=PASSWORD, auth={"keystone": {**KEYSTONE, "authURL": address}})
    assert code == 1, words
    assert address in words
    assert "pa$$" not in words


def probe(places: Places) -> tuple[int, str]:
    given = service(CENTRAL, places=places)
    return run(probe_job(blueprint(given)), places, config.proof(given))


def test_a_store_is_proven_by_an_object_of_which_nothing_remains(places: Places) -> None:
    code, words = probe(places)
    assert code == 0, words
    assert 0 < json.loads(words)["available"] <= json.loads(words)["total"]
    assert list(Path(places.store("central")).iterdir()) == []


def test_a_store_that_takes_nothing_says_so(places: Places) -> None:
    Path(places.store("central")).rmdir()
    Path(places.store("central")).write_text("a file where the directory should be")
    code, words = probe(places)
    assert code == 1
    assert "central" in words
