"""Every way into a cloud that a clouds.yaml may describe leads to an image that is served."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.images.lab import condition
from tests.integration.keystone.conftest import CloudLab
from tests.integration.keystone.identity import Administrator

from sandbox_kit import images
from sandbox_kit.keystone import OPERATOR_PASSWORD
from sandbox_kit.pki import Authority

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 16)


def by_password(lab: CloudLab) -> Any:
    return lab.clouds(auth_type="password")


def by_v3password(lab: CloudLab) -> Any:
    return lab.clouds(auth_type="v3password")


def by_application_credential(lab: CloudLab) -> Any:
    return lab.keystone.application_credential_clouds(lab.keystone.new_application_credential(lab.namespace))


def by_token(lab: CloudLab) -> Any:
    token = lab.keystone.token("operator", OPERATOR_PASSWORD, "images")
    return lab.clouds("username", "password", "user_domain_id", auth={"token": token}, auth_type="v3token")


@pytest.mark.parametrize("clouds", [by_password, by_v3password, by_application_credential, by_token])
def test_served(lab: CloudLab, name: str, clouds: Callable[[CloudLab], Any]) -> None:
    lab.apply(lab.credentials(name, clouds(lab)))
    lab.apply(lab.image(name, lab.source.serve(name, DATA), name, visibility="public"))
    body = lab.ready(name)
    assert condition(body, "CloudReady")["status"] == "True"
    image = lab.in_glance(body["status"]["id"])
    assert image
    assert (image["status"], image["visibility"], image["size"]) == ("active", "public", len(DATA))


def test_certificates_of_an_authority_are_taken_along(lab: CloudLab, name: str, authority: bytes) -> None:
    secret = lab.credentials(name, lab.clouds())
    secret["data"] = {"cacert": base64.b64encode(authority).decode()}
    lab.apply(secret, lab.image(name, lab.source.serve(name, DATA), name))
    lab.ready(name)


@pytest.fixture
def authority(tmp_path: Path) -> bytes:
    """A certificate; nobody here has one to show, as everything is plain HTTP."""
    return Authority(tmp_path).pair.cert.read_bytes()


def test_region_and_interface_choose_the_endpoint(lab: CloudLab, name: str, administrator: Administrator) -> None:
    """In one more region only the internal endpoint leads to a service that answers."""
    nobody = lab.source.refusing_url("images")
    administrator.offer_images(name, internal=lab.glance.url, public=nobody)
    url = lab.source.serve(name, DATA)
    ways: dict[str, dict[str, Any]] = {
        "internal": {"region_name": name, "interface": "internal"},
        "public": {"region_name": name, "interface": "public"},
        "nowhere": {"region_name": "Nowhere"},
    }
    for way, settings in ways.items():
        secret = f"{name}-{way}"
        lab.apply(lab.credentials(secret, lab.clouds(**settings)), lab.image(secret, url, secret))
    lab.ready(f"{name}-internal")
    body = lab.until(f"{name}-public", "CloudReady", "False", "GlanceUnavailable")
    assert nobody.rpartition("/")[0] in condition(body, "Ready")["message"]
    body = lab.until(f"{name}-nowhere", "CloudReady", "False", "EndpointNotFound")
    assert "the service catalog offers no image service" in condition(body, "Ready")["message"]
    assert "region_name" in condition(body, "Ready")["message"]


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A service that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
        listening.settimeout(30)
        yield listening


def test_a_cloud_that_never_answers_holds_up_no_other(lab: CloudLab, name: str, silent: socket.socket) -> None:
    """It has more Images than the operator has workers; a request to it ends after half a minute."""
    url, nobody = lab.source.serve(name, DATA), f"http://127.0.0.1:{silent.getsockname()[1]}"
    stuck = [f"{name}-{n}" for n in range(30)]
    secret = lab.credentials(f"{name}-silent", lab.clouds(image_endpoint_override=nobody))
    lab.apply(secret, *[lab.image(one, url, f"{name}-silent", deletionPolicy="Retain") for one in stuck])
    held, _ = silent.accept()
    with held:
        lab.apply(lab.credentials(name, lab.clouds()), lab.image(name, url, name))
        lab.ready(name, timeout=15)
        assert "conditions" not in lab.get(stuck[0]).get("status", {})  # it is still being asked for
    lab.kubectl("delete", "gimg", *stuck, "--wait=false")
