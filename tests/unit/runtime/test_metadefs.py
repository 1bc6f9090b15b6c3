"""When Glance is asked for its namespaces of metadata definitions, and what is made of its answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.runtime.glance_lab import Lab
from tests.unit.runtime.image_service import Answer

from glance_operator.core.metadefs import Attempt, Call, Define
from glance_operator.runtime.metadefs import AT_REST, IN_TROUBLE, Metadefs
from glance_operator.runtime.store import Key

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
KEY = Key("GlanceAPI", "images", "glance")
ROOT = "/v2/metadefs/namespaces"
FOUND = {"namespace": "a"}


class Keeper:
    """A hand for one service, on a clock of ours."""

    def __init__(self, lab: Lab) -> None:
        self.now, self.lab = 0.0, lab
        clouds = SimpleNamespace(find=lambda *_: SimpleNamespace(glance=lab.glance))
        self.hand = Metadefs(cast("Any", clouds), lambda: self.now)
        lab.service.on("GET /v2/info/import", Answer(200, {"import-methods": {"value": []}}))
        lab.service.on(f"GET {ROOT}/a", Answer(200, FOUND))

    def asked(self) -> list[str]:
        """Since the last time."""
        requests = self.lab.service.requests(ROOT)
        self.lab.service.asked.clear()
        return requests


@pytest.fixture
def keeper(lab: Lab) -> Keeper:
    return Keeper(lab)


@pytest.mark.parametrize(("calm", "seconds"), [(True, AT_REST), (False, IN_TROUBLE)])
def test_what_was_seen_is_believed_for_a_while(keeper: Keeper, calm: bool, seconds: float) -> None:
    for now, requests in ((0.0, 1), (seconds, 0), (seconds + 1, 1)):
        keeper.now = now
        assert keeper.hand.look(KEY, ["a"], calm=calm).found == {"a": FOUND}
        assert len(keeper.asked()) == requests


def test_what_is_not_there_is_none_and_a_new_name_alone_is_asked_for(keeper: Keeper) -> None:
    keeper.hand.look(KEY, ["a"], calm=True)
    keeper.asked()
    assert keeper.hand.look(KEY, ["a", "b c"], calm=True).found == {"a": FOUND, "b c": None}
    assert keeper.asked() == [f"GET {ROOT}/b%20c"]


def test_what_was_changed_is_looked_at_again(keeper: Keeper) -> None:
    keeper.hand.look(KEY, ["a"], calm=True)
    keeper.lab.service.on(f"POST {ROOT}/a/tags/t", Answer(201, {}))
    keeper.lab.service.on(f"PUT {ROOT}/a", Answer(200, {}))
    calls = (Call("POST", "/metadefs/namespaces/a/tags/t"), Call("PUT", "/metadefs/namespaces/a", FOUND))
    keeper.asked()
    keeper.hand.send(KEY, Define("a", calls))
    seen = keeper.hand.look(KEY, ["a"], calm=True)
    assert keeper.asked() == [f"POST {ROOT}/a/tags/t", f"PUT {ROOT}/a", f"GET {ROOT}/a"]
    assert seen.attempts == {"a": (Attempt(calls),)}


@pytest.mark.parametrize(("status", "new", "taken"), [(409, True, True), (409, False, False), (403, True, False)])
def test_a_refusal_is_kept_for_a_while(keeper: Keeper, status: int, new: bool, taken: bool) -> None:
    keeper.lab.service.on(f"POST {ROOT}", Answer(status, {"message": "words"}))
    calls = (Call("POST", "/metadefs/namespaces", FOUND),)
    keeper.hand.look(KEY, ["a"], calm=False)
    keeper.hand.send(KEY, Define("a", calls, new))
    (attempt,) = keeper.hand.look(KEY, ["a"], calm=False).attempts["a"]
    assert (attempt.calls, attempt.taken) == (calls, taken)
    assert f"HTTP {status}" in attempt.words
    keeper.now += IN_TROUBLE + 1
    assert keeper.hand.look(KEY, ["a"], calm=False).attempts == {}


@pytest.mark.parametrize("answer", [Answer(503), Answer(200, "<html>"), Answer(403, {"message": "no"})])
def test_a_service_that_gives_no_answer_is_trouble_and_no_word_about_namespaces(keeper: Keeper, answer: Answer) -> None:
    keeper.lab.service.on(f"GET {ROOT}/a", answer)
    seen = keeper.hand.look(KEY, ["a"], calm=True)
    assert (seen.found, bool(seen.trouble)) == ({}, True)


def test_what_was_cut_is_neither_done_nor_refused(keeper: Keeper) -> None:
    keeper.hand.look(KEY, ["a"], calm=True)
    keeper.lab.service.on(f"DELETE {ROOT}/a", Answer(503))
    keeper.hand.send(KEY, Define("a", (Call("DELETE", "/metadefs/namespaces/a"),)))
    assert keeper.hand.look(KEY, ["a"], calm=True).attempts == {}


def test_one_that_is_gone_is_forgotten(keeper: Keeper) -> None:
    keeper.hand.look(KEY, ["a"], calm=True)
    keeper.hand.forget(KEY)
    keeper.asked()
    keeper.hand.look(KEY, ["a"], calm=True)
    assert keeper.asked() == [f"GET {ROOT}/a"]
