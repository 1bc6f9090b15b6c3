"""Before pods go that have staged data of their own, people are told what they may lose. It holds up nothing."""

from __future__ import annotations

import logging

from glance_operator.core.glanceapi import staging
from glance_operator.core.glanceapi.observed import View
from glance_operator.core.image.identity import UID
from glance_operator.core.plan import Step
from glance_operator.core.workload import Apply, Object
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.crowd import Crowded
from glance_operator.runtime.errors import Refused, Unavailable
from glance_operator.runtime.logs import about
from glance_operator.runtime.rest import ApiError
from glance_operator.runtime.store import Key
from glance_operator.runtime.world import World

log = logging.getLogger(__name__)


class Staged:
    """Tells of images that wait for their import."""

    def __init__(self, world: World) -> None:
        self._world = world

    def tell(self, key: Key, view: View, step: Step | None) -> None:
        """An Event, if this step takes pods away and something is staged there."""
        wanted = _stateful_set(step)
        if wanted is None or view.workload is None or not view.workload.ready:
            return
        try:
            if self._takes_pods_away(wanted) and (names := self._uploading(key)):
                self._tell(key, staging.words(names))
        except (ApiError, Unavailable, Refused, Crowded) as error:
            log.info("what is staged cannot be told: %s", error, extra=about(key))

    def _takes_pods_away(self, wanted: Object) -> bool:
        meta = wanted["metadata"]
        now = self._world.objects.get("StatefulSet", meta["namespace"], meta["name"])
        if now is None or not staging.per_pod(now):
            return False
        return staging.takes_pods_away(now, self._world.objects.foreseen(wanted))

    def _uploading(self, key: Key) -> list[str]:
        """Not the operator's own: what is lost of those is brought once more."""
        glance = self._world.clouds.find(key.namespace, SERVICE, key.name).glance
        found = glance.some(staging.SHOWN + 1, status="uploading")
        return sorted(image.name or image.id for image in found if UID not in image.properties)

    def _tell(self, key: Key, words: str) -> None:
        if body := self._world.store.get(key):
            self._world.events.record(body, "Warning", "StagedDataAtRisk", "Deploy", words)


def _stateful_set(step: Step | None) -> Object | None:
    objects = step.objects if isinstance(step, Apply) else ()
    return next((one for one in objects if one["kind"] == "StatefulSet"), None)
