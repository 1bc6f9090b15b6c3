"""Caches are tended through the pods' own addresses; what goes wrong is remembered and stops nothing."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.core.glanceapi.caches import serving
from tests.unit.runtime.image_lab import ImageLab, image_lab
from tests.unit.runtime.image_service import Answer

from glance_operator.core.glanceapi.caching import TendCache
from glance_operator.core.plan import Phase, State
from glance_operator.runtime.caretaker import Caretaker
from glance_operator.runtime.errors import Unavailable

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
CACHE = "/v2/cache"


class Office:
    """A caretaker, and what he has noted on pods."""

    def __init__(self, lab: ImageLab) -> None:
        self.lab, self.notes = lab, list[tuple[Any, ...]]()
        objects = SimpleNamespace(annotate=lambda *words: self.notes.append(words))
        self.woken: list[tuple[str, str]] = []
        self.caretaker = Caretaker(cast("Any", lab), cast("Any", objects), lambda *api: self.woken.append(api))

    def tend(self, *, clear: bool = False) -> str:
        """What was wrong."""
        self.caretaker.tend(serving(), TendCache("glance-1", "u1", f"{self.lab.service.url}/", clear))
        return self.caretaker.care("images", "glance")["u1"].trouble


@pytest.fixture
def office() -> Iterator[Office]:
    with image_lab() as lab:
        for request in (f"POST {CACHE}/prune", f"POST {CACHE}/clean"):
            lab.service.on(request, Answer(200, {"total_files_pruned": 0}))
        lab.service.on(f"DELETE {CACHE}", Answer(204))
        yield Office(lab)


def test_it_is_pruned_and_cleaned_without_a_body(office: Office) -> None:
    assert office.tend() == ""
    assert all(one.body is None for one in office.lab.service.asked)
    assert office.lab.told() == [f"POST {CACHE}/prune", f"POST {CACHE}/clean"]
    assert (office.notes, office.woken) == ([], [])


def test_where_images_had_to_go_others_look_whether_theirs_are_there(office: Office) -> None:
    office.lab.service.on(f"POST {CACHE}/prune", Answer(200, {"total_files_pruned": 1}))
    assert office.tend() == ""
    assert office.woken == [("images", "glance")]


def test_that_it_was_cleared_is_noted_on_the_pod(office: Office) -> None:
    assert office.tend(clear=True) == ""
    assert office.lab.told() == [f"DELETE {CACHE}"]
    assert office.notes == [("Pod", "images", "glance-1", {"glance-operator.io/cache": "u1"})]


def test_what_fails_is_not_noted(office: Office) -> None:
    office.lab.service.on(f"DELETE {CACHE}", Answer(403, {"message": "not you"}))
    assert office.tend(clear=True) == "HTTP 403: not you"
    assert office.notes == []


def test_a_service_that_cannot_be_asked(office: Office) -> None:
    office.lab.error = Unavailable(State(Phase.WORKING, "APINotReady", "it does not serve"))
    assert office.tend() == "it does not serve"


def test_pods_that_are_gone_are_forgotten(office: Office) -> None:
    office.tend()
    gone = TendCache("glance-9", "u9", office.lab.service.url, clear=False)
    office.caretaker.tend(serving(uid="u2"), gone)
    assert office.caretaker.care("images", "glance").keys() == {"u9"}
    office.caretaker.forget("images", "glance")
    assert office.caretaker.care("images", "glance") == {}
