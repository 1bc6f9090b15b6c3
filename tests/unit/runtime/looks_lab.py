"""A cloud's images in memory, and who looks at them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from glance_operator.core.image.observed import GlanceImage
from glance_operator.runtime.crowd import Crowd
from glance_operator.runtime.looks import Looks

OURS = {"glance_operator_cluster": "here"}
Request = tuple[str, ...]


class Cloud:
    """A source with images in memory; `busy` holds up each answer, as `meanwhile` is done."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.there: dict[str, GlanceImage] = {}
        self.requests: list[Request] = []
        self.free = threading.Event()
        self.free.set()
        self.meanwhile: Callable[[], None] = lambda: None
        self.error: Exception | None = None
        self.crowd = Crowd(50)
        self.looks = Looks(self, OURS, lambda: self.now)

    def add(self, *names: str, hidden: bool = False, status: str = "queued") -> None:
        self.there |= {name: GlanceImage(name, hidden=hidden, status=status) for name in names}

    def image(self, image_id: str) -> GlanceImage | None:
        found = self.there.get(image_id)
        self._answer(("image", image_id))
        return found

    def images(self, hidden: bool, ids: Iterable[str] = (), **properties: str) -> list[GlanceImage]:
        wanted = list(ids)
        if not (wanted or properties):
            raise AssertionError("a list of everything")
        found = [i for i in self.there.values() if i.hidden is hidden and (properties or i.id in wanted)]
        kind = "hidden" if hidden else "list"
        self._answer((f"{kind} of ours",) if properties else (kind, *sorted(wanted)))
        return found

    def _answer(self, request: Request) -> None:
        self.requests.append(request)
        if not self.free.wait(10):
            raise AssertionError("held up for ever")
        self.meanwhile()
        if self.error:
            raise self.error

    def told(self) -> list[Request]:
        """The requests since this was asked last."""
        told, self.requests = self.requests, []
        return told
