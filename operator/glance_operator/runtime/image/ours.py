"""What is looked at beside the image where the service is ours: its pods, its staging space, and the source's size."""

from __future__ import annotations

from dataclasses import replace

from glance_operator.api.base import bytes_of
from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glanceapi.images import Sources as Filter
from glance_operator.core.image import content, digests, nodes, staging, stores
from glance_operator.core.image.digests import Plugins
from glance_operator.core.image.observed import Flight, Found, Node, Room, View
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.errors import unavailable
from glance_operator.runtime.image.nodes import Pods, fresh
from glance_operator.runtime.image.track import Track
from glance_operator.runtime.parsing import parsed
from glance_operator.runtime.store import Key, Version
from glance_operator.runtime.world import World

_TO_CHOOSE, _TO_FOLLOW = 1.0, 3.0  # seconds for which pods are taken to be as they were


class Ours:
    """Reads only. It may raise what the API server's client raises."""

    def __init__(self, world: World) -> None:
        self._store, self._sources = world.store, world.sources
        self._pods = Pods(world.objects)
        self._specs: dict[Key, tuple[Version, GlanceAPISpec]] = {}

    def added(self, view: View, track: Track, flights: tuple[Flight, ...], near: bool) -> View:
        """The view with what the rules need to know of the service. ``near``: its import could begin now, so that its
        source may be asked for its size."""
        api = view.spec.glance_api_ref
        if api is None or view.nodes is None:
            return view
        matters, known = nodes.followed(view) or _chooses(view), view.nodes
        if digests.demanded(view.spec):
            view = replace(view, plugins=self._plugins(Key(SERVICE, view.namespace, api.name)))
        if matters:
            pods = self._pods.now(view.namespace, api.name, _TO_FOLLOW if nodes.followed(view) else _TO_CHOOSE)
            view = replace(view, nodes=tuple(_rested(one, track) for one in fresh(known, pods)))
        view = replace(view, flights=flights, gone_for=track.gone_for(nodes.lost(view)))
        if matters or view.image is None:
            view = self._with_room(view, api.name, near)
            track.needs = (staging.copy_needs if _has_content(view) else staging.content_needs)(view) or 0
        return view

    def confirm(self, view: View, node: Node) -> None:
        """Raises Unavailable unless the pod still runs the container that was written down as the import's."""
        pods = self._pods.now(view.namespace, nodes.api(view), max_age=0)
        if not any((one.name, one.container_id, one.leaving) == (node.name, node.container_id, False) for one in pods):
            text = f"pod {node.name} was replaced just before it got the import: another is chosen"
            raise unavailable("PodReplaced", text)

    def _with_room(self, view: View, api: str, near: bool) -> View:
        spec = self._spec(Key(SERVICE, view.namespace, api))
        room = room_of(spec) if spec else None
        if room is None or _has_content(view) or view.spec.source is None or view.spec.source.http is None:
            return replace(view, room=room)
        answer = self._sources.ask(content.url(view), self.filter_of(view), known=not near)
        return replace(view, room=room, found=Found(answer.size, answer.virtual_size))

    def filter_of(self, view: View) -> Filter:
        """From where the service may fetch, as its spec says. Raises Invalid."""
        spec = self._spec(Key(SERVICE, view.namespace, nodes.api(view)))
        return (spec.imports.sources if spec and spec.imports else None) or Filter()

    def _plugins(self, key: Key) -> Plugins:
        spec = self._spec(key)
        imports = spec.imports if spec else None
        to = imports.conversion.output_format if imports and imports.conversion else ""
        return Plugins(to, decompresses=bool(imports and imports.decompression is not None))

    def _spec(self, key: Key) -> GlanceAPISpec | None:
        """Parsed once for all its Images."""
        version = self._store.version(key)
        if (known := self._specs.get(key)) and known[0] == version:
            return known[1]
        if version is None or (body := self._store.get(key)) is None:
            return None
        spec = parsed(GlanceAPISpec, body)
        self._specs[key] = (version, spec)
        return spec


def room_of(spec: GlanceAPISpec) -> Room | None:
    """The staging space as far as the spec says how large it is."""
    where = spec.staging
    conversion = spec.imports.conversion if spec.imports else None
    to = conversion.output_format if conversion else ""
    if where and where.pvc and where.pvc.size:
        return Room(bytes_of(where.pvc.size), "pvc.size", shared=True, converts_to=to)
    if where and where.ephemeral:
        return Room(bytes_of(where.ephemeral.size), "ephemeral.size", converts_to=to)
    if where and where.empty_dir and where.empty_dir.size_limit:
        return Room(bytes_of(where.empty_dir.size_limit), "emptyDir.sizeLimit", converts_to=to)
    return None


def _chooses(view: View) -> bool:
    """Whether the next step may be an import."""
    image = view.image
    if image is None or image.lock:
        return False
    return image.status in ("queued", "uploading") or (image.status == "active" and bool(stores.missing(view)))


def _has_content(view: View) -> bool:
    return view.image is not None and view.image.status == "active"


def _rested(node: Node, track: Track) -> Node:
    """A pod that has not answered us of late is left alone, whatever its probes say."""
    return replace(node, ready=False) if node.open and track.cloud.at(node.url).resting() else node
