"""What is asked of pods about their caches: once for all images of a service, and nothing where there is quiet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import EXPECTED_ID, body_of, later, memory, view
from tests.unit.core.caches import WANTED
from tests.unit.runtime.image_lab import KEY, ImageLab, image_lab, raw
from tests.unit.runtime.image_service import Answer

from glance_operator.core.image.caching import CacheImage, UncacheImage
from glance_operator.core.image.observed import View
from glance_operator.core.image.status import status
from glance_operator.runtime.image import Look
from glance_operator.runtime.store import Key

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
CACHE = "/v2/cache"
ENTRY = f"{CACHE}/{EXPECTED_ID}"
LOOK, PUT, DELETE = f"GET {CACHE}", f"PUT {CACHE}/ID", f"DELETE {CACHE}/ID"
SERVED = view(spec=WANTED, memory=memory(), settled=True)


class CacheLab:
    """One pod with a cache, and our image, which is served."""

    def __init__(self, lab: ImageLab) -> None:
        self.lab, self.version = lab, 0
        self.status: dict[str, Any] = {}
        self.cached: list[str] = []
        self.queued: list[str] = []
        lab.service.on(LOOK, Answer(200, lambda _: self._listed()))
        lab.service.on(f"PUT {ENTRY}", Answer(202))
        lab.service.on(f"DELETE {ENTRY}", Answer(204))
        lab.show(raw(size=1536))
        self.service()
        self.settle()
        lab.told()

    def _listed(self) -> dict[str, Any]:
        return {"cached_images": [{"image_id": one} for one in self.cached], "queued_images": self.queued}

    def _put(self, kind: str, name: str, spec: dict[str, Any], status: dict[str, Any]) -> None:
        self.version += 1
        meta = {"name": name, "namespace": "default", "uid": f"{kind}-{name}", "resourceVersion": str(self.version)}
        self.lab.world.store.put(
            Key(kind, "default", name), {"kind": kind, "metadata": meta, "spec": spec, "status": status}
        )

    def service(self, max_size: str | None = "4Ki", **node: Any) -> None:
        """The GlanceAPI as it is from now on; `node`: changes of its pod."""
        pod = {"name": "glance-0", "url": self.lab.service.url, "containerID": "c0", "ready": True, "cacheReady": True}
        cache = {"cacheMaxSize": max_size} if max_size else {}
        self._put("GlanceAPI", "glance", {}, {"nodes": [pod | node], **cache})

    def other(self, name: str, size: int, prefetch: str = "AllNodes") -> None:
        """Another Image of the service."""
        spec = {"glanceAPIRef": {"name": "glance"}, "cache": {"prefetch": prefetch}}
        self._put("Image", name, spec, {"sizeBytes": size})

    def body(self, one: View = SERVED) -> dict[str, Any]:
        body = body_of(one, self.status)
        self._put("Image", one.name, body["spec"], body["status"])
        return body

    def look(self, one: View = SERVED) -> Look:
        """A look at the object with the status that was published last."""
        return self.lab.controller.look(KEY, self.body(one))

    def settle(self, one: View = SERVED) -> list[str]:
        """Pass over it until there is nothing to do but to wait; what was asked of the pod's cache meanwhile."""
        self.lab.told()
        while (look := self.look(one)).plan.step is not None:
            self.lab.controller.act(KEY, look)
        self.status = status(look.view, look.plan, self.body(one))
        return [one for one in self.lab.told() if CACHE in one]

    def expire(self) -> None:
        """What the pod told so far holds no longer."""
        self.lab.cloud.caches.expire(self.lab.service.url)

    @property
    def quiet(self) -> bool:
        return self.lab.controller.settled(self.body())

    def entries(self) -> list[tuple[str, str]]:
        return [(one["status"], one["reason"]) for one in self.status.get("cached") or ()]


@pytest.fixture
def lab() -> Iterator[CacheLab]:
    with image_lab() as running:
        yield CacheLab(running)


@pytest.fixture
def filled(lab: CacheLab) -> CacheLab:
    """The image is in the cache, and that is known."""
    lab.cached = [EXPECTED_ID]
    lab.expire()
    lab.settle()
    assert (lab.entries(), lab.quiet) == ([("True", "Cached")], True)
    return lab


def test_it_is_asked_for_once_and_looked_for(lab: CacheLab) -> None:
    """The fixture has done so: asked, looked, and no more."""
    assert (lab.entries(), lab.quiet) == ([("False", "Caching")], False)
    assert PUT not in lab.settle()
    assert lab.look().plan.after == 0.5


def test_at_rest_nothing_is_asked(filled: CacheLab) -> None:
    assert filled.settle() == []
    assert filled.look().plan.after is None


