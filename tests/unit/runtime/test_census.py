"""Which images live in a store: anybody's, in any state, and those that may be on their way there."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from glance_operator.core.glancestore.observed import Residents
from glance_operator.core.image.observed import GlanceImage
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.census import Census
from glance_operator.runtime.clouds import Clouds
from glance_operator.runtime.errors import unavailable


class Gallery:
    """A service's images, as its client lists them."""

    def __init__(self, *images: GlanceImage) -> None:
        self.shown, self.lists, self.gone = images, 0, False

    def find(self, namespace: str, source: str, name: str) -> Any:
        assert (namespace, source, name) == ("images", SERVICE, "glance")
        return SimpleNamespace(glance=self)

    def images(self, *, hidden: bool) -> Iterable[GlanceImage]:
        if self.gone:
            raise unavailable("GlanceUnavailable", "the image service does not answer")
        self.lists += 1
        return [image for image in self.shown if image.hidden == hidden]


def census(gallery: Gallery, now: list[float]) -> Census:
    return Census(cast("Clouds", gallery), lambda: now[0])


def image(name: str, *stores: str, **more: Any) -> GlanceImage:
    return GlanceImage(id=f"id-{name}", name=name, stores=stores, **{"status": "active", **more})


def test_snapshots_foreign_hidden_and_half_imported_images_count() -> None:
    gallery = Gallery(
        image("b", "central", "edge", owner="somebody"),
        image("", "central", hidden=True, properties={"image_type": "snapshot"}),
        image("a", importing=("central",), status="importing"),
        image("deactivated", "central", status="deactivated"),
        image("queued", status="queued"),
        image("elsewhere", "edge"),
    )
    told = census(gallery, [0.0]).of("images", "glance", "central", 10)
    assert told == Residents(4, ("a", "b", "deactivated"))


@pytest.mark.parametrize(("coming", "count"), [(True, 1), (False, 0)])
def test_an_upload_may_be_going_to_any_store(coming: bool, count: int) -> None:
    gallery = Gallery(image("new", status="saving"))
    told = census(gallery, [0.0]).of("images", "glance", "central", 10, coming=coming)
    assert told is not None
    assert told.count == count


def test_all_stores_are_counted_at_once_and_not_often() -> None:
    gallery, now = Gallery(image("a", "central")), [0.0]
    counted = census(gallery, now)
    for store in ("central", "edge"):
        counted.of("images", "glance", store, 10)
    assert gallery.lists == 2, "once those that are hidden, once the others"
    now[0] = 11.0
    counted.of("images", "glance", "edge", 10)
    assert gallery.lists == 4


def test_a_service_that_does_not_answer_tells_nothing() -> None:
    gallery, now = Gallery(image("a", "central")), [0.0]
    gallery.gone = True
    assert census(gallery, now).of("images", "glance", "central", 10) is None


def test_of_a_store_that_is_drained_it_is_told_why_some_stay() -> None:
    gallery = Gallery(
        image("goes", "edge"),
        image("used", "edge"),
        image("off", "edge", status="deactivated"),
        image("safe", "edge", protected=True),
        image("busy", "edge", lock="t1"),
        image("theirs", "edge"),
    )
    managed = {f"id-{name}": "" for name in ("goes", "off", "safe", "busy")} | {"id-used": "in use by a clone"}
    told = census(gallery, [0.0]).of("images", "glance", "edge", 10, managed=managed)
    assert told is not None
    assert [one.partition(" ")[0] for one in told.held] == ["busy", "off", "safe", "theirs", "used"]
    assert "in use by a clone" in told.held[-1]
    assert "move or delete it yourself" in told.held[-2]


def test_no_more_than_some_are_told() -> None:
    gallery = Gallery(*(image(f"n{number:02}", "edge") for number in range(13)))
    told = census(gallery, [0.0]).of("images", "glance", "edge", 10, managed={})
    assert told is not None
    assert (len(told.held), told.held[-1], told.count) == (11, "and 3 more", 13)
