"""A source of images that can fail in every way that a web server fails, one file and one fault at a time."""

import base64
import hashlib
import mmap
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from typing import Self

from sandbox_kit.pki import Pair
from sandbox_kit.source_http import Answer, SourceServer

Content = bytes | mmap.mmap  # a file that is mapped may be large and cost nothing


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one file. The fields combine; `times` limits all of them to the first n requests.

    status: answered instead of the file; retry_after: seconds, sent as Retry-After; redirect: sent as Location (302).
    cut_after, stall_after: bytes after which the connection is closed, or falls silent until `Source.release`.
    length: False leaves Content-Length out, so that a cut looks like an end.
    rate: bytes a second.  body: sent instead of the file; b"" is an empty one.
    credentials: user and password that a request must bring (basic), else 401.
    headers: sent besides, or instead of those of the same name; "" = left out.
    ranges: False answers with the whole file whatever part is asked for.
    """

    status: int = 200
    times: int | None = None
    retry_after: int | None = None
    redirect: str | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    length: bool = True
    rate: int | None = None
    body: bytes | None = None
    credentials: tuple[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ranges: bool = True

    def refuses(self, authorization: str) -> bool:
        """Whether a request with this Authorization header lacks the credentials."""
        if not self.credentials:
            return False
        word = base64.b64encode(":".join(self.credentials).encode()).decode()
        return authorization != f"Basic {word}"


@dataclass(frozen=True)
class Request:
    """One request as it came: method, path, headers with lower-case names, time.monotonic()."""

    method: str
    path: str
    headers: dict[str, str]
    at: float


@dataclass(frozen=True)
class _File:
    data: Content
    fault: Fault
    modified: str = field(default_factory=lambda: formatdate(usegmt=True))

    def answer(self, fault: Fault, authorization: str) -> Answer:
        headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else {}
        if fault.refuses(authorization):
            return Answer(401, {"WWW-Authenticate": 'Basic realm="source"'})
        if fault.redirect:
            return Answer(302, {"Location": fault.redirect})
        if fault.status != 200:
            return Answer(fault.status, headers)
        tag = self._tag if fault.body is None else _tag(fault.body)
        headers |= {"ETag": tag, "Last-Modified": self.modified, **fault.headers}
        headers = {name: value for name, value in headers.items() if value}
        body = self.data if fault.body is None else fault.body
        return Answer(200, headers, body, fault.length, fault.cut_after, fault.stall_after, fault.rate, fault.ranges)

    @cached_property
    def _tag(self) -> str:
        return _tag(self.data)


def _tag(content: Content) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


class Source:
    """The server: `serve` a file under a name, look at the `requests`, `release` what stalls.

    `port` answers; `refusing_port` is ours too but refuses every connection (for a service's list of allowed ports).
    """

    def __init__(self, host: str = "127.0.0.1", tls: Pair | None = None) -> None:
        """host: an address of this machine.  tls: serve https with this certificate."""
        self.requests: list[Request] = []
        self._files: dict[str, _File] = {}
        self._answered: Counter[str] = Counter()
        self._stalls: list[tuple[str, threading.Event]] = []
        self._lock = threading.Lock()
        self._server = SourceServer(host, self._answer, self._stall, tls)
        self._refusing = socket.socket()
        self._refusing.bind((host, 0))  # bound but never listening
        self.port: int = self._server.server_address[1]
        self.refusing_port: int = self._refusing.getsockname()[1]
        self._host = host
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"

    def serve(self, name: str, data: Content, fault: Fault | None = None) -> str:
        """Offer `data` under /name, in place of what was there, and return its URL; a new content has a new ETag."""
        with self._lock:
            self._files[f"/{name}"] = _File(data, fault or Fault())
            self._answered[f"/{name}"] = 0
        return self.url_of(name)

    def withdraw(self, name: str) -> None:
        """Answer 404 for /name from now on."""
        with self._lock:
            self._files.pop(f"/{name}", None)

    def url_of(self, name: str) -> str:
        """The URL of /name, whether it is served or not."""
        return f"{self.url}/{name}"

    def refusing_url(self, name: str) -> str:
        """A URL whose connection is refused."""
        return f"http://{self._host}:{self.refusing_port}/{name}"

    def requests_of(self, name: str) -> list[Request]:
        """The requests for /name so far, oldest first."""
        return [request for request in list(self.requests) if request.path == f"/{name}"]

    def stalled(self, name: str) -> int:
        """How many answers with /name are silent now."""
        with self._lock:
            return sum(path == f"/{name}" for path, _ in self._stalls)

    def release(self, name: str | None = None) -> None:
        """Let the answers that stall now (all, or those with /name) send the rest."""
        with self._lock:
            for path, event in self._stalls:
                if name is None or path == f"/{name}":
                    event.set()

    def start(self) -> Self:
        """Begin to answer."""
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="source", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop answering; connections refuse from now on."""
        self._server.shutdown()
        self._server.server_close()
        self._refusing.close()
        self.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answer(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        with self._lock:
            self.requests.append(Request(method, path, headers, time.monotonic()))
            file = self._files.get(path)
            self._answered[path] += 1
            count = self._answered[path]
        if not file:
            return Answer(404)
        faulty = file.fault.times is None or count <= file.fault.times
        return file.answer(file.fault if faulty else Fault(), headers.get("authorization", ""))

    def _stall(self, path: str) -> None:
        stall = (path, threading.Event())
        with self._lock:
            self._stalls.append(stall)
        stall[1].wait()
        with self._lock, suppress(ValueError):
            self._stalls.remove(stall)
