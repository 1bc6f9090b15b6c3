"""Servers that send in chunks tell no length, and yet a cut is noticed and mended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from glance_operator.core.transfer.outcome import Failure
from glance_operator.runtime.transfer.origins import WebFile
from glance_operator.runtime.transfer.web import Web

DATA = bytes(range(256)) * 4096


class Server(ThreadingHTTPServer):
    """Sends half of the file in chunks and hangs up, then what is asked for."""

    daemon_threads = True

    def __init__(self, tag: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tag, self.ranges = tag, list[str]()


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.server.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-") or 0)
        self.send_response(206 if wanted else 200)
        if self.server.tag:
            self.send_header("ETag", self.server.tag)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        self.end_headers()
        end = len(DATA) if wanted else len(DATA) // 2
        for at in range(start, end, 1 << 14):
            piece = DATA[at : min(at + (1 << 14), end)]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if wanted:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    made = Server(request.param)
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def opened(server: Server, monkeypatch: pytest.MonkeyPatch) -> WebFile:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return WebFile(Web(None, 5, 5), f"http://127.0.0.1:{server.server_address[1]}/f", "")


@pytest.mark.parametrize("server", ['"abc"'], indirect=True)
def test_a_cut_is_mended(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(opened(server, monkeypatch)) as file:
        assert (file.offer.total, file.offer.ends_visibly) == (None, True)
        assert b"".join(file.chunks()) == DATA
    assert server.ranges == ["", f"bytes={len(DATA) // 2}-"]


@pytest.mark.parametrize("server", [""], indirect=True)
def test_or_it_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(opened(server, monkeypatch)) as file, pytest.raises(Failure, match="neither ETag nor Last-Mod") as e:
        list(file.chunks())
    assert e.value.reason == "SourceTruncated"
