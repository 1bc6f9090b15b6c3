"""What the Image controller finds out beside Glance: of each failed attempt, of what has arrived, and of stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support import eventually
from tests.unit.core.builders import EXPECTED_ID, marker, spec, view
from tests.unit.core.scenarios.pods import ours
from tests.unit.runtime.image_lab import KEY, ImageLab, image_lab, raw
from tests.unit.runtime.ours_lab import OursLab, ours_lab

from glance_operator.core.image.content import Discard, ImportFromUrl
from glance_operator.core.image.observed import View
from glance_operator.core.image.sources import Fate
from glance_operator.core.plan import Plan
from glance_operator.runtime.errors import Refused
from glance_operator.runtime.image import Look
from glance_operator.runtime.store import Key
from sandbox_kit.source import Fault, Source

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
FILTERED = Refused(400, "URI for web-download does not pass filtering")
MIB = 1 << 20
LOCKED = {"status": "importing", "os_glance_import_task": "t1"}


@pytest.fixture
def lab() -> Iterator[ImageLab]:
    with image_lab() as running:
        yield running


@pytest.fixture
def our_lab() -> Iterator[OursLab]:
    with ours_lab() as running:
        yield running


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as running:
        yield running


def fetched(url: str, **more: Any) -> View:
    return view(spec=spec(source={"http": {"url": url}}, diskFormat="raw", **more))


def queued(one: View) -> dict[str, Any]:
    """Our image, without content."""
    return raw(status="queued", stores=None, size=None, **marker(one.spec))


def active(one: View, size: int) -> dict[str, Any]:
    return raw(size=size, disk_format="raw", visibility="private", **marker(one.spec))


def failure(name: str = "t1") -> dict[str, Any]:
    return {"id": name, "status": "failure", "created_at": f"2026-03-01T11:0{name[-1]}:00Z"}


def settled(lab: ImageLab, one: View, status: dict[str, Any] | None = None) -> Look:
    """The first look whose source has answered."""

    def answered() -> Look:
        look = lab.look(one, status)
        assert look.plan.step or not look.plan.passing, look.plan
        return look

    return eventually(answered, 5)


def said(lab: ImageLab, look: Look, plan: Plan | None = None) -> dict[str, Any]:
    told = lab.controller.status(look, plan or look.plan, {"metadata": {"generation": 1}, "status": {}})
    assert told is not None
    return told


class TestAfterAFailure:
    def test_its_source_is_asked_once(self, lab: ImageLab, source: Source) -> None:
        one = fetched(source.serve("x", b"", Fault(status=410)))
        lab.show(queued(one), failure())
        look = settled(lab, one)
        assert "source answered 410" in look.plan.state.message
        status = said(lab, look)
        for _ in range(3):
            assert "source answered 410" in lab.look(one, status).plan.state.message
        assert len(source.requests) == 1

    def test_afresh_after_the_next_one(self, lab: ImageLab, source: Source) -> None:
        one = fetched(source.serve("x", b"", Fault(status=410)))
        lab.show(queued(one), failure())
        status = said(lab, settled(lab, one))
        source.serve("x", b"", Fault(status=403))
        lab.show(queued(one), failure("t2"))
        lab.cloud.looks.expire(EXPECTED_ID)
        assert "source answered 403" in settled(lab, one, status).plan.state.message
        assert len(source.requests) == 2

    def test_a_new_process_need_not_ask_again(self, lab: ImageLab, source: Source) -> None:
        one = fetched(source.serve("x", b"", Fault(status=410)))
        lab.show(queued(one), failure())
        status = said(lab, settled(lab, one))
        lab.controller.forget(KEY)
        assert "source answered 410" in lab.look(one, status).plan.state.message
        assert len(source.requests) == 1

    def test_one_that_never_answers_is_not_awaited_for_ever(
        self, lab: ImageLab, source: Source, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("glance_operator.runtime.image.causes._PATIENCE", 0.0)
        one = fetched(source.serve("x", bytes(10), Fault(stall_after=0)))
        lab.show(queued(one), failure())
        assert lab.look(one).plan.passing
        monkeypatch.setattr("glance_operator.runtime.image.causes._LONGEST", 0.0)
        look = lab.look(one)
        assert not look.plan.passing
        assert "did not answer the operator in time" in look.plan.state.message


class TestWhatHasArrived:
    def test_less_than_the_source_has_is_discarded(self, lab: ImageLab, source: Source) -> None:
        one = fetched(source.serve("x", bytes(3 * MIB)), visibility="public")
        lab.show(active(one, MIB))
        look = settled(lab, one)
        assert (look.plan.state.reason, look.plan.step) == ("SourceTruncated", Discard(EXPECTED_ID))
        assert "source says 3 MiB, Glance got 1 MiB" in look.plan.state.message

    def test_what_is_complete_is_asked_about_once_and_then_never(self, lab: ImageLab, source: Source) -> None:
        one = fetched(source.serve("x", bytes(MIB)))
        lab.show(active(one, MIB))
        look = settled(lab, one)
        assert look.plan.state.reason == "Available"
        status = said(lab, look)
        lab.controller.forget(KEY)
        assert lab.look(one, status).plan.state.reason == "Available"
        assert len(source.requests) == 1

    def test_a_long_download_is_asked_about_once(
        self, lab: ImageLab, source: Source, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = fetched(source.serve("x", bytes(3 * MIB)))
        lab.show(queued(one) | {"os_glance_import_task": "t1"})
        assert lab.look(one).plan.state.reason == "Downloading"
        assert source.requests == []
        monkeypatch.setattr("glance_operator.core.image.content._STEPS", (0.0,))
        eventually(lambda: "size 3 MiB, no progress visible" in lab.look(one).plan.state.message, 5)
        assert len(source.requests) == 1


class TestWhoMayBeAsked:
    def test_nothing_of_a_redirect_to_another_port(self, lab: ImageLab, source: Source) -> None:
        """Of another cloud's filter it is known only that it let the address itself pass."""
        with Source() as other:
            one = fetched(source.serve("x", b"", Fault(redirect=other.serve("y", bytes(9)))))
            lab.show(queued(one), failure())
            message = settled(lab, one).plan.state.message
            assert f"source redirects to 127.0.0.1:{other.port}, which the import filter refuses" in message
            assert other.requests == []

    def test_of_a_service_of_ours_what_its_filter_lets_pass(self, our_lab: OursLab, source: Source) -> None:
        one = ours(spec={"source": {"http": {"url": source.serve("x", bytes(9))}}, "diskFormat": "raw"})
        our_lab.show(queued(one), failure())
        look = settled(our_lab, one)
        assert "the import filter does not let the operator look" in look.plan.state.message
        assert source.requests == []
        our_lab.lists += 1
        our_lab.tell(imports={"sources": {"allowedHosts": ["127.0.0.1"], "allowedPorts": [source.port]}})
        our_lab.controller.forget(KEY)
        assert "source serves 9 B" in settled(our_lab, one).plan.state.message


