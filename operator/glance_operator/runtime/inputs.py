"""Why: Secrets and ConfigMaps are read by `get` alone, once for all who name them, and again after a while."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from glance_operator.core.inputs import Found, Input, Source
from glance_operator.runtime.objects import Objects
from glance_operator.runtime.store import Body

_GOOD_FOR = 30.0  # seconds
_MISSING_FOR = 5.0
_FORGOTTEN_AFTER = 600.0  # what nobody has read since: names that tell their content are never asked for again

Content = Mapping[str, str] | None


class Inputs:
    """Content of what specs name, as text. Thread-safe; may raise ApiError or Unreachable."""

    def __init__(self, objects: Objects, clock: Callable[[], float] = time.monotonic) -> None:
        self._objects, self._clock = objects, clock
        self._lock = threading.Lock()
        self._read: dict[tuple[str, Source], tuple[float, Content]] = {}

    def read(self, namespace: str, wanted: Iterable[Input]) -> Found:
        """None for what does not exist."""
        return {source: self._one(namespace, source) for source in {one.source for one in wanted}}

    def _one(self, namespace: str, source: Source) -> Content:
        with self._lock:  # held while reading: those who come meanwhile need not ask, too
            due, content = self._read.get((namespace, source), (0.0, None))
            if self._clock() >= due:
                body = self._objects.get(source[0], namespace, source[1])
                content = None if body is None else _text(body)
                due = self._clock() + (_MISSING_FOR if content is None else _GOOD_FOR)
                self._read[namespace, source] = due, content
                kept = self._clock() - _FORGOTTEN_AFTER
                self._read = {key: read for key, read in self._read.items() if read[0] > kept}
            return content


def _text(body: Body) -> dict[str, str]:
    """Bytes that are no text are replaced: whoever reads them will say that they are wrong."""
    data = body.get("data") or {}
    if body["kind"] == "ConfigMap":
        return dict(data)
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
