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
_UNDER_WAY = ""  # in the place of a store's id: an upload tells where it went only when it has arrived


class Census:
    """Counts by store id. Thread-safe."""

    def __init__(self, clouds: Clouds, clock: Callable[[], float] = time.monotonic) -> None:
        self._clouds, self._clock = clouds, clock
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, str], tuple[float, Mapping[str, list[str]]]] = {}

    def of(self, namespace: str, api: str, store: str, max_age: float, *, coming: bool = False) -> Residents | None:
        """Images with data in the store, anybody's and hidden ones, too; None when the service cannot be asked.

        coming: with those that are being uploaded, perhaps to this store.
        """
        with self._lock:  # held while counting: its other stores wait for the same answer
            at, counted = self._counted.get((namespace, api), (float("-inf"), {}))
            if self._clock() - at > max_age:
                try:
                    counted = self._count(namespace, api)
                except (Refused, Unavailable):
                    return None
                self._counted[namespace, api] = self._clock(), counted
            names = counted.get(store, []) + (counted.get(_UNDER_WAY, []) if coming else [])
            return Residents(len(names), tuple(sorted(names)[:_SHOWN]))

    def _count(self, namespace: str, api: str) -> dict[str, list[str]]:
        glance = self._clouds.find(namespace, SERVICE, api).glance
        by_store: dict[str, list[str]] = defaultdict(list)
        for image in (*glance.images(hidden=False), *glance.images(hidden=True)):
            for store in _places(image):
                by_store[store].append(image.name or image.id)
        return dict(by_store)


def _places(image: GlanceImage) -> set[str]:
    return {*image.stores, *image.importing} or ({_UNDER_WAY} if image.status == "saving" else set())
