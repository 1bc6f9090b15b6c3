"""An operator whose engine only records: what the machinery around the controllers does is seen in the objects' status.

A program of the nursery, configured like the real one. The Glance name of an Image says what its pass does: `note`
writes once a generation, `write` writes for ever, fifty times a second, `slow-N` begins, works for N seconds, and ends.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from datetime import UTC, datetime
from typing import Any

from glance_operator.runtime import logs
from glance_operator.runtime.app import App
from glance_operator.runtime.intake import Wiring, wish
from glance_operator.runtime.queue import Lane, Next
from glance_operator.runtime.store import Body, Key
from glance_operator.runtime.world import Parts
from glance_operator.settings import Settings

log = logging.getLogger("glance_operator.recorder")
FINALIZER = "glance-operator.io/image"
PACE = 0.02
WIRING = Wiring(controllers=frozenset({"Image"}))


class Recorder:
    """Writes `<identity> <count> <what>` into the message of Ready."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._count = 0

    def settled(self, body: Body) -> bool:
        """Whether this generation was recorded, and nothing more is wanted."""
        return bool(body["spec"].get("name") != "write")

    def reconcile(self, key: Key) -> Next:
        """One pass."""
        body = self._parts.store.get(key)
        if body is None:
            log.info("forgot %s", key)
            return Next()
        if "deletionTimestamp" in body["metadata"]:
            self._parts.kube.remove_finalizer(body, FINALIZER)
            return Next()
        return self._work(key, body, body["spec"].get("name") or "note")

    def _work(self, key: Key, body: Body, what: str) -> Next:
        verb, _, seconds = what.partition("-")
        if verb == "write":
            self._record(key, body, "wrote")
            return Next(PACE, Lane.BEGUN)
        if verb == "slow":
            self._record(key, body, "began")
            time.sleep(float(seconds))
        self._record(key, self._parts.store.get(key) or body, "ended")
        return Next()

    def _record(self, key: Key, body: Body, what: str) -> None:
        self._count += 1
        message = f"{self._parts.settings.identity} {self._count} {what}"
        if new := self._parts.kube.patch_status(body, status_of(body["metadata"]["generation"], message)):
            self._parts.store.put(key, new)
            if wish(new) != wish(body):  # it was changed just before
                self._parts.queue.add(key)


def status_of(generation: int, message: str) -> dict[str, Any]:
    """A Ready status with this message."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = {"type": "Ready", "status": "True", "reason": "Recorded", "message": message, "lastTransitionTime": now}
    return {"observedGeneration": generation, "conditions": [{**ready, "observedGeneration": generation}]}


def main() -> None:
    """Run until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    settings = Settings.from_environment()
    logs.configure(settings.log_format, settings.log_level)
    app = App(settings, Recorder, WIRING)
    app.start()
    ended.wait()
    app.stop()
