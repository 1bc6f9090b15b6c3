"""Why: somebody has to prune and clean each pod's cache, and a pod that does not answer must hold up nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from glance_operator.core.glanceapi.caching import TendCache, next_time
from glance_operator.core.glanceapi.observed import Care, View
from glance_operator.core.manifests.plan import CACHE
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.clouds import Clouds
from glance_operator.runtime.errors import Refused, Unavailable
from glance_operator.runtime.objects import Objects


class Caretaker:
    """Tends caches, and remembers of each pod when that was: after a restart it is done once more, without harm.

    wake(namespace, api): called when images had to go from a cache of that service: some may belong there.
    """

    def __init__(self, clouds: Clouds, objects: Objects, wake: Callable[[str, str], None]) -> None:
        self._clouds, self._objects, self._wake = clouds, objects, wake
        self._care: dict[tuple[str, str], dict[str, Care]] = {}

    def care(self, namespace: str, api: str) -> Mapping[str, Care]:
        """What is remembered of a service's pods, by their uids."""
        return self._care.get((namespace, api), {})

    def forget(self, namespace: str, api: str) -> None:
        self._care.pop((namespace, api), None)

    def tend(self, view: View, step: TendCache) -> None:
        """What goes wrong with the pod is remembered, and raised no further."""
        trouble = ""
        try:
            self._tend(view, step)
        except Refused as refusal:
            trouble = str(refusal)
        except Unavailable as error:
            trouble = error.state.message
        present = {pod.uid for pod in view.pods}
        known = {uid: care for uid, care in self.care(view.namespace, view.name).items() if uid in present}
        self._care[view.namespace, view.name] = {**known, step.uid: next_time(view, trouble)}

    def _tend(self, view: View, step: TendCache) -> None:
        cloud = self._clouds.find(view.namespace, SERVICE, view.name)
        if step.clear:
            cloud.at(step.url).clear_cache()
            self._objects.annotate("Pod", view.namespace, step.pod, {CACHE: step.uid})
        elif cloud.at(step.url).tend_cache():
            cloud.caches.expire(step.url)
            self._wake(view.namespace, view.name)
