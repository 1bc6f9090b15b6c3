"""What once went wrong with slots, old lists and objects made anew, so that it does not go wrong again."""

from __future__ import annotations

import pytest
from tests.unit.core.builders import spec, view
from tests.unit.runtime.engine_cluster import KEY as ENGINE_KEY
from tests.unit.runtime.engine_cluster import Cluster
from tests.unit.runtime.image_lab import KEY, PATH, image_lab, raw, settled_view
from tests.unit.runtime.image_service import Answer
from tests.unit.runtime.test_image_controller import READY

from glance_operator.core.plan import AddFinalizer, doing
from glance_operator.runtime.store import Key

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
OTHER = Key("Image", "default", "other")


@pytest.mark.parametrize("change", [{"suspend": True}, {"source": {"upload": {}}}], ids=["suspended", "not built"])
def test_who_no_longer_wants_a_slot_gives_it_back(change: dict[str, object]) -> None:
    with image_lab() as lab:
        lab.show(raw(status="queued", stores=None))
        slots = lab.cloud.slots
        slots.hold(OTHER)
        assert lab.controller.admit(KEY, lab.look()) is not None
        slots.release(OTHER)
        assert (slots.holders(), lab.woken) == ([KEY], [KEY])
        assert lab.controller.admit(KEY, lab.look(view(spec=spec(**change)))) is None
        assert slots.holders() == slots.waiting() == []


def test_nothing_is_changed_on_the_word_of_an_old_list() -> None:
    with image_lab() as lab:
        lab.show(raw(name="drifted"))  # in the list
        lab.service.on(f"GET {PATH}", Answer(200, raw(name="drifted", os_glance_import_task="t9")))
        found = lab.look(settled_view(), READY)
        assert found.view.image is not None
        assert (found.view.image.lock, found.plan.step) == ("t9", None)


def test_an_object_made_anew_under_the_same_name_is_not_buried_with_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster()
    cluster.create()

    def replaced(*_: object) -> None:
        cluster.create(uid="another", resourceVersion="50")

    monkeypatch.setattr(cluster, "add_finalizer", replaced)
    cluster.run(doing(AddFinalizer(), "Preparing", "", after=1))
    found = cluster.store.get(ENGINE_KEY)
    assert found is not None
    assert cluster.store.put(ENGINE_KEY, found | {"metadata": found["metadata"] | {"resourceVersion": "51"}})
