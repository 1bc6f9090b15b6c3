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
from glance_operator.core.manifests import check_job, database_job, preflight_job, probe_job
from glance_operator.core.manifests.jobs import REFUSED
from glance_operator.core.manifests.plan import Blueprint, Object
from sandbox_kit import environment
from sandbox_kit.environment import Environment
from sandbox_kit.pki import Authority
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
    path = f"{Path(places.python).parent}:{os.environ['PATH']}"
    own = {"OS_GLANCE_CONFIG_DIR": places.etc, "TERMINATION_LOG": str(words), "PATH": path, **environment.QUIET}
    command = [word.replace("/dev/termination-log", str(words)) for word in container["command"]]
    done = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, timeout=60, check=False)
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


@pytest.mark.parametrize("connection", ["mysql://glance:s3cret@db/glance", "glance:s3cret@db/glance"])
def test_a_connection_that_is_none_is_refused_with_how_it_is_written(places: Places, connection: str) -> None:
    code, words = preflight(
        places, connection=connection, database={"connectionSecretRef": {"name": "db", "key": "connection"}}
    )
    assert code == REFUSED, words
    assert "mysql+pymysql://user:password@host/database" in words
    assert "s3cret" not in words


def test_whether_the_schema_suits_an_image_is_told_by_glance(places: Places) -> None:
    """Before it is expanded it does not, before it is contracted it does."""
    given = service(CENTRAL, places=places)
    files, of = config.files(given), blueprint(given)
    Path(places.database).unlink()
    code, words = run(check_job(of, ""), places, files)
    assert (code, "glance-manage db expand" in words) == (1, True), words
    for phase in ("prepare", "contract"):
        code, words = run(database_job(of, phase), places, files)
        assert code == 0, words
        code, words = run(check_job(of, ""), places, files)
        assert code == 0, words


def test_a_keystone_that_does_not_answer_is_named(places: Places) -> None:
    address = f"http://127.0.0.1:{free_port()}/v3"
    code, words = preflight(places, keystone=PASSWORD, auth={"keystone": {**KEYSTONE, "authURL": address}})
    assert code == 1, words
    assert address in words
    assert "pa$$" not in words


def test_a_key_must_belong_to_its_certificate(places: Places, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "pki")
    one, other = (authority.web(name, ["glance.images.svc.cluster.local"]) for name in ("one", "other"))

    def served(key: Path) -> tuple[int, str]:
        certificate = {"tls.crt": one.cert.read_text(), "tls.key": key.read_text()}
        return preflight(places, tls={"secretName": "web"}, certificate=certificate, cas={"tls": ""})

    assert served(one.key)[0] == 0
    code, words = served(other.key)
    assert code == REFUSED, words
    assert "tls.crt and tls.key (spec.tls.secretName) cannot be used together" in words


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
