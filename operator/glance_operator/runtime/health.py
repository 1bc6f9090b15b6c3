"""Why: Kubernetes restarts what is stuck and waits for what is not ready, Prometheus wants figures: a small server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

log = logging.getLogger(__name__)

Check = Callable[[], list[str]]  # what is wrong; nothing = fine
_TEXT = "text/plain; charset=utf-8"


class Health:
    """Serves GET /healthz, /readyz (200 "ok", or 503 and what is wrong) and /metrics, from a thread of its own."""

    def __init__(self, address: str, port: int, checks: Mapping[str, Check], metrics: Callable[[], bytes]) -> None:
        class Handler(_Handler):
            pass

        Handler.checks, Handler.metrics = checks, staticmethod(metrics)
        self._server = ThreadingHTTPServer((address, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port that is served (chosen by the system if 0 was asked for)."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        log.info("serving /healthz, /readyz and /metrics on port %d", self.port)

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    checks: Mapping[str, Check]
    metrics: Callable[[], bytes]
    timeout = 10

    def do_GET(self) -> None:
        """Answer one request."""
        path = self.path.partition("?")[0].rstrip("/")
        if path == "/metrics":
            self._answer(200, self.metrics(), "text/plain; version=0.0.4; charset=utf-8")
        elif check := self.checks.get(path):
            wrong = check()
            self._answer(503 if wrong else 200, "\n".join(wrong or ["ok"]).encode() + b"\n")
        else:
            self._answer(404, b"there are /healthz, /readyz and /metrics\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is the base class's)
        """Probes every few seconds are no news."""

    def _answer(self, code: int, data: bytes, content_type: str = _TEXT) -> None:
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