def test_what_was_pruned_is_put_back(filled: CacheLab) -> None:
    filled.cached = []
    filled.expire()
    assert filled.settle() == [LOOK, PUT, LOOK]


def test_a_new_container_is_looked_at_and_a_new_pod_is_filled(filled: CacheLab) -> None:
    filled.service(containerID="c1")
    assert not filled.quiet
    assert filled.settle() == [LOOK]
    assert filled.quiet
    filled.service(containerID="", ready=False, cacheReady=False)
    assert filled.settle() == []
    assert (filled.entries(), filled.quiet) == ([("False", "PodNotReady")], True)
    filled.service(containerID="c2", cacheReady=False)
    assert filled.quiet, "what it lists cannot be believed yet"
    filled.service(containerID="c2")
    filled.cached = []
    assert filled.settle() == [LOOK, PUT, LOOK]
    assert filled.entries() == [("False", "Caching")]


def test_one_look_serves_many_images(filled: CacheLab) -> None:
    filled.service(containerID="c1")
    filled.settle()
    controller = filled.lab.controller
    for number in range(20):
        controller.look(Key("Image", "default", f"other-{number}"), filled.body())
    assert [one for one in filled.lab.told() if CACHE in one] == []


def test_what_was_queued_before_this_process_began_is_waited_for(lab: CacheLab) -> None:
    lab.queued = [EXPECTED_ID]
    lab.expire()
    lab.lab.controller.forget(KEY)
    assert lab.settle() == [LOOK]
    assert lab.entries() == [("False", "Caching")]


def test_a_pod_that_refuses_is_quoted_and_the_image_stays_ready(lab: CacheLab) -> None:
    lab.lab.service.on(f"PUT {ENTRY}", Answer(403, {"message": "not you"}))
    lab.lab.controller.forget(KEY)
    assert PUT in lab.settle()
    conditions = {one["type"]: one for one in lab.status["conditions"]}
    assert conditions["Ready"]["status"] == "True"
    assert conditions["Cached"]["message"] == "In the caches of 0 of 1 pods; glance-0: Caching (HTTP 403: not you)"


def test_a_pod_that_does_not_answer_stops_nothing(filled: CacheLab) -> None:
    filled.service(url="http://127.0.0.1:1", containerID="c1")
    look = filled.look()
    assert (look.plan.state.reason, look.plan.step, look.plan.after) == ("Available", None, 15.0)
    filled.settle()
    assert filled.entries() == [("False", "PodNotAnswering")]


def test_no_longer_wanted_it_is_removed(filled: CacheLab) -> None:
    unwanted = replace(SERVED, spec=WANTED.model_copy(update={"cache": None}), generation=2)
    step = filled.look(unwanted).plan.step
    assert isinstance(step, UncacheImage)
    filled.lab.controller.act(KEY, filled.look(unwanted))
    assert filled.lab.told()[-1] == DELETE
    filled.cached = []
    filled.settle(unwanted)
    assert "cached" not in filled.status
    assert all(one["type"] != "Cached" for one in filled.status["conditions"])


def test_before_the_image_is_deleted_it_leaves_the_caches(filled: CacheLab) -> None:
    deleted = replace(SERVED, deleted_at=later(-1))
    assert isinstance(filled.look(deleted).plan.step, UncacheImage)
    filled.service(ready=False)
    assert not isinstance(filled.look(deleted).plan.step, UncacheImage)


class TestRoom:
    """`jammy` is our image and has 1536 of 4096 bytes."""

    def test_others_with_names_before_it_take_theirs_first(self, filled: CacheLab) -> None:
        filled.other("artful", 2561)
        assert not filled.quiet
        assert isinstance(filled.look().plan.step, UncacheImage)
        filled.other("artful", 2560)
        assert filled.quiet
        filled.other("zesty", 4096)
        filled.other("bionic", 4096, prefetch="None")
        filled.other("artful", 5000)
        assert filled.quiet, "what does not fit itself takes nothing"

    def test_it_is_put_there_once_there_is_room(self, filled: CacheLab) -> None:
        filled.service("1Ki")
        filled.cached = []
        filled.expire()
        filled.settle()
        assert (filled.entries(), filled.quiet) == ([], True)
        assert filled.settle() == []
        filled.service("4Ki")
        assert not filled.quiet
        assert isinstance(filled.look().plan.step, CacheImage)

    def test_a_service_without_a_cache(self, filled: CacheLab) -> None:
        filled.service(None, cacheReady=None)
        assert filled.settle() == []
        assert (filled.entries(), filled.quiet) == ([], True)
