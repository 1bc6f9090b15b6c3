"""What the rules know of the pods' caches, and the hand that puts images there and takes them away."""

from __future__ import annotations

from dataclasses import replace

from glance_operator.api.base import bytes_of, seconds
from glance_operator.core.image import caching
from glance_operator.core.image.caches import CacheList, Caches
from glance_operator.core.image.observed import Node, View
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.caches import PREFETCHED
from glance_operator.runtime.errors import Refused, Unavailable
from glance_operator.runtime.image.nodes import nodes_of
from glance_operator.runtime.image.track import Track
from glance_operator.runtime.store import Body, Key, Store, Version, key_of


def prefetched(image: Body) -> str | None:
    """The service in whose caches the Image wants to be."""
    ref = image["spec"].get("glanceAPIRef") or {}
    return ref.get("name") if caching.asked_for(image["spec"]) else None


class Prefetching:
    """Looks at caches for the rules. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sizes: dict[Key, tuple[Version, int]] = {}
        self._taken_by: dict[tuple[str, str], tuple[tuple[int, int], dict[str, int]]] = {}

    def quiet(self, body: Body) -> bool:
        """Whether nothing is to be done, as far as is known without asking anybody."""
        ref = body["spec"].get("glanceAPIRef")
        if not ref or not (caching.asked_for(body["spec"]) or (body.get("status") or {}).get("cached")):
            return True
        key, api = key_of(body), ref["name"]
        if self._store.version(Key(SERVICE, key.namespace, api)) is None:
            return True  # of a service that nobody knows (yet) nothing is known
        room = self._room(key.namespace, api)
        fitting = None if room is None else self._taken(key.namespace, api, key.name, room) + _size(body) <= room
        return caching.quiet(body, nodes_of(self._store, key.namespace, api), fitting)

    def seen(self, view: View, track: Track, at_rest: bool) -> View:
        """The view with what the pods' caches list. What is wrong with a pod stops nothing. Raises Crowded."""
        ref = view.spec.glance_api_ref
        if ref is None or not caching.concerned(view):
            return view
        room = self._room(view.namespace, ref.name)
        taken = self._taken(view.namespace, ref.name, view.name, room) if room is not None else 0
        view = replace(view, caches=Caches(room, taken))
        max_age = seconds(view.spec.resync_period) / 2 if at_rest else track.errands.freshness()
        asked = {node.name: _list(track, node, max_age) for node in view.nodes or () if caching.concerns(view, node)}
        lists = {name: told for name, told in asked.items() if told is not None}
        return _with_errands(replace(view, caches=Caches(room, taken, lists)), track)

    def act(self, step: caching.CacheImage | caching.UncacheImage, track: Track) -> None:
        """What goes wrong with the pod is told, and raised no further."""
        pod, words = track.cloud.at(step.node.url), ""
        try:
            match step:
                case caching.CacheImage(image_id=image_id):
                    pod.cache_image(image_id)
                case caching.UncacheImage(image_id=image_id):
                    pod.uncache_image(image_id)
        except Refused as refusal:
            words = str(refusal)
        except Unavailable as trouble:
            words = trouble.state.message
        track.errands.asked(type(step), step.node, words)
        track.cloud.caches.expire(step.node.url)

    def _room(self, namespace: str, api: str) -> int | None:
        """Of the caches that run: those that are to come would be pruned at once by the pods of now."""
        status = (self._store.get(Key(SERVICE, namespace, api)) or {}).get("status") or {}
        return bytes_of(status["cacheMaxSize"]) if "cacheMaxSize" in status else None

    def _taken(self, namespace: str, api: str, name: str, room: int) -> int:
        """Computed once a change of anything: every one of many asks when one of them has changed."""
        place, stamp = (namespace, api), self._store.stamp
        known = self._taken_by.get(place)
        if known is None or known[0] != (stamp, room):
            keys = self._store.referrers("Image", namespace, PREFETCHED, api)
            known = ((stamp, room), caching.taken({key.name: self._size(key) for key in keys}, room))
            self._taken_by[place] = known
        return known[1].get(name, 0)

    def _size(self, key: Key) -> int:
        """Read once a version."""
        version = self._store.version(key)
        known = self._sizes.get(key)
        if known and known[0] == version:
            return known[1]
        body = self._store.get(key)
        if version is None or body is None:
            self._sizes.pop(key, None)
            return 0
        self._sizes[key] = (version, _size(body))
        return self._sizes[key][1]

    def forget(self, key: Key) -> None:
        self._sizes.pop(key, None)


def _size(body: Body) -> int:
    return int((body.get("status") or {}).get("sizeBytes") or 0)


def _list(track: Track, node: Node, max_age: float) -> CacheList | None:
    """None if the pod does not tell."""
    try:
        return track.cloud.caches.get(track.cloud.at(node.url), node, max_age)
    except (Unavailable, Refused):
        return None


def _with_errands(view: View, track: Track) -> View:
    """With what this process has asked for, until it is done."""
    errand = caching.CacheImage if caching.keep(view) else caching.UncacheImage
    for node in view.nodes or ():
        if track.image_id in view.caches.lists.get(node.name, CacheList()).queued:
            track.errands.found(caching.CacheImage, node)
    if view.caches.lists and caching.done(view):
        track.errands.forget()
    size, nodes = caching.size(view), view.nodes or ()
    caches = replace(
        view.caches,
        resting=frozenset(node.name for node in nodes if track.errands.rests(errand, node, size)),
        words={node.name: words for node in nodes if (words := track.errands.words(errand, node))},
        idle=track.errands.idle(),
    )
    return replace(view, caches=caches)
