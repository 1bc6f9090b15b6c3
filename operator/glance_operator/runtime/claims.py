"""Why: claims are asked to grow while they are in use, and a refusal is remembered, as it must not stop anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from glance_operator.core import claims
from glance_operator.core.claims import Claim, Grow
from glance_operator.core.manifests.plan import INSTANCE, NAME
from glance_operator.runtime.making import events_about, is_refusal
from glance_operator.runtime.objects import Objects
from glance_operator.runtime.rest import ApiError
from glance_operator.runtime.store import Body

_REFUSED_FOR = 60.0  # seconds; then it is asked again: somebody may have changed the StorageClass
_KIND = "PersistentVolumeClaim"

Place = tuple[str, str]  # namespace and name


class Claims:
    """Those that were made for services. Thread-safe; may raise ApiError or Unreachable."""

    def __init__(self, objects: Objects, clock: Callable[[], float] = time.monotonic) -> None:
        self._objects, self._clock = objects, clock
        self._lock = threading.Lock()
        self._refused: dict[Place, tuple[str, float]] = {}

    def of(self, namespace: str, api: str) -> tuple[Claim, ...]:
        """All with the labels of this service, those of single pods included."""
        found = self._objects.find(_KIND, namespace, labelSelector=f"{NAME}=glance,{INSTANCE}={api}")
        return tuple(self._claim(body) for body in found)

    def grow(self, namespace: str, step: Grow) -> None:
        """Each by itself: one that is refused keeps no other one small."""
        for name, size in step.sizes:
            patch = {"spec": {"resources": {"requests": {"storage": size}}}}
            try:
                self._objects.merge(_KIND, namespace, name, patch)
            except ApiError as error:
                if not is_refusal(error):
                    raise
                with self._lock:
                    self._refused[namespace, name] = error.message, self._clock()

    def forget(self, namespace: str, names: Callable[[str], bool]) -> None:
        """Of those whose names say so: nobody needs them any more."""
        with self._lock:
            self._refused = {p: told for p, told in self._refused.items() if not (p[0] == namespace and names(p[1]))}

    def _claim(self, body: Body) -> Claim:
        meta = body["metadata"]
        words, when = self._refused.get((meta["namespace"], meta["name"]), ("", 0.0))
        claim = claims.parse(body, refused=words if self._clock() - when < _REFUSED_FOR else "")
        if not claim.restless or claim.words:
            return claim
        return claims.parse(body, events_about(self._objects, meta["namespace"], _KIND, claim.name), claim.refused)
