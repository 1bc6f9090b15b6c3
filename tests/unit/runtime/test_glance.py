"""The client of the image service, over real HTTP: what it asks, and what it makes of each answer."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.runtime.glance_lab import HEADERS, IMAGE, Lab
from tests.unit.runtime.image_service import Answer

from glance_operator.core.image.caches import CacheList
from glance_operator.core.image.observed import GlanceImage, Service, Task
from glance_operator.core.plan import Phase, State
from glance_operator.runtime.endpoint import Endpoint
from glance_operator.runtime.errors import Refused, Unavailable
from glance_operator.runtime.glance import Glance

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")


def test_trusted_headers_are_sent_and_json_is_asked_for(lab: Lab) -> None:
    lab.service.on("GET /v2/images/i1", Answer(200, IMAGE))
    assert lab.glance.image("i1") == GlanceImage("i1", "n")
    (asked,) = lab.service.asked
    assert {name: asked.headers.get(name) for name in HEADERS} == HEADERS
    assert asked.headers["Accept"] == "application/json"
    assert asked.headers["User-Agent"].startswith("glance-operator/")


@pytest.mark.parametrize(("suffix", "path"), [("", "/v2"), ("/", "/v2"), ("/v2", "/v2"), ("/image", "/image/v2")])
def test_an_endpoint_is_the_root_or_the_versioned_address(lab: Lab, suffix: str, path: str) -> None:
    lab.service.on(f"GET {path}/images/i1", Answer(200, IMAGE))
    assert lab.client({"auth_type": "none", "image_endpoint_override": lab.service.url + suffix}).image("i1")


def test_a_list_is_read_page_by_page(lab: Lab) -> None:
    pages = [
        Answer(200, {"images": [IMAGE], "next": "/v2/images?limit=1000&marker=i1"}),
        Answer(200, {"images": [IMAGE | {"id": "i2"}], "next": "/v2/images?limit=1000&marker=i2"}),
        Answer(200, {"images": []}),
    ]
    lab.service.on("GET /v2/images", *pages)
    assert [image.id for image in lab.glance.images(True, ["i1", "i2"], glance_operator_cluster="here")] == ["i1", "i2"]
    first, *others = (parse_qs(urlsplit(one.path).query) for one in lab.service.asked)
    assert first == {
        "limit": ["1000"],
        "visibility": ["all"],
        "os_hidden": ["true"],
        "glance_operator_cluster": ["here"],
        "id": ["in:i1,i2"],
    }
    assert [one["marker"] for one in others] == [["i1"], ["i2"]]


STORES = [
    {"id": "central", "default": "true"},
    {"id": "dcn0", "description": "x"},
    {"id": "http", "read-only": "true"},
]
IMPORT = Answer(200, {"import-methods": {"value": ["web-download", "copy-image"]}})


@pytest.mark.parametrize(
    ("words", "stores", "wanted"),
    [
        ("several", Answer(200, {"stores": STORES}), Service(("central", "dcn0"), "central")),
        ("none by name", Answer(404, {"message": "Multi backend is not enabled"}), Service()),
        ("no default", Answer(200, {"stores": STORES[1:]}), Service(("dcn0",))),
    ],
)
def test_what_a_service_offers(lab: Lab, words: str, stores: Answer, wanted: Service) -> None:
    lab.service.on("GET /v2/info/import", IMPORT)
    lab.service.on("GET /v2/info/stores", stores)
    found = lab.glance.service()
    assert (found.stores, found.default_store) == (wanted.stores, wanted.default_store)
    assert found.methods == {"web-download", "copy-image"}


def test_tasks_come_in_the_order_of_their_time(lab: Lab) -> None:
    raw = [
        {"id": "t2", "status": "failure", "created_at": "2026-01-02", "message": "Task failed"},
        {"id": "t1", "status": "success", "created_at": "2026-01-01", "message": None},
    ]
    lab.service.on("GET /v2/images/i1/tasks", Answer(200, {"tasks": raw}))
    assert lab.glance.tasks("i1") == [
        Task("t1", "success", "2026-01-01"),
        Task("t2", "failure", "2026-01-02", "Task failed"),
    ]


# Verbs: what is called, the request it makes, with which body
VERBS: list[tuple[Callable[[Glance], object], str, Answer, Any]] = [
    (lambda g: g.create({"id": "i1"}), "POST /v2/images", Answer(201, IMAGE), {"id": "i1"}),
    (lambda g: g.start_import("i1", {"a": 1}), "POST /v2/images/i1/import", Answer(202), {"a": 1}),
    (lambda g: g.patch("i1", [{"op": "x"}]), "PATCH /v2/images/i1", Answer(200, IMAGE), [{"op": "x"}]),
    (lambda g: g.delete("i1"), "DELETE /v2/images/i1", Answer(204), None),
    (lambda g: g.add_member("i1", "p2"), "POST /v2/images/i1/members", Answer(200, {}), {"member": "p2"}),
    (lambda g: g.remove_member("i1", "p2"), "DELETE /v2/images/i1/members/p2", Answer(204), None),
    (lambda g: g.cache_image("i1"), "PUT /v2/cache/i1", Answer(202), None),
    (lambda g: g.uncache_image("i1"), "DELETE /v2/cache/i1", Answer(204), None),
    (lambda g: g.clear_cache(), "DELETE /v2/cache", Answer(204), None),
]
LISTED = {"cached_images": [{"image_id": "i1", "size": 1, "hits": 0}], "queued_images": ["i2"]}
READS: list[tuple[Callable[[Glance], object], str, Answer]] = [
    (lambda g: g.image("i1"), "GET /v2/images/i1", Answer(200, IMAGE)),
    (lambda g: g.images(False), "GET /v2/images", Answer(200, {"images": []})),
    (lambda g: g.tasks("i1"), "GET /v2/images/i1/tasks", Answer(200, {"tasks": []})),
    (lambda g: g.cache(), "GET /v2/cache", Answer(200, LISTED)),
    (lambda g: g.members("i1"), "GET /v2/images/i1/members", Answer(200, {"members": [{"member_id": "p2"}]})),
]


@pytest.mark.parametrize(("call", "request_", "answer", "body"), VERBS, ids=[row[1] for row in VERBS])
def test_what_changes_something_passes_the_fence(
    lab: Lab, call: Callable[[Glance], object], request_: str, answer: Answer, body: Any
) -> None:
    lab.service.on(request_, answer)
    call(lab.glance)
    assert lab.service.requests() == [request_]
    assert lab.service.asked[0].body == body
    assert lab.fenced == 1
    lab.may_write = False
    with pytest.raises(PermissionError):
        call(lab.glance)
    assert lab.service.requests() == [request_]


@pytest.mark.parametrize(("call", "request_", "answer"), READS, ids=[row[1] for row in READS])
def test_what_only_reads_does_not(lab: Lab, call: Callable[[Glance], object], request_: str, answer: Answer) -> None:
    lab.service.on(request_, answer)
    lab.may_write = False
    call(lab.glance)
    assert lab.fenced == 0
    assert len(lab.service.asked) == 1


def test_what_a_cache_lists(lab: Lab) -> None:
    lab.service.on("GET /v2/cache", Answer(200, LISTED))
    assert lab.glance.cache() == CacheList(frozenset({"i1"}), frozenset({"i2"}))


def test_a_cache_is_pruned_and_cleaned(lab: Lab) -> None:
    lab.service.on("POST /v2/cache/prune", Answer(200, {"total_files_pruned": 2, "total_bytes_pruned": 9}))
    lab.service.on("POST /v2/cache/clean", Answer(200))
    assert lab.glance.tend_cache() == 2
    assert [one.body for one in lab.service.asked] == [None, None]


def test_a_patch_says_what_it_is(lab: Lab) -> None:
    lab.service.on("PATCH /v2/images/i1", Answer(200, IMAGE))
    lab.glance.patch("i1", [])
    assert lab.service.asked[0].headers["Content-Type"] == "application/openstack-images-v2.1-json-patch"


def test_what_is_not_there_is_none_or_nothing(lab: Lab) -> None:
    lab.service.on("GET /v2/info/import", IMPORT)
    assert lab.glance.image("i1") is None
    assert lab.glance.tasks("i1") == []
    lab.glance.delete("i1")
    lab.glance.uncache_image("i1")
    with pytest.raises(Refused, match="nothing of this name"):
        lab.glance.members("i1")


@pytest.mark.parametrize(
    ("words", "body", "said"),
    [
        (
            "markup",
            {"message": "Image <b>i1</b> is  busy.<br /><br />\n\n"},
            "Image i1 is busy.",
        ),
        ("HTML", "<html><h1>409 Conflict</h1> busy</html>", "409 Conflict busy"),
        ("no message", {"code": "409 Conflict"}, ""),
        ("a list", ["busy"], '["busy"]'),
        ("nothing", None, ""),
        ("very long", {"message": "x" * 9000}, "x" * 500),
    ],
)
def test_a_refusal_in_glance_s_own_words(lab: Lab, words: str, body: Any, said: str) -> None:
    lab.service.on("DELETE /v2/images/i1", Answer(409, body))
    with pytest.raises(Refused) as caught:
        lab.glance.delete("i1")
    assert (caught.value.status, caught.value.message) == (409, said)


@pytest.mark.parametrize("code", [400, 403, 404, 409, 413, 415, 500, 501])
def test_one_refused_request_leaves_the_cloud_open(lab: Lab, code: int) -> None:
    lab.service.on("GET /v2/images", Answer(200, {"images": []}))
    lab.service.on("POST /v2/images/i1/import", Answer(code, {"message": "no"}))
    lab.glance.images(False)
    with pytest.raises(Refused):
        lab.glance.start_import("i1", {})
    assert lab.gate.wait() == 0
    assert lab.codes == [("GET", "200"), ("POST", str(code))]


# method, code, Retry-After -> reason, seconds asked for
CLOSED: list[tuple[str, int, str | None, str, float | None]] = [
    ("GET", 500, None, "GlanceUnavailable", None),
    ("GET", 503, "7", "GlanceUnavailable", 7.0),
    ("PATCH", 502, None, "GlanceUnavailable", None),
    ("PATCH", 503, "120", "GlanceUnavailable", 120.0),
    ("PATCH", 504, "Wed, 21 Oct 2026 07:28:00 GMT", "GlanceUnavailable", None),
    ("PATCH", 429, "3", "GlanceUnavailable", 3.0),
    ("PATCH", 429, "-3", "GlanceUnavailable", None),
    ("GET", 401, None, "CredentialsRefused", None),
    ("PATCH", 401, None, "CredentialsRefused", None),
]


@pytest.mark.parametrize(("method", "code", "header", "reason", "after"), CLOSED)
def test_an_answer_about_the_whole_cloud_closes_it(
    lab: Lab, method: str, code: int, header: str | None, reason: str, after: float | None
) -> None:
    headers = {"Retry-After": header} if header else {}
    lab.service.on(f"{method} /v2/images/i1", Answer(code, {"message": "no"}, headers))
    calls: dict[str, Callable[[], object]] = {
        "GET": lambda: lab.glance.image("i1"),
        "PATCH": lambda: lab.glance.patch("i1", []),
    }
    with pytest.raises(Unavailable) as caught:
        calls[method]()
    assert (caught.value.state.reason, caught.value.retry_after) == (reason, after)
    assert str(code) in caught.value.state.message
    assert lab.gate.wait() > 0
    with pytest.raises(Unavailable):
        lab.glance.image("other")
    assert lab.codes == [(method, str(code))]


def test_nobody_listens(lab: Lab) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        glance = lab.client({"auth_type": "none", "image_endpoint_override": url})
        with pytest.raises(Unavailable, match=f"the cloud does not answer .* at {url}") as caught:
            glance.image("i1")
    assert caught.value.state == State(Phase.WORKING, "GlanceUnavailable", caught.value.state.message)
    assert lab.codes == [("GET", "<error>")]
    assert lab.gate.wait() > 0


def test_what_no_client_foresees_is_an_outage(lab: Lab, tmp_path: Path) -> None:
    (ca := tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
    url = {"image_endpoint_override": lab.service.url.replace("http:", "https:")}
    glance = Glance(Endpoint({"auth_type": "none", **url}, str(ca)), lab.gate)
    ca.unlink()  # somebody cleans up
    with pytest.raises(Unavailable, match=r"no request can be sent \(OSError\)"):
        glance.image("i1")
    assert lab.gate.wait() > 0


@pytest.mark.parametrize("body", ["<html>Welcome to nginx</html>", ""])
def test_an_answer_that_is_no_json(lab: Lab, body: str) -> None:
    lab.service.on("GET /v2/images/i1", Answer(200, body))
    with pytest.raises(Unavailable, match="not the image API's JSON"):
        lab.glance.image("i1")


# What is asked first of an address that answers 404 to everything
NOBODY: dict[str, Callable[[Glance], object]] = {
    "an image": lambda g: g.image("i1"),
    "its tasks": lambda g: g.tasks("i1"),
    "a deletion": lambda g: g.delete("i1"),
    "a list": lambda g: g.images(False),
    "a new image": lambda g: g.create({"id": "i1"}),
    "a patch": lambda g: g.patch("i1", []),
    "the service": lambda g: g.service(),
}


@pytest.mark.parametrize("words", NOBODY)
def test_an_address_that_answers_404_to_everything_says_nothing_about_images(lab: Lab, words: str) -> None:
    with pytest.raises(Unavailable, match=rf"no image service .* HTTP 404 at {lab.service.url}$"):
        NOBODY[words](lab.glance)
    assert lab.gate.up() is False
    with pytest.raises(Unavailable):
        lab.glance.image("other")
    assert len(lab.service.asked) <= 2


@pytest.mark.parametrize(("seconds", "probes"), [(9, 0), (11, 1)])
def test_an_address_that_has_answered_lately_is_believed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, seconds: float, probes: int
) -> None:
    now = 1000.0
    monkeypatch.setattr("glance_operator.runtime.glance.time.monotonic", lambda: now)
    lab.service.on("GET /v2/images/i1", Answer(200, IMAGE))
    lab.service.on("GET /v2/info/import", IMPORT)
    lab.glance.image("i1")
    now += seconds
    assert [lab.glance.image(name) for name in ("i2", "i3")] == [None, None]
    assert lab.service.requests().count("GET /v2/info/import") == probes
