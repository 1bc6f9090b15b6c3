"""Which images live in which store: counted for all stores of a service at once, and not often."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from glance_operator.core.glancestore.observed import Residents
from glance_operator.core.image.observed import GlanceImage
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.clouds import Clouds
from glance_operator.runtime.errors import Refused, Unavailable

_SHOWN, _HELD = 3, 10  # names are told of so many, and of so many why they stay
_UNDER_WAY = ""  # in the place of a store's id: an upload tells where it went only when it has arrived
_FOREIGN = "no Image object of this service manages it: move or delete it yourself"


@dataclass(frozen=True, slots=True)
class _Resident:
    """state: what keeps it where it is, as Glance shows it."""

    id: str
    name: str
    state: str


class Census:
    """Counts by store id. Thread-safe."""

    def __init__(self, clouds: Clouds, clock: Callable[[], float] = time.monotonic) -> None:
        self._clouds, self._clock = clouds, clock
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, str], tuple[float, Mapping[str, list[_Resident]]]] = {}

    def of(
        self,
        namespace: str,
        api: str,
        store: str,
        max_age: float,
        *,
        coming: bool = False,
        managed: Mapping[str, str] | None = None,
    ) -> Residents | None:
        """Images with data in the store, anybody's and hidden ones, too; None when the service cannot be asked.

        coming: with those that are being uploaded, perhaps to this store. managed: by id those that an Image object
        moves away, with its words for what is in the way; None: none is to leave.
        """
        with self._lock:  # held while counting: its other stores wait for the same answer
            at, counted = self._counted.get((namespace, api), (float("-inf"), {}))
            if self._clock() - at > max_age:
                try:
                    counted = self._count(namespace, api)
                except (Refused, Unavailable):
                    return None
                self._counted[namespace, api] = self._clock(), counted
            found = counted.get(store, []) + (counted.get(_UNDER_WAY, []) if coming else [])
            return _residents(sorted(found, key=lambda one: one.name), managed)

    def _count(self, namespace: str, api: str) -> dict[str, list[_Resident]]:
        glance = self._clouds.find(namespace, SERVICE, api).glance
        by_store: dict[str, list[_Resident]] = defaultdict(list)
        for image in (*glance.images(hidden=False), *glance.images(hidden=True)):
            for store in _places(image):
                by_store[store].append(_Resident(image.id, image.name or image.id, _state(image)))
        return dict(by_store)


def _residents(found: list[_Resident], managed: Mapping[str, str] | None) -> Residents:
    names = tuple(one.name for one in found[:_SHOWN])
    if managed is None:
        return Residents(len(found), names)
    held = [f"{one.name} ({why})" for one in found if (why := _why_held(one, managed))]
    more = [f"and {len(held) - _HELD} more"] if len(held) > _HELD else []
    return Residents(len(found), names, (*held[:_HELD], *more))


def _why_held(one: _Resident, managed: Mapping[str, str]) -> str:
    return one.state or managed.get(one.id, _FOREIGN)


def _state(image: GlanceImage) -> str:
    """What others have done to it; a running import passes, a lock that stays is told all the same."""
    if image.status == "deactivated":
        return "deactivated: reactivate it"
    if image.protected:
        return "protected: lift its protection"
    return "locked by an import" if image.lock else ""


def _places(image: GlanceImage) -> set[str]:
    return {*image.stores, *image.importing} or ({_UNDER_WAY} if image.status == "saving" else set())
