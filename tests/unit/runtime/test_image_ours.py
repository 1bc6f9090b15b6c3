"""Imports on a service of ours: each goes to one pod, and is told dead when that pod's container is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.core.builders import EXPECTED_ID, URL, body_of
from tests.unit.core.scenarios.pods import ours
from tests.unit.runtime.image_lab import KEY, PATH, raw
from tests.unit.runtime.image_service import Answer
from tests.unit.runtime.ours_lab import IMPORT, OursLab, ours_lab, pod

from glance_operator.core.image.content import Discard, ImportFromUrl
from glance_operator.core.image.digests import Plugins
from glance_operator.core.image.observed import Node
from glance_operator.runtime.errors import Refused, Unavailable
from glance_operator.runtime.image import Look
from glance_operator.runtime.store import Key
from sandbox_kit.source import Source

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
LOCKED = raw(status="importing", stores=None, os_glance_import_task="t1")
TAKEN = {"node": "glance-0", "containerID": "containerd://a0"}
OTHERS = [Key("Image", "default", name) for name in ("other", "third")]


@pytest.fixture
def lab() -> Iterator[OursLab]:
    with ours_lab() as running:
        yield running


def importing(look: Look) -> Node:
    """The pod that the next step asks."""
    step = look.plan.step
    assert isinstance(step, ImportFromUrl), look.plan
    assert step.node is not None
    return step.node


def status(**attempt: Any) -> dict[str, Any]:
    return {"observedGeneration": 1, "id": EXPECTED_ID, "incarnation": 1, "attempt": attempt}


class TestSending:
    def test_an_import_goes_to_the_pod_and_nowhere_else(self, lab: OursLab) -> None:
        look = lab.seen()
        node = importing(look)
        lab.controller.act(KEY, look)
        assert [one.requests() for one in lab.at] == [[IMPORT] if one.url == node.url else [] for one in lab.at]
        assert IMPORT not in lab.service.requests()

    def test_it_is_said_before_which_container_gets_it(self, lab: OursLab) -> None:
        """The pods are asked afresh: what the GlanceAPI's status says may be some seconds old."""
        lab.pods = {"glance-0": pod("glance-0", "containerd://new")}
        look = lab.seen()
        assert importing(look).container_id == "containerd://new"
        said = lab.controller.status(look, look.plan, {"metadata": {"generation": 1}, "status": {}})
        assert said is not None
        assert said["attempt"] == {"node": "glance-0", "containerID": "containerd://new"}

    @pytest.mark.parametrize(
        ("words", "now"),
        [
            ("its container was restarted", [pod("glance-0", "containerd://other")]),
            ("it is between two containers", [pod("glance-0", "")]),
            ("it is ending", [pod("glance-0", "containerd://a0", deletionTimestamp="2026-03-01T12:00:00Z")]),
            ("it is gone", []),
        ],
    )
    def test_none_is_sent_where_the_container_is_not_the_one_written_down(
        self, lab: OursLab, words: str, now: list[Any]
    ) -> None:
        lab.pods = {"glance-0": pod("glance-0", "containerd://a0")}
        look = lab.seen()
        assert importing(look).container_id == "containerd://a0"
        lab.pods = {one["metadata"]["name"]: one for one in now}
        with pytest.raises(Unavailable, match="was replaced just before") as trouble:
            lab.controller.act(KEY, look)
        assert [one.requests() for one in lab.at] == [[], []]
        plan = lab.controller.refused(KEY, look, trouble.value)
        assert (plan.state.reason, plan.after, plan.passing) == ("PodReplaced", 1.0, True)
        assert not lab.cloud.gate.troubled()

    def test_a_pod_that_does_not_answer_is_left_alone_and_the_cloud_stays_open(self, lab: OursLab) -> None:
        look = lab.seen()
        node = importing(look)
        (there,) = [one for one in lab.at if one.url == node.url]
        there.on(IMPORT, Answer(503))
        with pytest.raises(Unavailable):
            lab.controller.act(KEY, look)
        assert not lab.cloud.gate.troubled()
        assert importing(lab.seen()).name != node.name

    def test_where_none_answers_that_is_said(self, lab: OursLab) -> None:
        for one in lab.at:
            one.on(IMPORT, Answer(503))
        for _ in lab.at:
            with pytest.raises(Unavailable):
                lab.controller.act(KEY, lab.seen())
        plan = lab.seen().plan
        assert plan.state.reason == "NoPodServes"
        assert "glance-0 does not answer, glance-1 does not answer" in plan.state.message

    def test_what_a_pod_refuses_is_told_as_of_the_service(self, lab: OursLab) -> None:
        for one in lab.at:
            one.on(IMPORT, Answer(400, {"message": "URI for web-download does not pass filtering"}))
        look = lab.seen()
        with pytest.raises(Refused) as refusal:
            lab.controller.act(KEY, look)
        assert lab.controller.refused(KEY, look, refusal.value).state.reason == "SourceRefused"

    def test_the_next_one_takes_the_other_pod(self, lab: OursLab) -> None:
        look = lab.seen()
        lab.controller.admit(KEY, look)
        lab.controller.act(KEY, look)
        second = lab.controller.look(OTHERS[0], body_of(ours()))
        assert importing(second).name != importing(look).name


