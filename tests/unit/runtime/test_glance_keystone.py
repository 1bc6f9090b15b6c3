"""The client of the image service with a Keystone in front: tokens, the catalog, and a Keystone that does not help."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from typing import Any

import pytest
from tests.unit.runtime.glance_lab import HEADERS, IMAGE, Lab
from tests.unit.runtime.image_service import TOKEN, Answer, Asked

from glance_operator.core.image.observed import GlanceImage
from glance_operator.runtime.endpoint import Endpoint
from glance_operator.runtime.errors import Unavailable
from glance_operator.runtime.gate import Gate
from glance_operator.runtime.glance import Glance

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")


def test_a_token_is_fetched_once(lab: Lab) -> None:
    glance = lab.client(lab.service.keystone(), {})
    lab.service.on("GET /v2/images/i1", Answer(200, IMAGE))
    for _ in range(3):
        assert glance.image("i1")
    assert lab.service.requests("/v3/auth") == ["POST /v3/auth/tokens"]
    assert {one.headers["X-Auth-Token"] for one in lab.service.asked if one.path.startswith("/v2")} == {TOKEN}


def test_a_job_gets_a_token_and_the_address_of_the_catalog(lab: Lab) -> None:
    access = lab.client(lab.service.keystone(), {}).access()
    assert dict(access.headers) == {"X-Auth-Token": TOKEN}
    assert access.url.endswith("/v2")


def test_without_keystone_a_job_gets_the_same_headers_and_the_versioned_address(lab: Lab) -> None:
    access = lab.glance.access()
    assert access.url == f"{lab.service.url}/v2"
    assert HEADERS.items() <= dict(access.headers).items()
    assert access.ca == ""


def test_a_token_that_ended_is_fetched_anew_and_the_request_repeated(lab: Lab) -> None:
    glance = lab.client(lab.service.keystone(), {})
    lab.service.on("GET /v2/images/i1", Answer(200, IMAGE), Answer(401, {"message": "no"}), Answer(200, IMAGE))
    assert glance.image("i1")
    assert glance.image("i1")
    assert len(lab.service.requests("/v3/auth")) == 2
    assert lab.gate.wait() == 0


@pytest.mark.parametrize(
    ("words", "tokens", "catalog", "reason"),
    [
        ("a wrong password", 401, True, "CredentialsRefused"),
        ("no role", 403, True, "CredentialsRefused"),
        ("a Keystone out of order", 500, True, "GlanceUnavailable"),
        ("no image service", 201, False, "EndpointNotFound"),
    ],
)
def test_a_keystone_that_does_not_help(lab: Lab, words: str, tokens: int, catalog: bool, reason: str) -> None:
    glance = lab.client(lab.service.keystone(tokens, catalog), {})
    with pytest.raises(Unavailable) as caught:
        glance.image("i1")
    assert caught.value.state.reason == reason
    assert "correct-horse" not in caught.value.state.message
    assert lab.codes == [("GET", "<error>")]
    assert lab.gate.wait() > 0


# the code of Keystone, its Retry-After -> reason, what is said, seconds asked for
ANSWERS: list[tuple[int, str, str, str, float | None]] = [
    (400, "", "CredentialsRefused", "Keystone answers HTTP 400 at http://127.0.0.1:.*numbers in quotes", None),
    (404, "", "CredentialsRefused", "Keystone answers HTTP 404 at .*check auth_url", None),
    (401, "", "CredentialsRefused", r"Keystone refuses the credentials \(HTTP 401\)", None),
    (429, "11", "GlanceUnavailable", "Keystone answers HTTP 429", 11.0),
    (500, "", "GlanceUnavailable", "Keystone answers HTTP 500", None),
    (503, "7", "GlanceUnavailable", "Keystone answers HTTP 503", 7.0),
    (503, "soon", "GlanceUnavailable", "Keystone answers HTTP 503", None),
]


@pytest.mark.parametrize(("code", "header", "reason", "said", "after"), ANSWERS)
def test_what_keystone_answers_is_named(
    lab: Lab, code: int, header: str, reason: str, said: str, after: float | None
) -> None:
    glance = lab.client(lab.service.keystone(), {})
    words = {"error": {"message": "user correct-horse", "code": code}}
    lab.service.on("POST /v3/auth/tokens", Answer(code, words, {"Retry-After": header} if header else {}))
    with pytest.raises(Unavailable, match=said) as caught:
        glance.image("i1")
    assert (caught.value.state.reason, caught.value.retry_after) == (reason, after)
    assert "correct-horse" not in caught.value.state.message


def test_the_fence_is_asked_after_the_token_and_right_before_each_request(lab: Lab) -> None:
    glance = lab.client(lab.service.keystone(), {})
    seen: list[list[str]] = []
    lab.on_fence = lambda: seen.append([one.split("/")[1] for one in lab.service.requests("/")])
    lab.service.on("DELETE /v2/images/i1", Answer(401, {"message": "no"}), Answer(204))
    glance.delete("i1")
    first, second = seen
    assert first[-1] == "v3"
    assert "v2" not in first
    assert second[-2:] == ["v2", "v3"]
    assert len(lab.service.requests()) == 2


def test_who_lost_the_right_to_write_while_a_token_was_fetched_does_not(lab: Lab) -> None:
    glance = lab.client(lab.service.keystone(), {})

    def late(_: Asked) -> Any:
        lab.may_write = False
        return token

    token = lab.service.answers["POST /v3/auth/tokens"][0].body
    lab.service.on("POST /v3/auth/tokens", Answer(201, late, {"X-Subject-Token": TOKEN}))
    with pytest.raises(PermissionError):
        glance.delete("i1")
    assert lab.service.requests() == []
    assert len(lab.service.requests("/v3/auth")) == 1


def test_a_service_that_moved_is_found_again(lab: Lab) -> None:
    glance = lab.client(lab.service.keystone(), {})
    moved = lab.service.answers["POST /v3/auth/tokens"][0]
    lab.service.on("GET /v2/images/i1", Answer(200, IMAGE))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        before = json.loads(json.dumps(moved.body).replace(lab.service.url, url))
        lab.service.on("POST /v3/auth/tokens", moved._replace(body=before), moved)
        with pytest.raises(Unavailable, match=f"does not answer .* at {url}"):
            glance.image("i1")
    lab.gate.try_now()
    assert glance.image("i1") == GlanceImage("i1", "n")


def test_a_service_that_left_nothing_but_404_behind_is_found_again(lab: Lab) -> None:
    """Its old address is answered by a front end; the catalog is asked anew with each try."""
    glance = lab.client(lab.service.keystone(), {})
    moved = lab.service.answers["POST /v3/auth/tokens"][0]
    lab.service.on("GET /v2/images/i1", Answer(200, IMAGE))
    before = json.loads(json.dumps(moved.body).replace(f'"{lab.service.url}"', f'"{lab.service.url}/old"'))
    lab.service.on("POST /v3/auth/tokens", *[moved._replace(body=before)] * 2, moved)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"no image service .* is there"):
            glance.image("i1")
        lab.gate.try_now()
    assert glance.image("i1") == GlanceImage("i1", "n")
    assert len(lab.service.requests("/v3/auth")) == 3


@pytest.mark.parametrize(("words", "crowd", "timeouts"), [("silent", 0, (30, 0.5)), ("unreachable", 8, (0.5, 30))])
def test_a_keystone_that_never_answers_holds_nobody_for_long(
    monkeypatch: pytest.MonkeyPatch, words: str, crowd: int, timeouts: tuple[float, float]
) -> None:
    """It takes the connection and says nothing; or not even that, because others fill its queue."""
    monkeypatch.setattr("glance_operator.runtime.endpoint._TIMEOUT", timeouts)
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0 if crowd else 8))
        for other in [stack.enter_context(socket.socket()) for _ in range(crowd)]:
            other.setblocking(False)
            other.connect_ex(silent.getsockname())
        auth = {"auth_url": f"http://127.0.0.1:{silent.getsockname()[1]}/v3", "username": "u", "password": "p"}
        auth |= {"project_name": "p", "user_domain_id": "default", "project_domain_id": "default"}
        endpoint = Endpoint({"auth_type": "v3password", "auth": auth}, None)
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            Glance(endpoint, Gate()).service()
    assert caught.value.state.reason == "GlanceUnavailable"
    assert time.monotonic() - began < 10
