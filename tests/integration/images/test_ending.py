"""How a deleted object ends, and what happens to an image that is changed or deleted behind our back."""

import pytest
from tests.integration.images.lab import Lab, condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.source import Fault

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 16)
STORES = ("central", "dcn0", "dcn1")


def test_what_was_made_is_deleted(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), stores={"all": {}}))
    image_id = lab.ready(name)["status"]["id"]
    lab.delete(name)
    lab.gone(name)
    assert lab.in_glance(image_id) is None
    assert not any((lab.glance.store_directory(store) / image_id).exists() for store in STORES)


def test_retain_leaves_it(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), deletionPolicy="Retain"))
    image_id = lab.ready(name)["status"]["id"]
    lab.delete(name)
    lab.gone(name)
    assert lab.in_glance(image_id)


def test_suspended_it_is_let_go(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA)))
    image_id = lab.ready(name)["status"]["id"]
    lab.patch(name, suspend=True, tags=["never"])
    body = lab.until(name, "Ready", "True", "Suspended")
    assert condition(body, "Reconciling")["status"] == "False"
    lab.delete(name)
    lab.gone(name)
    assert (lab.in_glance(image_id) or {})["tags"] == []


def test_suspended_from_the_start_nothing_is_made(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), suspend=True))
    lab.until(name, "Ready", "False", "Suspended")
    assert lab.owned(name) == []
    lab.patch(name, suspend=False)
    lab.ready(name)


@pytest.mark.parametrize(
    "way",
    [{"protected": False}, {"deletionPolicy": "DeleteProtected"}, {"deletionPolicy": "Retain"}],
    ids=["unprotect", "delete-protected", "retain"],
)
def test_a_protected_image_waits_and_says_how_to_go_on(lab: Lab, name: str, way: dict[str, object]) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), protected=True))
    image_id = lab.ready(name)["status"]["id"]
    lab.delete(name)
    message = condition(lab.until(name, "Ready", "False", "Protected"), "Ready")["message"]
    assert all(words in message for words in ("spec.protected", "DeleteProtected", "Retain"))
    assert lab.in_glance(image_id)
    lab.patch(name, **way)
    lab.gone(name)
    assert bool(lab.in_glance(image_id)) is (way.get("deletionPolicy") == "Retain")


def test_a_failing_image_is_deleted_too(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA, Fault(status=404)), retryLimit=-1))
    lab.until(name, "Ready", "False", "ImportFailed")
    lab.delete(name)
    lab.gone(name)
    assert lab.owned(name) == []


def test_a_waiting_image_is_deleted_at_once(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), "no-such-secret"))
    lab.until(name, "CloudReady", "False")
    lab.delete(name)
    lab.gone(name, timeout=5)


def test_an_image_deleted_behind_our_back_is_made_again(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), tags=["kept"]))
    old = lab.ready(name)["status"]["id"]
    assert lab.ask("DELETE", f"/images/{old}").status_code == 204
    lab.retry(name, "look")
    body = eventually(lambda: (b := lab.ready(name)) and b["status"]["incarnation"] == 2 and b)
    assert body["status"]["id"] != old
    assert [i["tags"] for i in lab.owned(name)] == [["kept"]]


def test_drift_is_corrected(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), name="right", hidden=False, properties={"a": "1"}))
    image_id = lab.ready(name)["status"]["id"]
    lab.change(
        image_id,
        {"op": "replace", "path": "/name", "value": "wrong"},
        {"op": "replace", "path": "/os_hidden", "value": True},
        {"op": "remove", "path": "/a"},
        {"op": "add", "path": "/theirs", "value": "stays"},
    )
    lab.retry(name, "look")

    def mended() -> bool:
        image = lab.in_glance(image_id) or {}
        return (image["name"], image["os_hidden"], image.get("a"), image["theirs"]) == ("right", False, "1", "stays")

    eventually(mended)
    lab.ready(name)


def test_drift_is_reported_when_so_asked(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), name="right", driftPolicy="Report"))
    image_id = lab.ready(name)["status"]["id"]
    lab.change(image_id, {"op": "replace", "path": "/name", "value": "wrong"})
    lab.retry(name, "look")
    body = lab.until(name, "MetadataSynced", "False", "Drifted")
    assert condition(body, "Ready")["status"] == "True"
    assert "name" in condition(body, "MetadataSynced")["message"]
    assert (lab.in_glance(image_id) or {})["name"] == "wrong"
    lab.patch(name, driftPolicy="Correct")
    eventually(lambda: (lab.in_glance(image_id) or {})["name"] == "right")


def test_an_image_of_somebody_else_is_never_touched(lab: Lab, name: str) -> None:
    theirs = "0f0c1f3e-0000-4000-8000-" + name[-6:].rjust(12, "0")
    body = {"id": theirs, "name": "theirs", "disk_format": "raw", "container_format": "bare"}
    assert lab.ask("POST", "/images", json=body).status_code == 201
    lab.apply(lab.image(name, lab.source.serve(name, DATA), id=theirs))
    lab.until(name, "Stalled", "True", "NotOurs")
    lab.delete(name)
    lab.gone(name)
    assert (lab.in_glance(theirs) or {})["name"] == "theirs"


def test_an_image_of_another_cluster_is_never_touched(lab: Lab, name: str) -> None:
    theirs = "0f0c1f3e-0000-4000-8001-" + name[-6:].rjust(12, "0")
    marks = {"glance_operator_cluster": "other", "glance_operator_uid": "u", "glance_operator_owner": "default/x"}
    body = {"id": theirs, "name": "theirs", "disk_format": "raw", "container_format": "bare", **marks}
    assert lab.ask("POST", "/images", json=body).status_code == 201
    lab.apply(lab.image(name, lab.source.serve(name, DATA), id=theirs))
    lab.until(name, "Stalled", "True", "OwnedElsewhere")
    lab.delete(name)
    lab.gone(name)
    assert lab.in_glance(theirs)


def test_a_restored_object_takes_its_image_over(lab: Lab, name: str) -> None:
    wanted = "1f0c1f3e-0000-4000-8000-" + name[-6:].rjust(12, "0")
    manifest = lab.image(name, lab.source.serve(name, DATA), id=wanted)
    lab.apply({**manifest, "spec": {**manifest["spec"], "deletionPolicy": "Retain"}})
    lab.ready(name)
    lab.delete(name)
    lab.gone(name)
    lab.apply(manifest)
    status = lab.ready(name)["status"]
    assert (status["id"], status["incarnation"]) == (wanted, 1)
    assert len(lab.source.requests_of(name)) == 1
    lab.delete(name)
    lab.gone(name)
    assert lab.in_glance(wanted) is None
