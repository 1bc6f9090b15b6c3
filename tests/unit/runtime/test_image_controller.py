"""The Image controller: who may begin an import, what trouble means, and when to look again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.core.builders import EXPECTED_ID, OUTAGE, URL, body_of, later, spec, view
from tests.unit.runtime.image_lab import KEY, PATH, ImageLab, image_lab, raw, settled_view
from tests.unit.runtime.image_service import Answer

from glance_operator.core.conditions import find
from glance_operator.core.image.memory import text
from glance_operator.core.image.observed import Cause, View
from glance_operator.core.past import RETRY_ANNOTATION
from glance_operator.core.plan import LetGo, Phase, State
from glance_operator.runtime.errors import Invalid, Refused, Unavailable
from glance_operator.runtime.image import Look
from glance_operator.runtime.store import Key

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
OTHER = Key("Image", "default", "other")
NOT_BUILT: dict[str, Any] = {"source": {"http": {"url": URL, "refresh": "1h"}}}
QUEUED = raw(status="queued", stores=None)
LOCKED = QUEUED | {"os_glance_import_task": "t1"}
READY = {
    "observedGeneration": 1,
    "id": EXPECTED_ID,
    "conditions": [{"type": kind, "status": "True", "reason": "Fine"} for kind in ("Ready", "StoresReady", "Imported")],
}
NO_SECRET = Unavailable(
    State(Phase.WORKING, "CredentialsNotFound", "Secret default/openstack is not there"), Cause.MISSING
)


@pytest.fixture
def lab() -> Iterator[ImageLab]:
    with image_lab() as running:
        yield running


class TestLooking:
    def test_from_the_object_to_the_plan(self, lab: ImageLab) -> None:
        lab.show(QUEUED)
        found = lab.look()
        assert (found.view.looked, found.view.cluster, found.plan.state.reason) == (True, "here", "Downloading")
        assert (found.view.retry_base, found.view.lost_grace) == (3, 60)

    @pytest.mark.parametrize(
        ("words", "one"),
        [
            ("suspended", view(spec=spec(suspend=True))),
            ("deleted, to be retained", view(spec=spec(deletionPolicy="Retain"), deleted_at=later(-1))),
            ("not built", view(spec=spec(**NOT_BUILT))),
        ],
    )
    def test_some_are_left_alone(self, lab: ImageLab, words: str, one: View) -> None:
        found = lab.look(one)
        assert (found.view.looked, found.track, lab.fresh, lab.service.asked) == (False, None, [], [])

    def test_a_deleted_object_is_never_let_go_unseen(self, lab: ImageLab) -> None:
        """Although its spec has come to ask for what is not built: the image is there."""
        found = lab.look(view(spec=spec(**NOT_BUILT), deleted_at=later(-1)))
        assert found.view.image is not None
        assert not isinstance(found.plan.step, LetGo)

    def test_a_spec_that_cannot_be_read_names_the_field_and_shows_no_value(self, lab: ImageLab) -> None:
        body = body_of(view())
        body["spec"]["diskFormat"] = "secret-value"
        with pytest.raises(Invalid, match=r"spec\.diskFormat: Input should be") as caught:
            lab.controller.look(KEY, body)
        assert caught.value.state.phase is Phase.STALLED
        assert "secret-value" not in caught.value.state.message

    def test_trouble_with_the_cloud_is_told_in_terms_of_this_object(self, lab: ImageLab) -> None:
        lab.error = Unavailable(OUTAGE)
        found = lab.look()
        assert (found.view.looked, found.view.cause, found.track) == (False, Cause.OUTAGE, None)
        assert found.plan.state.reason == "GlanceUnavailable"
        assert found.plan.state.message.startswith("Cloud lab of Secret openstack: ")

    def test_trouble_with_the_secret_is_told_as_it_is(self, lab: ImageLab) -> None:
        lab.error = NO_SECRET
        assert lab.look().plan.state == NO_SECRET.state

    def test_a_refused_look_is_trouble_too(self, lab: ImageLab) -> None:
        lab.service.on(f"GET {PATH}", Answer(403, {"message": "not yours"}))
        found = lab.look()
        assert (found.plan.state.reason, found.view.cause) == ("GlanceError", Cause.OUTAGE)
        assert "not yours" in found.plan.state.message

    @pytest.mark.parametrize(("annotations", "fresh"), [({}, False), ({RETRY_ANNOTATION: "now"}, True)])
    def test_a_retry_reads_the_credentials_anew(self, lab: ImageLab, annotations: dict[str, str], fresh: bool) -> None:
        lab.look(annotations=annotations)
        assert lab.fresh == [fresh]


class TestSlots:
    def test_who_begins_an_import_needs_one(self, lab: ImageLab) -> None:
        lab.show(QUEUED)
        assert lab.controller.admit(KEY, lab.look()) is None
        assert lab.cloud.slots.holders() == [KEY]
        parked = lab.controller.admit(OTHER, lab.look())
        assert parked is not None
        assert (parked.state.reason, parked.passing, parked.step) == ("Queued", True, None)
        assert lab.cloud.slots.waiting() == [OTHER]

    def test_the_next_in_line_makes_its_image_and_no_more(self, lab: ImageLab) -> None:
        lab.cloud.slots.hold(OTHER)
        lab.show(None)
        lab.service.on("POST /v2/images", Answer(201, QUEUED))
        look = lab.look()
        assert lab.controller.admit(KEY, look) is None
        lab.controller.act(KEY, look)
        parked = lab.controller.admit(KEY, lab.look())
        assert parked is not None
        assert (parked.state.reason, lab.cloud.slots.waiting()) == ("Queued", [KEY])

    def test_it_is_kept_while_the_import_runs_and_given_back_after(self, lab: ImageLab) -> None:
        lab.show(LOCKED)
        assert lab.controller.admit(KEY, lab.look()) is None
        assert lab.cloud.slots.holders() == [KEY]
        lab.cloud.slots.try_acquire(OTHER)
        lab.show(raw())
        lab.cloud.looks.expire(EXPECTED_ID)
        assert lab.controller.admit(KEY, lab.look()) is None
        assert (lab.cloud.slots.holders(), lab.woken) == ([OTHER], [OTHER])

    def test_running_imports_found_after_a_restart_count_whatever_the_bound(self, lab: ImageLab) -> None:
        lab.show(LOCKED)
        for key in (KEY, OTHER):
            assert lab.controller.admit(key, lab.look()) is None
        assert lab.cloud.slots.holders() == [KEY, OTHER]

    def test_it_is_given_back_when_the_step_is_refused(self, lab: ImageLab) -> None:
        lab.show(QUEUED)
        found = lab.look()
        lab.controller.admit(KEY, found)
        plan = lab.controller.refused(KEY, found, Refused(403, "not permitted"))
        assert (plan.state.reason, lab.cloud.slots.holders()) == ("Forbidden", [])
        plan = lab.controller.refused(KEY, found, Unavailable(OUTAGE))
        assert (plan.state.reason, plan.passing) == ("GlanceUnavailable", True)

    def test_and_when_the_object_is_gone(self, lab: ImageLab) -> None:
        lab.show(QUEUED)
        lab.controller.admit(KEY, lab.look())
        lab.controller.forget(KEY)
        lab.controller.forget(KEY)
        assert lab.cloud.slots.holders() == []

    def test_and_when_its_cloud_is_another(self, lab: ImageLab) -> None:
        lab.show(QUEUED)
        lab.controller.admit(KEY, lab.look())
        old, lab.cloud = lab.cloud, lab.new_cloud()
        lab.look()
        assert old.slots.holders() == []

    def test_what_was_not_looked_at_needs_none(self, lab: ImageLab) -> None:
        lab.error = NO_SECRET
        assert lab.controller.admit(KEY, lab.look()) is None


def test_a_running_import_is_watched_until_it_is_over(lab: ImageLab) -> None:
    lab.show(LOCKED)
    lab.controller.admit(KEY, lab.look())
    lab.show(raw())
    lab.cloud.looks.get("another", 0)
    assert lab.queue.poll() == KEY
    lab.queue.done(KEY)
    lab.controller.admit(KEY, lab.look(status=READY))
    lab.show(raw(name="renamed"))
    lab.cloud.looks.get("another", 0)
    assert lab.queue.poll() is None


def test_only_what_was_looked_at_is_acted_on(lab: ImageLab) -> None:
    lab.error = NO_SECRET
    found = lab.look()
    with pytest.raises(AssertionError):
        lab.controller.act(KEY, found)
    with pytest.raises(AssertionError):
        lab.controller.refused(KEY, found, Refused(400, "x"))


@pytest.mark.parametrize(
    ("words", "one", "error", "written"),
    [
        ("at rest, and the cloud is down", settled_view(), Unavailable(OUTAGE), False),
        ("at rest, and the Secret is gone", settled_view(), NO_SECRET, True),
        ("at work, and the cloud is down", view(), Unavailable(OUTAGE), True),
        ("deleted, and the cloud is down", settled_view(deleted_at=later(-1)), Unavailable(OUTAGE), True),
    ],
)
def test_an_outage_is_not_written_ten_thousand_times(
    lab: ImageLab, words: str, one: View, error: Unavailable, written: bool
) -> None:
    lab.error = error
    status = READY if one.settled else None
    found = lab.look(one, status)
    said = lab.controller.status(found, found.plan, body_of(one, status))
    assert (said is not None) is written
    if said:
        assert find(said["conditions"], "CloudReady")["status"] == "False"


@pytest.mark.parametrize(
    ("words", "changes", "meta", "settled"),
    [
        ("ready everywhere", {}, {}, True),
        ("no status", {"conditions": []}, {}, False),
        ("a store lacks it", {"conditions": [{"type": "Ready", "status": "True"}]}, {}, False),
        ("stalled: the service may have changed", {"conditions": [{"type": "Stalled", "status": "True"}]}, {}, False),
        ("a store is to be emptied", {"stores": [{"name": "dcn1", "reason": "Removing"}]}, {}, False),
        ("a store was not emptied", {"stores": [{"name": "dcn1", "reason": "RemovalRefused"}]}, {}, False),
        ("a new generation", {"observedGeneration": 0}, {}, False),
        ("a retry", {}, {"annotations": {RETRY_ANNOTATION: "x"}}, False),
        ("deleted", {}, {"deletionTimestamp": text(later(0))}, False),
    ],
)
def test_what_is_at_rest(
    lab: ImageLab, words: str, changes: dict[str, Any], meta: dict[str, Any], settled: bool
) -> None:
    body = body_of(view(), READY | changes)
    body["metadata"] |= meta
    assert lab.controller.settled(body) is settled


class TestPace:
    def pace(self, lab: ImageLab, found: Look) -> float:
        return lab.controller.pace(KEY, found, found.plan)

    def test_at_rest_it_is_the_resync_period(self, lab: ImageLab) -> None:
        assert self.pace(lab, lab.look(settled_view(spec=spec(resyncPeriod="2h")), READY)) == 7200

    def test_a_running_import_is_looked_at_often_at_first_and_less_as_it_ages(
        self, lab: ImageLab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [1000.0]
        monkeypatch.setattr("glance_operator.runtime.image.track.time.monotonic", lambda: now[0])
        lab.show(LOCKED)
        found = lab.look()
        lab.controller.admit(KEY, found)
        paces = []
        for age in (0, 1, 10, 100, 1000):
            now[0] = 1000 + age
            paces.append(self.pace(lab, found))
        assert paces == pytest.approx([0.15, 0.15, 1.5, 10, 10])

    def test_where_imports_take_their_time_they_are_looked_at_less_often(self, lab: ImageLab) -> None:
        """A look costs Glance some of the time that it needs for the imports themselves."""
        for usual, first in ((0.3, 0.15), (1.5, 0.3), (600, 0.5)):
            lab.cloud.usual = usual
            lab.track.begin()
            assert lab.track.poll() == pytest.approx(first)

    def test_the_first_look_is_not_before_half_of_what_others_took(self, lab: ImageLab) -> None:
        for usual, first in ((0, 0.15), (0.2, 0.15), (1, 0.5), (600, 1.0)):
            lab.cloud.usual = usual
            assert lab.track.first_look() == pytest.approx(first)

    def test_what_an_import_took_is_remembered_when_it_is_over(self, lab: ImageLab) -> None:
        lab.track.rest()
        assert lab.cloud.usual == 0, "there was none"
        lab.track.since = time.monotonic() - 10
        lab.track.rest()
        assert lab.cloud.usual == pytest.approx(3, rel=0.1)

    def test_what_others_must_bring_is_looked_for_every_ten_seconds(self, lab: ImageLab) -> None:
        lab.error = NO_SECRET
        assert self.pace(lab, lab.look()) == 10

    def test_work_waits_for_a_cloud_that_is_down_as_long_as_the_gate_says(self, lab: ImageLab) -> None:
        lab.look()
        lab.cloud.gate.failed(Unavailable(OUTAGE, retry_after=50))
        lab.error = Unavailable(OUTAGE)
        assert 49 <= self.pace(lab, lab.look()) <= 50

    def test_those_at_rest_come_back_spread_out(self, lab: ImageLab) -> None:
        lab.look(settled_view(), READY)
        lab.error = Unavailable(OUTAGE)
        found = lab.look(settled_view(spec=spec(resyncPeriod="1h")), READY)
        assert self.pace(lab, found) == 361
