"""A front end before a service that answers some requests by itself: errors that the service cannot be made to give."""

import json
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import requests

DROPPED = frozenset({"connection", "transfer-encoding", "content-length", "content-encoding", "keep-alive"})


@dataclass
class Rule:
    """Answer the next ``times`` requests of this method whose path matches with ``status``.

    passed_on: whether the service gets the request all the same, as when only the answer is lost.
    """

    method: str
    path: str
    status: int
    message: str = "injected"
    times: int = 1
    retry_after: int | None = None
    passed_on: bool = False
    seen: int = 0

    def applies(self, method: str, path: str) -> bool:
        return self.seen < self.times and method == self.method and re.search(self.path, path) is not None


class Front:
    """Listens on `url`, passes on to `target`; `rules` may be changed at any time."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.rules: list[Rule] = []
        self.requests: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        front = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                front.handle(self)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_one  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def inject(self, rule: Rule) -> Rule:
        """Add a rule; its `seen` counts the requests that it answered."""
        with self._lock:
            self.rules.append(rule)
        return rule

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        rule = self._rule(request.command, request.path)
        answer = None if rule and not rule.passed_on else self._ask(request, body)
        if rule:
            headers = {"Retry-After": str(rule.retry_after)} if rule.retry_after is not None else {}
            text = json.dumps({"message": rule.message}).encode()
            _send(request, rule.status, {"Content-Type": "application/json", **headers}, text)
        elif answer is not None:
            headers = {k: v for k, v in answer.headers.items() if k.lower() not in DROPPED}
            _send(request, answer.status_code, headers, answer.content)

    def _rule(self, method: str, path: str) -> Rule | None:
        with self._lock:
            self.requests.append((method, path))
            rule = next((r for r in self.rules if r.applies(method, path)), None)
            if rule:
                rule.seen += 1
            return rule

    def _ask(self, request: BaseHTTPRequestHandler, body: bytes) -> requests.Response:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "connection")}
        with requests.Session() as direct:
            direct.trust_env = False
            return direct.request(request.command, self.target + request.path, data=body, headers=headers, timeout=60)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="front", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _send(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