class TestTheEndOfAPod:
    def test_the_import_runs_while_its_container_does(self, lab: OursLab) -> None:
        lab.show(LOCKED)
        assert lab.seen(status=status(**TAKEN)).plan.state.reason == "Downloading"

    def test_it_is_lost_with_the_container_whatever_the_status_still_says(self, lab: OursLab) -> None:
        lab.show(LOCKED)
        lab.pods["glance-0"] = pod("glance-0", "containerd://next")
        look = lab.seen(status=status(**TAKEN))
        assert look.plan.step == Discard(EXPECTED_ID, lab.at[0].url)
        lab.controller.act(KEY, look)
        assert lab.at[0].requests() == [f"DELETE /v2/images/{EXPECTED_ID}"]

    def test_an_import_that_was_done_just_before_is_a_success(self, lab: OursLab) -> None:
        """Pods end when their imports have: the image as it was seen a moment ago says nothing any more."""
        lab.service.on(f"GET {PATH}", Answer(200, LOCKED), Answer(200, raw()))
        lab.pods["glance-0"] = pod("glance-0", "containerd://next")
        look = lab.seen(status=status(**TAKEN))
        assert (look.plan.state.reason, look.plan.step) == ("Available", None)
        assert look.view.memory.lost == 0

    def test_its_pod_is_given_time_to_come_back(self, lab: OursLab, monkeypatch: pytest.MonkeyPatch) -> None:
        lab.show(LOCKED)
        del lab.pods["glance-0"]
        now = 1000.0
        monkeypatch.setattr("glance_operator.runtime.image.track.time.monotonic", lambda: now)
        plan = lab.seen(status=status(**TAKEN)).plan
        assert (plan.state.reason, plan.step) == ("ImportLost", None)
        now += 30
        assert lab.seen(status=status(**TAKEN)).plan.step == Discard(EXPECTED_ID)

    def test_an_import_of_somebody_else_is_not_ours_to_call_dead(self, lab: OursLab) -> None:
        lab.show(LOCKED)
        lab.pods = {}
        assert lab.seen(status=status()).plan.state.reason == "Downloading"


class TestHowOftenPodsAreAskedFor:
    def test_at_rest_never(self, lab: OursLab) -> None:
        lab.show(raw())
        for _ in range(3):
            assert lab.seen().plan.state.reason == "Available"
        assert lab.lists == 0

    def test_once_for_many(self, lab: OursLab) -> None:
        lab.show(LOCKED)
        for _ in range(5):
            lab.seen(status=status(**TAKEN))
        assert lab.lists == 1


class TestRoom:
    def test_the_source_is_asked_for_its_size_where_the_room_is_known(self, lab: OursLab) -> None:
        with Source() as source:
            filter_ = {"allowedHosts": ["127.0.0.1"], "allowedPorts": [source.port]}
            one = ours(spec={"source": {"http": {"url": source.serve("disk", bytes(4096))}}})
            lab.show(None)
            lab.tell(imports={"sources": filter_})
            assert lab.look(one).plan.state.reason == "Creating"
            assert source.requests == []
            lab.lists += 1
            lab.tell(imports={"sources": filter_}, staging={"emptyDir": {"sizeLimit": "4k"}})
            plan = lab.look(one).plan
            assert (plan.state.reason, plan.state.phase.value) == ("StagingFull", "Stalled")
            assert "The source has 4 KiB" in plan.state.message
            lab.look(one)
            assert len(source.requests) == 1

    def test_it_is_not_asked_before_there_is_a_slot(self, lab: OursLab) -> None:
        """Of ten thousand that wait, each would hold up a pass."""
        for other in OTHERS:
            lab.cloud.slots.hold(other)
            lab.cloud.slots.try_acquire(Key("Image", "default", f"{other.name}-next"))
        with Source() as source:
            one = ours(spec={"source": {"http": {"url": source.serve("disk", bytes(4096))}}})
            lab.show(None)
            lab.tell(
                imports={"sources": {"allowedHosts": ["127.0.0.1"], "allowedPorts": [source.port]}},
                staging={"pvc": {"size": "1k"}},
            )
            assert lab.look(one).plan.state.reason == "Creating"
            assert source.requests == []


@pytest.mark.parametrize(
    ("imports", "plugins"),
    [
        ({}, Plugins()),
        ({"imports": {"conversion": {"outputFormat": "raw"}}}, Plugins("raw")),
        ({"imports": {"decompression": {}}}, Plugins("", decompresses=True)),
    ],
)
def test_where_a_digest_is_demanded_it_is_known_what_the_service_does_to_the_bytes(
    lab: OursLab, imports: dict[str, Any], plugins: Plugins
) -> None:
    assert lab.seen().view.plugins is None
    lab.tell(**imports)
    source = {"http": {"url": URL}, "checksum": {"md5": "0" * 32}}
    assert lab.seen(ours(spec={"source": source})).view.plugins == plugins
