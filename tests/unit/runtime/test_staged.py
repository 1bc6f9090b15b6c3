"""Before pods go with their own staging volumes, the images that wait there are named in one Event; nothing waits."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.core.glanceapi.views import running, view
from tests.unit.runtime.glance_lab import Lab
from tests.unit.runtime.image_service import Answer

from glance_operator.core import manifests
from glance_operator.core.glanceapi.drawing import draw
from glance_operator.core.glanceapi.observed import View
from glance_operator.core.image.identity import UID
from glance_operator.core.workload import Apply
from glance_operator.runtime.rest import ApiError
from glance_operator.runtime.staged import Staged
from glance_operator.runtime.store import Body, Key, Store

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
KEY = Key("GlanceAPI", "images", "glance")
UPLOADING = {
    "next": "/v2/images?marker=i1",
    "images": [{"id": "i2", "name": "beta", "status": "uploading"}, {"id": "i1", "status": "uploading"}],
}
CLAIM = {"pvc": {"claimName": "staging"}}


class Desk:
    """A service that runs, with a StatefulSet as an API server has it, and what was told."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.told = lab, []  # type: tuple[Lab, list[tuple[str, ...]]]
        self.error: Exception | None = None
        self.view = running(view())
        self.now = stateful_set(self.view)
        store = Store()
        meta = {"uid": "u", "resourceVersion": "1", "namespace": KEY.namespace, "name": KEY.name}
        store.put(KEY, {"kind": "GlanceAPI", "metadata": meta})
        world = SimpleNamespace(
            store=store,
            objects=SimpleNamespace(get=lambda *_: copy.deepcopy(self.now), foreseen=self.foreseen),
            clouds=SimpleNamespace(find=lambda *_: SimpleNamespace(glance=lab.glance)),
            events=SimpleNamespace(record=self.record),
        )
        self.staged = Staged(cast("Any", world))
        lab.service.on("GET /v2/images", Answer(200, UPLOADING))

    def foreseen(self, wanted: Body) -> Body:
        if self.error:
            raise self.error
        return wanted

    def record(self, body: Body, kind: str, reason: str, action: str, note: str) -> bool:
        self.told.append((body["metadata"]["name"], kind, reason, note))
        return True

    def apply(self, of: View) -> None:
        self.staged.tell(KEY, of, Apply((stateful_set(of),)))


def stateful_set(of: View) -> Body:
    return manifests.objects(draw(of).of)[-1]


@pytest.fixture
def desk(lab: Lab) -> Desk:
    return Desk(lab)


def changed(desk: Desk, **spec: Any) -> View:
    """The same service with another spec, of which the pods know nothing yet."""
    return view(spec, workload=desk.view.workload, pods=desk.view.pods)


@pytest.mark.parametrize("spec", [{"replicas": 1}, {"drainTimeout": "20m"}, {"staging": CLAIM}])
def test_what_waits_for_its_import_is_named(desk: Desk, spec: dict[str, Any]) -> None:
    desk.apply(changed(desk, **spec))
    ((name, kind, reason, note),) = desk.told
    assert (name, kind, reason) == ("glance", "Warning", "StagedDataAtRisk")
    assert note.endswith("not imported yet: beta, i1")
    (asked,) = desk.lab.service.requests()
    assert "status=uploading" in asked
    assert "limit=11" in asked


def test_nobody_is_asked_where_nothing_can_be_lost(desk: Desk) -> None:
    desk.apply(desk.view)
    desk.apply(changed(desk, replicas=3))
    desk.apply(view({"replicas": 1}))
    desk.staged.tell(KEY, desk.view, None)
    desk.now = stateful_set(changed(desk, staging=CLAIM))
    desk.apply(changed(desk, replicas=1))
    assert (desk.told, desk.lab.service.requests()) == ([], [])


def test_nothing_is_told_where_nothing_is_staged(desk: Desk) -> None:
    desk.lab.service.on("GET /v2/images", Answer(200, {"images": []}))
    desk.apply(changed(desk, replicas=1))
    assert desk.told == []


def test_what_a_job_of_ours_has_staged_is_brought_once_more_and_not_told(desk: Desk) -> None:
    ours = {"id": "i3", "status": "uploading", UID: "6f0c1b9e-0000-4000-8000-000000000000"}
    desk.lab.service.on("GET /v2/images", Answer(200, {"images": [ours]}))
    desk.apply(changed(desk, replicas=1))
    assert desk.told == []


@pytest.mark.parametrize("code", [400, 503])
def test_a_service_that_cannot_be_asked_holds_up_nothing(desk: Desk, code: int) -> None:
    desk.lab.service.on("GET /v2/images", Answer(code, {"message": "no"}))
    desk.apply(changed(desk, replicas=1))
    assert desk.told == []


def test_an_api_server_that_foresees_nothing_holds_up_nothing(desk: Desk) -> None:
    desk.error = ApiError(400, "BadRequest", "admission webhook does not support dry run")
    desk.apply(changed(desk, replicas=1))
    assert desk.told == []
