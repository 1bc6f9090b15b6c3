"""A tiny image service on loopback that answers what a test tells it to, and a Keystone in front of it."""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

TOKEN = "token-of-the-test"


class Answer(NamedTuple):
    """`body`: JSON, or text as it is, or a function of the request that gives either."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = {}


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class ImageService:
    """`answers["GET /v2/images"]` are given in turn, the last one again and again; `asked` are the requests."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, deque[Answer]] = defaultdict(deque)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def on(self, request: str, *answers: Answer) -> None:
        self.answers[request] = deque(answers)

    def requests(self, prefix: str = "/v2") -> list[str]:
        """The requests so far, in words."""
        return [f"{one.method} {one.path}" for one in self.asked if one.path.startswith(prefix)]

    def keystone(self, tokens: int = 201, catalog: bool = True) -> dict[str, Any]:
        """Answers as a Keystone would; the entry of a clouds.yaml that uses it. `tokens`: the code for them."""
        endpoint = {"interface": "public", "region": "one", "region_id": "one", "url": self.url, "id": "e"}
        services = [{"type": "image", "name": "glance", "id": "g", "endpoints": [endpoint]}] if catalog else []
        times = {"issued_at": "2026-01-01T00:00:00.000000Z", "expires_at": "2099-01-01T00:00:00.000000Z"}
        token = {"methods": ["password"], "user": {"id": "u", "name": "u"}, "catalog": services, **times}
        version = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": f"{self.url}/v3/"}]}
        self.on("GET /v3", Answer(200, {"version": version}))
        self.on("POST /v3/auth/tokens", Answer(tokens, {"token": token}, {"X-Subject-Token": TOKEN}))
        auth = {"auth_url": f"{self.url}/v3", "username": "u", "password": "correct-horse", "project_name": "p"}
        domains = {"user_domain_name": "Default", "project_domain_name": "Default"}
        return {"auth_type": "v3password", "auth": auth | domains, "region_name": "one"}

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        waiting = self.answers.get(f"{asked.method} {asked.path.split('?')[0].rstrip('/')}")
        if not waiting:
            return Answer(404, {"message": "nothing of this name", "code": "404 Not Found"})
        answer = waiting.popleft() if len(waiting) > 1 else waiting[0]
        return answer._replace(body=answer.body(asked)) if callable(answer.body) else answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def handle_any(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, dict(self.headers), json.loads(raw) if raw else None)
                answer = service.answer(asked)
                data = b"" if answer.body is None else _encoded(answer.body)
                with suppress(ConnectionError):  # the client has gone
                    self._send(answer, data)

            def _send(self, answer: Answer, data: bytes) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        return Handler


def _encoded(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
