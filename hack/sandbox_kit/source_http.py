"""How the source speaks HTTP: what to say is an `Answer`, decided in `source`; how to say it wrongly is here."""

import mmap
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox_kit.pki import Pair

CHUNK = 1 << 16
Decide = Callable[[str, str, dict[str, str]], "Answer"]


@dataclass(frozen=True)
class Answer:
    """A status, headers and body, and how the sending of the body goes wrong (see `source.Fault`)."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | mmap.mmap = b""
    length: bool = True
    cut_after: int | None = None
    stall_after: int | None = None
    rate: int | None = None
    ranges: bool = True

    def part(self, wanted: str, condition: str = "") -> "Answer":
        """The same for a Range header such as `bytes=5-9` or `bytes=5-`; anything else gets the whole.

        condition: an If-Range header, which must be the ETag or the Last-Modified.
        """
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
        size = len(self.body)
        if not asked or self.status != 200 or not self.ranges or int(asked[1]) >= size:
            return self
        if condition and condition not in {self.headers.get("ETag"), self.headers.get("Last-Modified")}:
            return self
        first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
        headers = {**self.headers, "Content-Range": f"bytes {first}-{last}/{size}"}
        body = self.body[first : last + 1]
        return Answer(206, headers, body, self.length, self.cut_after, self.stall_after, self.rate)


class SourceServer(ThreadingHTTPServer):
    """Listens on a free port of an address of this machine, a thread for each connection."""

    daemon_threads = True
    block_on_close = False  # a stalled answer must not stall our own end
    request_queue_size = 256

    def __init__(self, host: str, decide: Decide, stall: Callable[[str], None], tls: Pair | None = None) -> None:
        super().__init__((host, 0), _Handler)
        self.decide, self.stall = decide, stall
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.cert, tls.key)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what we are here for."""


class _Handler(BaseHTTPRequestHandler):
    server: SourceServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._say(self._decide(), with_body=True)

    def do_HEAD(self) -> None:
        self._say(self._decide(), with_body=False)

    def log_message(self, *_: Any) -> None:
        """Silence; the requests are kept by `Source`."""

    def _decide(self) -> Answer:
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        return self.server.decide(self.command, path, headers).part(
            headers.get("range", ""), headers.get("if-range", "")
        )

    def _say(self, answer: Answer, *, with_body: bool) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.length:
            self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Connection", "close")
        self.end_headers()
        if with_body:
            self._send_body(answer)

    def _send_body(self, answer: Answer) -> None:
        body = memoryview(answer.body)[: answer.cut_after]
        silent_at = len(body) if answer.stall_after is None else answer.stall_after
        self._send(body[:silent_at], answer.rate)
        if answer.stall_after is not None:
            self.server.stall(self.path.partition("?")[0])
            self._send(body[silent_at:], answer.rate)

    def _send(self, data: memoryview, rate: int | None) -> None:
        step = min(CHUNK, max(rate // 10, 1)) if rate else CHUNK
        for start in range(0, len(data), step):
            self.wfile.write(data[start : start + step])
            if rate:
                self.wfile.flush()
                time.sleep(step / rate)