class TestRefusals:
    STEP = ImportFromUrl(EXPECTED_ID, "http://127.0.0.1:1/x", ())

    def test_a_source_that_glance_refuses_is_looked_up_and_not_asked(self, lab: ImageLab, source: Source) -> None:
        step = ImportFromUrl(EXPECTED_ID, source.serve("x", b""), ())
        one = lab.controller._causes.of_refusal(view(), step, FILTERED)
        assert one.answer
        assert one.answer.fate is Fate.FILTERED
        assert source.requests == []

    @pytest.mark.parametrize("error", [Refused(409, "filter"), Refused(400, "no such store")])
    def test_other_refusals_need_no_look(self, lab: ImageLab, error: Refused) -> None:
        assert lab.controller._causes.of_refusal(view(), self.STEP, error).answer is None


class TestStores:
    def test_what_a_glancestore_says_of_a_store_that_failed(self, our_lab: OursLab) -> None:
        usable = {"type": "Usable", "status": "False", "reason": "ProbeFailed", "message": "No space left on device"}
        meta = {"name": "edge", "namespace": "default", "uid": "e", "resourceVersion": "1"}
        body = {
            "kind": "GlanceStore",
            "metadata": meta,
            "spec": {"glanceAPIRef": {"name": "glance"}, "storeID": "dcn0"},
            "status": {"conditions": [usable]},
        }
        our_lab.world.store.put(Key("GlanceStore", "default", "edge"), body)
        one = ours(spec={"stores": {"names": ["central", "dcn0"]}})
        our_lab.show(raw(**marker(one.spec)), failure())
        look = settled(our_lab, one)
        assert look.plan.state.reason == "PartialFailure"
        assert "GlanceStore edge says Usable=False, ProbeFailed: No space left on device" in look.plan.state.message


class TestSilence:
    @pytest.mark.parametrize(
        ("words", "first", "later", "reason"),
        [
            ("the same for too long", "Copied 5 MiB", "Copied 5 MiB", "Recreating"),
            ("it goes on", "Copied 5 MiB", "Copied 6 MiB", "Downloading"),
            ("of a download nothing is told at all", "", "", "Downloading"),
        ],
    )
    def test_what_glance_tells_of_a_copy_counts(
        self, lab: ImageLab, monkeypatch: pytest.MonkeyPatch, words: str, first: str, later: str, reason: str
    ) -> None:
        now = 1000.0
        monkeypatch.setattr("glance_operator.runtime.image.track.time.monotonic", lambda: now)
        one = view(spec=spec(progressDeadline="30m"))
        for told in (first, later):
            lab.show(queued(one) | LOCKED, {**failure(), "status": "processing", "message": told})
            look = lab.look(one)
            lab.controller.admit(KEY, look)
            now += 1801
        assert look.plan.state.reason == reason
