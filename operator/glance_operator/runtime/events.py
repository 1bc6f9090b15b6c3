"""Why: `kubectl describe` tells people what happened: each change of state once, and never at the cost of a pass."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from glance_operator.runtime.kube import ApiError, Unreachable
from glance_operator.runtime.logs import redacted
from glance_operator.runtime.store import Body

log = logging.getLogger(__name__)
_CONTROLLER = "glance-operator.io/glance-operator"
_NOTE_BYTES = 1024
_BURST, _REFILL_SECONDS = 10, 60.0
_WAITING, _REMEMBERED = 1000, 20_000

Create = Callable[[str, Body], None]


@dataclass
class _Memory:
    """What was last told about an object, and how much more may be told."""

    told: tuple[str, str] = ("", "")
    tokens: float = _BURST
    at: float = field(default_factory=time.monotonic)


class Recorder:
    """Posts events.k8s.io/v1 Events from a thread of its own.

    create(namespace, event): posts one; may raise ApiError or Unreachable. dropped(reason): called for each one lost.
    """

    def __init__(
        self,
        create: Create,
        instance: str,
        dropped: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._create, self._instance, self._dropped, self._clock = create, instance[:128], dropped, clock
        self._lock = threading.Lock()
        self._memories: OrderedDict[str, _Memory] = OrderedDict()
        self._waiting: queue.Queue[tuple[str, Body] | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._post, name="events", daemon=True)

    def start(self) -> None:
        """Begin to post."""
        self._thread.start()

    def stop(self, seconds: float = 2.0) -> None:
        """Post what waits, for at most so long."""
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=seconds)
        self._thread.join(seconds)

    def record(self, body: Body, kind: Literal["Normal", "Warning"], reason: str, action: str, note: str) -> bool:
        """Tell it unless it was the last thing told about this object, or too much was told; never blocks."""
        if not self._is_news(body["metadata"]["uid"], reason, note):
            return False
        event = _event(body, kind, reason, action, note) | {"reportingInstance": self._instance}
        try:
            self._waiting.put_nowait((body["metadata"].get("namespace") or "default", event))
        except queue.Full:
            self._dropped("full")
            return False
        return True

    def forget(self, uid: str) -> None:
        """The object is gone."""
        with self._lock:
            self._memories.pop(uid, None)

    def _is_news(self, uid: str, reason: str, note: str) -> bool:
        with self._lock:
            memory = self._memories.setdefault(uid, _Memory(at=self._clock()))
            self._memories.move_to_end(uid)
            if len(self._memories) > _REMEMBERED:
                self._memories.popitem(last=False)
            if memory.told == (reason, note):
                return False
            now = self._clock()
            memory.tokens = min(_BURST, memory.tokens + (now - memory.at) / _REFILL_SECONDS)
            memory.at = now
            if memory.tokens < 1:
                self._dropped("rate")
                return False
            memory.tokens -= 1
            memory.told = (reason, note)
            return True

    def _post(self) -> None:
        while (item := self._waiting.get()) is not None:
            try:
                self._create(*item)
            except (ApiError, Unreachable) as error:
                self._dropped("error")
                log.debug("an Event was not posted: %s", error)


def _event(body: Body, kind: str, reason: str, action: str, note: str) -> Body:
    meta = body["metadata"]
    namespace = meta.get("namespace") or "default"
    regarding = {"apiVersion": body["apiVersion"], "kind": body["kind"], "namespace": namespace, "name": meta["name"]}
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name'][:220]}.{uuid.uuid4().hex[:16]}", "namespace": namespace},
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "regarding": {**regarding, "uid": meta["uid"]},
        "type": kind,
        "reason": reason[:128],
        "action": action[:128],
        "note": redacted(note).encode()[:_NOTE_BYTES].decode(errors="ignore"),
        "reportingController": _CONTROLLER,
    }
