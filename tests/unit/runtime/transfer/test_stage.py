"""What Glance may answer to staged bytes, each in its own words, and that nothing half looks whole."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from glance_operator.core.transfer.config import GlanceConfig
from glance_operator.core.transfer.outcome import Failure
from glance_operator.runtime.transfer.stage import Stage


class Service(ThreadingHTTPServer):
    """Answers every PUT with `status`, after it has read so much of the body as it is told."""

    daemon_threads = True

    def __init__(self, status: int, read: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.read, self.body, self.whole = status, read, b"", threading.Event()
        self.headers: dict[str, str] = {}

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is part of the test."""


class Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        self.server.headers = dict(self.headers)
        while self.server.read and (size := int(self.rfile.readline() or b"-1", 16)):
            self.server.body += self.rfile.read(size + 2)[:-2]
        self.server.whole.set()
        text = b'{"message": "its own words"}'
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Retry-After", "7")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def serving(request: pytest.FixtureRequest) -> Iterator[Service]:
    service = Service(*request.param)
    threading.Thread(target=service.serve_forever, args=(0.05,), daemon=True).start()
    yield service
    service.shutdown()
    service.server_close()


def stage(service: Service, directory: Path) -> Stage:
    headers = directory / "headers"
    headers.write_text("X-Auth-Token: abc\n")
    url = f"http://127.0.0.1:{service.server_address[1]}"
    return Stage(GlanceConfig(url=url, image_id="i", headers_file=str(headers)))


@pytest.mark.parametrize("serving", [(204,)], indirect=True)
def test_the_bytes_arrive_in_chunks_with_the_headers_of_the_file(serving: Service, tmp_path: Path) -> None:
    stage(serving, tmp_path).put(iter([b"one", b"", b"two"]))
    assert serving.body == b"onetwo"
    assert serving.headers["X-Auth-Token"] == "abc"
    assert serving.headers["Transfer-Encoding"] == "chunked"


@pytest.mark.parametrize(
    ("serving", "reason", "words"),
    [
        ((413,), "StageRefused", r"staging is full, or a quota is reached \(its own words\)"),
        ((409,), "StageRefused", r"does not wait for data \(its own words\)"),
        ((404,), "StageRefused", "does not have the image"),
        ((401,), "StageRefused", "refuses the credentials"),
        ((400,), "StageRefused", r"answered 400 \(its own words\)"),
        ((500,), "GlanceUnavailable", "Glance answered 500"),
        ((503,), "GlanceUnavailable", "Glance answered 503"),
    ],
    indirect=["serving"],
)
def test_every_answer_has_its_words(serving: Service, reason: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=words) as caught:
        stage(serving, tmp_path).put(iter([b"data"]))
    assert (caught.value.reason, caught.value.elsewhere, caught.value.terminal) == (reason, False, False)
    assert caught.value.retry_after == (7 if reason == "GlanceUnavailable" else None)


@pytest.mark.parametrize("serving", [(413, False)], indirect=True)
def test_an_answer_in_the_middle_is_heard(serving: Service, tmp_path: Path) -> None:
    """As when the staging is full after some gigabytes: the rest of the body is not wanted any more."""
    with pytest.raises(Failure, match="staging is full"):
        stage(serving, tmp_path).put(bytes(1 << 20) for _ in range(256))


@pytest.mark.parametrize("serving", [(204,)], indirect=True)
def test_what_is_not_whole_never_gets_its_last_chunk(serving: Service, tmp_path: Path) -> None:
    def body() -> Iterator[bytes]:
        yield b"half"
        raise Failure("SourceTruncated", "cut")

    with pytest.raises(Failure, match="cut"):
        stage(serving, tmp_path).put(body())
    assert not serving.whole.wait(0.5)


def test_nobody_there(tmp_path: Path) -> None:
    service = Service(204)
    service.server_close()
    with pytest.raises(Failure, match="Glance does not answer: connection refused") as caught:
        stage(service, tmp_path).put(iter([b"data"]))
    assert caught.value.reason == "GlanceUnavailable"
