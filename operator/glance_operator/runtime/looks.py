"""One look for many: what is known of a cloud's images, and how old that knowledge is.

Imports under way are looked at together, with one list request, however many there are; whoever's image has changed in
that look is woken. Images at rest are compared from one paged list.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from glance_operator.core.image.identity import OWNER
from glance_operator.core.image.observed import GlanceImage
from glance_operator.runtime.crowd import Crowd

_TOGETHER = 50  # ids in one request: longer addresses are cut by some front ends


class Source(Protocol):
    """The part of the image service that is needed here. crowd: who waits for an answer of it is in there."""

    @property
    def crowd(self) -> Crowd: ...
    def image(self, image_id: str) -> GlanceImage | None: ...
    def images(self, hidden: bool, ids: Iterable[str] = (), **properties: str) -> list[GlanceImage]: ...


@dataclass(frozen=True, slots=True)
class _Seen:
    image: GlanceImage | None
    at: float


class Looks:
    """What was seen of images by id, and when. Thread-safe; calls may raise what the source raises.

    ours: properties that only images of ours carry, for the list of those at rest.
    """

    def __init__(self, source: Source, ours: dict[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._source, self._ours, self._clock = source, ours, clock
        self._lock = threading.Lock()  # guards the fields below
        self._turn = threading.Lock()  # one look at a time: the next finds what this one brought
        self._list_turn = threading.Lock()  # a list of thousands must not hold up those who wait for an import
        self._seen: dict[str, _Seen] = {}
        self._wanted: dict[str, bool] = {}  # id -> hidden?
        self._watched: dict[str, tuple[bool, Callable[[], None]]] = {}
        self._under_way: list[float] = []  # when the looks and lists that have not ended yet began
        self._outdated: dict[str, float] = {}  # since when: what a look begun before then brings is not kept
        self._rest: dict[str, GlanceImage] = {}
        self._rest_at = float("-inf")  # when that list began
        self._owners: dict[str, str] = {}  # id -> the object that its marker names

    def get(self, image_id: str, max_age: float, *, hidden: bool = False) -> GlanceImage | None:
        """The image as seen at most ``max_age`` seconds before this call. None: there is none."""
        since = self._clock() - max_age
        if seen := self._since(image_id, since):
            return seen.image
        with self._source.crowd.inside():
            with self._lock:
                self._wanted[image_id] = hidden
            with self._turn:
                if not self._since(image_id, since):
                    self._look()
        seen = self._since(image_id, since)
        return seen.image if seen else self.get(image_id, max_age, hidden=hidden)

    def at_rest(self, image_id: str, max_age: float) -> GlanceImage | None:
        """The same from the list of all images of ours; one that is not in it is looked for by its id."""
        self._refresh(max_age)
        with self._lock:
            image = self._rest.get(image_id)
        return image or self.get(image_id, max_age=0)

    def marked(self, owner: str) -> list[str]:
        """Ids of images that bear this object's marker. Listed once: what this process has seen since is added."""
        if self._rest_at == float("-inf"):
            self._refresh(0)
        with self._lock:
            return [image_id for image_id, whose in self._owners.items() if whose == owner]

    def _note(self, image_id: str, image: GlanceImage | None) -> None:
        """Newer than what the list has of it. Within the lock."""
        if image is not None and OWNER in image.properties:
            self._rest[image_id], self._owners[image_id] = image, image.properties[OWNER]
        else:
            self._rest.pop(image_id, None)
            self._owners.pop(image_id, None)

    def put(self, image_id: str, image: GlanceImage | None) -> None:
        """What an answer to our own request has shown."""
        self.expire(image_id)
        with self._lock:
            self._seen[image_id] = _Seen(image, self._clock())
            self._note(image_id, image)

    def expire(self, image_id: str) -> None:
        """What was known holds no longer."""
        with self._lock:
            if self._under_way:  # a look that begins later cannot bring the image as it was
                self._outdated[image_id] = self._clock()
            self._seen.pop(image_id, None)
            self._rest.pop(image_id, None)

    def watch(self, image_id: str, hidden: bool, wake: Callable[[], None]) -> None:
        """Include the image in every look from now on; ``wake`` is called when a look finds it changed."""
        with self._lock:
            self._watched[image_id] = (hidden, wake)

    def unwatch(self, image_id: str) -> None:
        """Nothing is under way with the image: it is looked at when somebody asks, and not kept in memory."""
        with self._lock:
            self._watched.pop(image_id, None)
            self._seen.pop(image_id, None)

    @contextmanager
    def _looking(self) -> Iterator[float]:
        """When this look began; what is to be kept of it is stored before the block ends."""
        with self._lock:
            at = self._clock()
            self._under_way.append(at)
        try:
            yield at
        finally:
            with self._lock:
                self._under_way.remove(at)
                oldest = min(self._under_way, default=float("inf"))
                self._outdated = {i: since for i, since in self._outdated.items() if since > oldest}

    def _since(self, image_id: str, since: float) -> _Seen | None:
        with self._lock:
            seen = self._seen.get(image_id)
            return seen if seen and seen.at >= since else None

    def _look(self) -> None:
        with self._looking() as at:
            with self._lock:
                wanted, self._wanted = self._wanted, {}
                asked = frozenset(wanted)
                wanted |= {image_id: hidden for image_id, (hidden, _) in self._watched.items()}
            wakes = self._remember(self._found(wanted), at, asked)
        for wake in wakes:
            wake()

    def _found(self, wanted: dict[str, bool]) -> dict[str, GlanceImage | None]:
        if len(wanted) == 1:  # a single image is found by its id in any list, and costs Glance half
            return {image_id: self._source.image(image_id) for image_id in wanted}
        found: dict[str, GlanceImage | None] = {}
        for hidden in (False, True):
            found |= self._listed([i for i, h in wanted.items() if h is hidden], hidden)
        for image_id in wanted.keys() - found.keys():  # gone, or not as hidden as was thought
            found[image_id] = self._source.image(image_id)
        return found

    def _listed(self, ids: list[str], hidden: bool) -> dict[str, GlanceImage]:
        parts = (ids[i : i + _TOGETHER] for i in range(0, len(ids), _TOGETHER))
        return {image.id: image for part in parts for image in self._source.images(hidden, part)}

    def _remember(
        self, found: dict[str, GlanceImage | None], at: float, asked: frozenset[str]
    ) -> list[Callable[[], None]]:
        """Keep what was found; whom to wake, as their image has changed. Who ``asked`` is awake."""
        wakes = []
        with self._lock:
            for image_id, image in found.items():
                watched = self._watched.get(image_id)
                if self._is_outdated(image_id, at) or not (watched or image_id in asked):
                    continue
                before = self._seen.get(image_id)
                self._seen[image_id] = _Seen(image, at)
                self._note(image_id, image)
                if watched and image_id not in asked and before is not None and before.image != image:
                    wakes.append(watched[1])
        return wakes

    def _is_outdated(self, image_id: str, at: float) -> bool:
        return self._outdated.get(image_id, at) > at

    def _refresh(self, max_age: float) -> None:
        since = self._clock() - max_age
        if self._rest_at < since:
            with self._source.crowd.turn(self._list_turn):
                if self._rest_at < since:
                    self._list_all()

    def _list_all(self) -> None:
        with self._looking() as at:
            images = [image for hidden in (False, True) for image in self._source.images(hidden, **self._ours)]
            with self._lock:
                self._rest = {image.id: image for image in images if not self._is_outdated(image.id, at)}
                self._owners = {i: image.properties.get(OWNER, "") for i, image in self._rest.items()}
                self._rest_at = at
