"""The operator, that kills itself at its N-th mutating call: what an eviction or a power cut does to a real one.

CALLS_FILE: where each mutating call is written down before it is sent, one a line (Events and the Lease apart).
KILL_AT: at which of them the process dies; 0 = never. KILL_WHEN: ``before`` it is sent, or ``after`` its answer came.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glance_operator.runtime.endpoint import Endpoint
from glance_operator.runtime.kube import Transport
from glance_operator.runtime.process import main
from glance_operator.runtime.rest import Request
from glance_operator.runtime.store import Body


class Fate:
    """Counts the calls of all threads and ends the process at the appointed one."""

    def __init__(self, calls: Path, at: int, when: str) -> None:
        self._calls, self._at, self._when = calls, at, when
        self._lock = threading.Lock()
        self._count = 0

    @contextmanager
    def around(self, call: str) -> Iterator[None]:
        """One call; whether it succeeds makes no difference."""
        with self._lock:
            self._count += 1
            mine = self._count == self._at
            with self._calls.open("a") as file:
                file.write(f"{call}\n")
            if mine and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
        try:
            yield
        finally:
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)


def watch(fate: Fate) -> None:
    """Let fate see every mutating call of both clients, where nothing of ours is between it and the wire."""
    send, call = Endpoint.send, Transport.call

    def to_glance(self: Endpoint, method: str, path: str, **options: Any) -> Any:
        if method == "GET":
            return send(self, method, path, **options)
        with fate.around(f"{method} glance{path}"):
            return send(self, method, path, **options)

    def to_kubernetes(self: Transport, request: Request) -> Body:
        if not request.fenced:
            return call(self, request)
        with fate.around(f"{request.method} kubernetes{request.path} {_changed(request)}"):
            return call(self, request)

    Endpoint.send = to_glance  # type: ignore[method-assign]
    Transport.call = to_kubernetes  # type: ignore[method-assign]


def _changed(request: Request) -> str:
    """Where a JSON patch changes something; nothing of what is applied or deleted whole."""
    patch = request.payload if isinstance(request.payload, list) else ()
    return " ".join(one["path"] for one in patch if one["op"] != "test")


def run() -> int:
    """Be that operator; its exit code, if it lives."""
    watch(Fate(Path(os.environ["CALLS_FILE"]), int(os.environ["KILL_AT"]), os.environ["KILL_WHEN"]))
    return main()
