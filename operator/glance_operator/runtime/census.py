"""Which images live in which store: counted for all stores of a service at once, and not often."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from glance_operator.core.glancestore.observed import Residents
from glance_operator.core.image.observed import GlanceImage
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.clouds import Clouds
from glance_operator.runtime.errors import Refused, Unavailable

_SHOWN = 3  # names are told of so many


class Census:
    """Counts by store id. Thread-safe."""

    def __init__(self, clouds: Clouds, clock: Callable[[], float] = time.monotonic) -> None:
        self._clouds, self._clock = clouds, clock
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, str], tuple[float, Mapping[str, Residents]]] = {}

    def of(self, namespace: str, api: str, store: str, max_age: float) -> Residents | None:
        """Images with data in the store, anybody's and hidden ones, too; None when the service cannot be asked."""
        with self._lock:  # held while counting: its other stores wait for the same answer
            at, counted = self._counted.get((namespace, api), (float("-inf"), {}))
            if self._clock() - at > max_age:
                try:
                    counted = self._count(namespace, api)
                except (Refused, Unavailable):
                    return None
                self._counted[namespace, api] = self._clock(), counted
            return counted.get(store, Residents())

    def _count(self, namespace: str, api: str) -> dict[str, Residents]:
        glance = self._clouds.find(namespace, SERVICE, api).glance
        by_store: dict[str, list[GlanceImage]] = defaultdict(list)
        for image in (*glance.images(hidden=False), *glance.images(hidden=True)):
            for store in {*image.stores, *image.importing}:
                by_store[store].append(image)
        return {store: _residents(images) for store, images in by_store.items()}


def _residents(images: list[GlanceImage]) -> Residents:
    return Residents(len(images), tuple(sorted(image.name or image.id for image in images)[:_SHOWN]))
