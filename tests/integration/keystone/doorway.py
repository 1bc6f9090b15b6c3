"""A doorway to Keystone that counts and remembers the tokens it hands out, and may lie about how long they live."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

import requests

_PASSED_ON = ("X-Subject-Token", "Content-Type", "Location", "Vary", "WWW-Authenticate")


class Doorway(ThreadingHTTPServer):
    """`.url` answers as Keystone does; `tokens` are those it gave, oldest first.

    expires_at: what it tells of a token's end instead of the truth.
    """

    daemon_threads = True

    def __init__(self, keystone_url: str, expires_at: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        keystone = urlsplit(keystone_url)
        self.upstream = f"{keystone.scheme}://{keystone.netloc}"
        self.url = f"http://127.0.0.1:{self.server_address[1]}{keystone.path}"
        self.expires_at = expires_at
        self.tokens: list[str] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), name="doorway", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def told(self, answer: requests.Response) -> bytes:
        """The body to pass on, and the token kept."""
        if token := answer.headers.get("X-Subject-Token"):
            self.tokens.append(token)
            if self.expires_at:
                body: dict[str, Any] = answer.json()
                body["token"]["expires_at"] = self.expires_at
                return json.dumps(body).encode()
        return answer.content


class _Handler(BaseHTTPRequestHandler):
    server: Doorway

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def log_message(self, *_: Any) -> None:
        """Silence."""

    def _pass_on(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with requests.Session() as direct:
            direct.trust_env = False
            url = self.server.upstream + self.path
            answer = direct.request(self.command, url, data=data, headers=dict(self.headers), timeout=30)
        body = self.server.told(answer)
        self.send_response(answer.status_code)
        for name in _PASSED_ON:
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
