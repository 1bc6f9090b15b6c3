"""Real Images in a real Glance, some at rest, some being imported, and what people do to them during a fault."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler

from tests.integration.images.lab import Lab, Object, condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.front import Front
from sandbox_kit.source import Fault

DATA = images.raw(1 << 16)
MARK = "glance_operator_owner"
IN_TIME = 30.0
SHOWN = "public"  # those that had begun: something is to be done in Glance as soon as their imports have ended
REST, BEGUN, NEW = ([f"{word}-{number}" for number in range(n)] for word, n in (("rest", 8), ("begun", 4), ("new", 6)))


class Door(Front):
    """The way to Glance. changes: when (seconds of the wall clock) somebody changed something through it, and what."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.changes: list[tuple[float, str]] = []

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Note it and pass it on."""
        if request.command != "GET":
            self.changes.append((time.time(), f"{request.command} {request.path}"))
        super().handle(request)


class Gallery:
    """The Images of one namespace: `wanted` are the tags of each that should be in Glance."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.wanted: dict[str, list[str]] = {name: [] for name in REST + BEGUN}

    def fill(self) -> None:
        """Some that are ready, and some whose import has begun and stands still."""
        url = self.lab.source.serve("gallery", DATA)
        self.lab.apply(*(self.lab.image(name, url) for name in REST))
        eventually(lambda: self._ready() == set(REST), timeout=60, interval=0.5)
        urls = {name: self.lab.source.serve(name, DATA, Fault(stall_after=1000)) for name in BEGUN}
        self.lab.apply(*(self.lab.image(name, url, visibility=SHOWN) for name, url in urls.items()))
        eventually(lambda: all(map(self.lab.source.stalled, BEGUN)), timeout=60)

    def during(self) -> None:
        """Change, delete and create, at rest and in the middle of an import; one comes and goes in the meantime."""
        url = self.lab.source.url_of("gallery")
        self.lab.apply(*(self.lab.image(name, url) for name in [*NEW, "fleeting"]))
        for name in ("rest-0", "rest-1", "begun-0"):
            self.lab.patch(name, tags=["changed"])
            self.wanted[name] = ["changed"]
        self.lab.kubectl("delete", "gimg", "--wait=false", "rest-2", "rest-3", "begun-1", "fleeting")
        self.wanted |= {name: [] for name in NEW}
        for name in ("rest-2", "rest-3", "begun-1"):
            del self.wanted[name]

    def let_finish(self) -> None:
        """The imports that had begun go on, and Glance ends them by itself."""
        for name in BEGUN:
            self.lab.source.release(name)
        eventually(lambda: {one["status"] for one in self._in_glance()} == {"active"})

    def finish(self) -> float:
        """Wait until all is as it should be, each Image exactly once in Glance; seconds it took."""
        began = time.monotonic()

        def finished() -> bool:
            there = sorted((one[MARK].partition("/")[2], one["status"], one["tags"]) for one in self._in_glance())
            assert there == sorted((name, "active", tags) for name, tags in self.wanted.items()), f"in Glance: {there}"
            public = {one[MARK].partition("/")[2] for one in self._in_glance() if one["visibility"] == SHOWN}
            assert public == self.wanted.keys() & BEGUN, f"public: {public}"
            return self._ready() == self.wanted.keys()

        eventually(finished, timeout=IN_TIME, interval=0.5)
        return time.monotonic() - began

    def _ready(self) -> set[str]:
        """The objects, if all of them are Ready in their present generation; else none."""
        bodies: list[Object] = json.loads(self.lab.kubectl("get", "gimg", "-o", "json"))["items"]
        done = [condition(body, "Ready").get("status") == "True" and _seen(body) for body in bodies]
        return {body["metadata"]["name"] for body in bodies} if all(done) else set()

    def _in_glance(self) -> list[Object]:
        found = self.lab.ask("GET", "/images?visibility=all&limit=1000").json()["images"]
        return [one for one in found if one.get(MARK, "").startswith(f"{self.lab.namespace}/")]


def _seen(body: Object) -> bool:
    return bool(body["status"]["observedGeneration"] == body["metadata"]["generation"])
