"""Which image is meant and whose it is: what is asked of Glance and of Kubernetes, and the mark that is set once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import unquote_plus

import pytest
from tests.unit.core.builders import EXPECTED_ID, view
from tests.unit.core.scenarios.adopting import ABROAD, BY_NAME, MARK, adopting, marked
from tests.unit.core.scenarios.row import OTHER_UID
from tests.unit.runtime.image_lab import PATH, ImageLab, image_lab
from tests.unit.runtime.image_service import Answer, Asked

from glance_operator.core.image import identity
from glance_operator.core.image.adoption import TakeOver
from glance_operator.core.image.observed import Memory, View
from glance_operator.runtime.errors import Refused
from glance_operator.runtime.image.acting import take
from glance_operator.runtime.image.adopting import judged, sought
from glance_operator.runtime.image.looking import seen
from glance_operator.runtime.kube import ApiError

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
IMAGE, LIST = "GET /v2/images/ID", "GET /v2/images"
OURS = {identity.OWNER: "default/jammy", identity.CLUSTER: "here"}
BY_NAME_ALONE: dict[str, Any] = {"adopt": {"name": "focal"}, "source": None}


@pytest.fixture
def lab() -> Iterator[ImageLab]:
    with image_lab() as running:
        running.show(None)
        yield running


def said(value: str) -> str:
    return unquote_plus(value).removeprefix('in:"').removesuffix('"')


def of(images: list[dict[str, Any]]) -> Answer:
    """A list that answers as Glance does: by the query."""

    def found(asked: Asked) -> dict[str, Any]:
        query = dict(pair.split("=", 1) for pair in asked.path.partition("?")[2].split("&"))
        wanted = {k: said(v) for k, v in query.items() if k in ("name", "owner", *OURS)}
        hidden = query["os_hidden"] == "true"
        fitting = (one for one in images if one.get("os_hidden", False) is hidden)
        return {"images": [one for one in fitting if wanted.items() <= one.items()]}

    return Answer(200, found)


FOCAL = {"id": "i1", "name": "focal", "owner": "p1", "status": "active"}
HIDDEN = FOCAL | {"id": "i2", "os_hidden": True}
OTHERS = FOCAL | {"id": "i3", "owner": "p2"}
TAKEN = {"id": "i4", "name": "renamed", **OURS, identity.UID: view().uid, identity.IMAGE: "i4"}
SNAPSHOT = TAKEN | {"id": "i5", "name": "snapshot"}
EARLIER = TAKEN | {"id": "i6", identity.IMAGE: "i6", identity.UID: OTHER_UID}


@pytest.mark.parametrize(
    ("words", "says", "there", "wanted"),
    [
        ("none", BY_NAME_ALONE, [], ()),
        ("one", BY_NAME_ALONE, [FOCAL], ("i1",)),
        ("a hidden one", BY_NAME_ALONE, [HIDDEN], ("i2",)),
        ("one of two owners", BY_NAME, [FOCAL, OTHERS], ("i1",)),
        ("two owners", BY_NAME_ALONE, [FOCAL, OTHERS], ("i1", "i3")),
        ("two, one of them hidden", BY_NAME, [FOCAL, HIDDEN], ("i1", "i2")),
        ("what we had marked, whatever its name", BY_NAME, [FOCAL, TAKEN], ("i4",)),
        ("not a snapshot that was given our marker", BY_NAME, [FOCAL, SNAPSHOT], ("i1",)),
        ("that of this life before that of an earlier one", BY_NAME, [EARLIER, TAKEN], ("i4",)),
        ("an id that is gone, and what was made in its place", {}, [TAKEN], ("i4",)),
    ],
)
def test_what_may_be_meant(
    lab: ImageLab, words: str, says: dict[str, Any], there: list[dict[str, Any]], wanted: tuple[str, ...]
) -> None:
    lab.service.on("GET /v2/images", of(there))
    one = replace(adopting(None, **says), cluster="here")
    assert sought(one, lab.track).candidates == wanted


@pytest.mark.parametrize(
    ("words", "one", "asked"),
    [
        ("nothing to adopt", view(), []),
        ("known since", replace(adopting(None), memory=Memory(id="i1")), []),
        ("made in its place", replace(adopting(None), memory=Memory(incarnation=2)), []),
        ("by id", adopting(None), [IMAGE, LIST, LIST]),
        ("by name", adopting(None, **BY_NAME), [LIST] * 4),
    ],
)
def test_what_is_asked_to_find_it(lab: ImageLab, words: str, one: View, asked: list[str]) -> None:
    sought(one, lab.track)
    assert lab.told() == asked


def test_what_is_not_found_is_not_looked_at(lab: ImageLab) -> None:
    found = seen(sought(adopting(None, **BY_NAME), lab.track), lab.track, False)
    assert (found.looked, found.image) == (True, None)
    assert set(lab.told()) == {LIST}


def test_it_is_looked_at_before_it_is_held(lab: ImageLab) -> None:
    lab.show(FOCAL | {"id": EXPECTED_ID})
    one = replace(adopting(None), finalized=False)
    assert seen(sought(one, lab.track), lab.track, False).image is not None


class Cluster:
    """An API server that knows one Image, or refuses to tell."""

    def __init__(self, body: Any = None, error: int = 0) -> None:
        self.body, self.error, self.asked = body, error, 0

    def get(self, kind: str, namespace: str, name: str) -> Any:
        self.asked += 1
        assert (kind, namespace, name) == ("Image", "default", "noble")
        if self.error:
            raise ApiError(self.error, "Forbidden", "no")
        return self.body


def living(uid: str = OTHER_UID, **status: Any) -> dict[str, Any]:
    return {"metadata": {"uid": uid}, "status": status}


@pytest.mark.parametrize(
    ("words", "cluster", "gone"),
    [
        ("it is not there", Cluster(), True),
        ("another one has its name", Cluster(living("other")), True),
        ("it has the image", Cluster(living(id=EXPECTED_ID)), False),
        ("it has just begun", Cluster(living()), False),
        ("it keeps the image as an earlier one", Cluster(living(id="i9", previous=[{"id": EXPECTED_ID}])), False),
        ("it has another: the marker was copied", Cluster(living(id="i9")), True),
        ("nobody may tell", Cluster(error=403), False),
    ],
)
def test_whether_the_owner_has_it_still(words: str, cluster: Cluster, gone: bool) -> None:
    assert judged(adopting(marked(MARK)), cast("Any", cluster)).owner_gone is gone


@pytest.mark.parametrize(
    ("words", "one"),
    [
        ("nobody's", adopting()),
        ("of no object of this cluster", adopting(marked(MARK | {identity.OWNER: "odd"}))),
        ("of another cluster", adopting(marked(ABROAD))),
        ("nothing there", adopting(None)),
    ],
)
def test_nobody_is_asked_about(words: str, one: View) -> None:
    cluster = Cluster()
    assert not judged(one, cast("Any", cluster)).owner_gone
    assert cluster.asked == 0


def test_an_api_server_that_fails_is_no_answer() -> None:
    with pytest.raises(ApiError):
        judged(adopting(marked(MARK)), cast("Any", Cluster(error=500)))


STEP = TakeOver(EXPECTED_ID, (("glance_operator_uid", "u"),), before="")


@pytest.mark.parametrize(
    ("words", "there"),
    [
        ("gone", None),
        ("locked", {"id": EXPECTED_ID, "os_glance_import_task": "t1"}),
        ("marked by another", {"id": EXPECTED_ID, identity.UID: "v"}),
    ],
)
def test_nothing_is_marked_that_has_changed(lab: ImageLab, words: str, there: dict[str, Any] | None) -> None:
    lab.show(there)
    with pytest.raises(Refused, match="just before"):
        take(STEP, lab.track)
    assert lab.told() == [IMAGE]


def test_of_two_the_first_has_it(lab: ImageLab) -> None:
    """The second comes while the first one's request is under way."""
    begun, end = threading.Event(), threading.Event()

    def slowly(asked: Asked) -> dict[str, Any]:
        begun.set()
        assert end.wait(10)
        return {"id": EXPECTED_ID, identity.UID: "u"}

    lab.show({"id": EXPECTED_ID})
    lab.service.on(f"PATCH {PATH}", Answer(200, slowly))
    first = threading.Thread(target=take, args=(STEP, lab.track))
    first.start()
    assert begun.wait(10)
    with pytest.raises(Refused, match="another Image is taking it over") as refused:
        take(STEP, lab.track)
    end.set()
    first.join(10)
    assert refused.value.status == 409
    assert lab.told().count("PATCH /v2/images/ID") == 1
    take(replace(STEP, before=""), lab.track)


def test_the_lab_s_cluster_is_the_world_s(lab: ImageLab) -> None:
    """The controller asks for the owner where the rules need it."""
    body = {"id": EXPECTED_ID, "status": "active", "disk_format": "qcow2", "container_format": "bare", **MARK}
    lab.show(body)
    cast("SimpleNamespace", lab.world.kube).get = Cluster(living(id=EXPECTED_ID)).get
    assert lab.look(adopting(None)).plan.state.reason == "OwnedElsewhere"
    cast("SimpleNamespace", lab.world.kube).get = Cluster().get
    assert lab.look(adopting(None)).plan.state.reason == "Adopting"
