"""Stores come and go while the image is served: the data follows, and no copy is given up before its time."""

import json
import shutil
from pathlib import Path

import pytest
from tests.integration.images.killing import NAME, Mortal, Scene
from tests.integration.images.lab import Lab, Object, Operator, condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Source

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 20)
EVERYWHERE = {"names": ["central", "dcn0", "dcn1"]}
TWO = {"names": ["central", "dcn0"]}


@pytest.fixture
def image_id(lab: Lab, name: str) -> str:
    """Served from all three stores."""
    lab.apply(lab.image(name, lab.source.serve(name, DATA), stores=EVERYWHERE))
    status = lab.until(name, "StoresReady", "True")["status"]
    assert status["applied"]["stores"] == ["central", "dcn0", "dcn1"]
    return str(status["id"])


def holders(lab: Lab, image_id: str) -> list[str]:
    """Stores of which Glance says that they hold the image; each does."""
    found = sorted((lab.in_glance(image_id) or {})["stores"].split(","))
    assert all(file_of(lab, store, image_id).exists() for store in found)
    return found


def file_of(lab: Lab, store: str, image_id: str) -> Path:
    return lab.glance.store_directory(store) / image_id


def emptied(lab: Lab, name: str, image_id: str, *left: str) -> Object:
    """The object, once these alone hold the image and nothing more is said of others."""

    def done() -> Object:
        body = lab.get(name)
        assert [s["name"] for s in body["status"]["stores"]] == sorted(left)
        assert body["status"]["applied"]["stores"] == sorted(left)
        return body

    body = eventually(done, 40)
    assert holders(lab, image_id) == sorted(left)
    assert condition(body, "StoresReady")["status"] == condition(body, "Ready")["status"] == "True"
    return body


def entry(lab: Lab, name: str, store: str) -> Object:
    stores: list[Object] = lab.get(name)["status"].get("stores") or []
    return next((one for one in stores if one["name"] == store), {})


def says(lab: Lab, name: str, store: str, reason: str) -> Object:
    """What is said of the store, once that is the reason."""

    def said() -> Object:
        found = entry(lab, name, store)
        assert found.get("reason") == reason, lab.get(name)["status"]
        return found

    return eventually(said, 40)


def events(lab: Lab, name: str) -> list[str]:
    """The stores of whose end there is an Event."""
    found = json.loads(lab.kubectl("get", "events.events.k8s.io", "-o", "json"))["items"]
    notes = [one["note"] for one in found if one["regarding"]["name"] == name and one["reason"] == "StoreEmptied"]
    return sorted(store for note in notes for store in EVERYWHERE["names"] if f"store {store};" in note)


def test_a_store_taken_out_is_emptied(lab: Lab, name: str, image_id: str) -> None:
    lab.patch(name, stores=TWO)
    emptied(lab, name, image_id, "central", "dcn0")
    assert not file_of(lab, "dcn1", image_id).exists()
    assert file_of(lab, "central", image_id).read_bytes() == DATA
    lab.patch(name, stores={"names": ["central"]})
    emptied(lab, name, image_id, "central")
    eventually(lambda: events(lab, name) == ["dcn0", "dcn1"], 20)
    assert len(lab.source.requests_of(name)) == 1


def test_so_is_one_that_is_excepted_from_all(lab: Lab, name: str, image_id: str) -> None:
    lab.patch(name, stores={"names": None, "all": {"except": ["dcn0"]}})
    emptied(lab, name, image_id, "central", "dcn1")


def test_so_are_those_that_were_named_when_none_is_named_any_more(lab: Lab, name: str, image_id: str) -> None:
    lab.patch(name, stores=None)
    emptied(lab, name, image_id, "central")


def test_the_data_moves_and_is_never_gone(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), stores={"names": ["central"]}))
    status = lab.ready(name)["status"]
    lab.patch(name, stores={"names": ["dcn1"]})
    seen = set()

    def moved() -> bool:
        seen.add((lab.in_glance(status["id"]) or {}).get("stores", ""))
        return entry(lab, name, "dcn1").get("reason") == "Present" and not entry(lab, name, "central")

    eventually(moved, 40, interval=0.02)
    body = emptied(lab, name, status["id"], "dcn1")
    assert "" not in seen
    told = condition(body, "NoCentralCopy")
    assert told["status"] == "True"
    assert "central" in told["message"]
    lab.patch(name, stores={"names": ["central", "dcn1"]})
    eventually(lambda: not condition(lab.until(name, "StoresReady", "True"), "NoCentralCopy"), 40)
    assert len(lab.source.requests_of(name)) == 1, "it was copied, not fetched again"


def test_what_somebody_else_has_filled_stays(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), stores=TWO))
    image_id = lab.until(name, "StoresReady", "True")["status"]["id"]
    copy = {"method": {"name": "copy-image"}, "stores": ["dcn1"], "all_stores_must_succeed": True}
    assert lab.ask("POST", f"/images/{image_id}/import", json=copy).status_code == 202
    eventually(lambda: "os_glance_import_task" not in (lab.in_glance(image_id) or {}))
    lab.patch(name, stores={"names": ["central"]})
    eventually(lambda: holders(lab, image_id) == ["central", "dcn1"], 40)
    lab.patch(name, tags=["later"])
    lab.until(name, "MetadataSynced", "True")
    assert holders(lab, image_id) == ["central", "dcn1"]


def test_no_store_is_emptied_before_the_others_are_full(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), stores={"names": ["central", "dcn1"]}))
    image_id = lab.until(name, "StoresReady", "True")["status"]["id"]
    in_the_way = file_of(lab, "dcn0", image_id)
    in_the_way.write_bytes(b"Glance takes this for the image and does not copy")
    lab.patch(name, stores=TWO)
    lab.until(name, "StoresReady", "False", "PartialFailure")
    assert "first the data must be in dcn0" in says(lab, name, "dcn1", "Removing")["message"]
    eventually(lambda: entry(lab, name, "dcn0").get("attempts", 0) > 1, 40)
    assert holders(lab, image_id) == ["central", "dcn1"]
    in_the_way.unlink()
    lab.retry(name, "now")
    emptied(lab, name, image_id, "central", "dcn0")


def test_a_store_that_glance_cannot_empty_is_tried_again(lab: Lab, name: str, image_id: str) -> None:
    """A directory in the file's place: what a store answers that is read-only."""
    file, aside = file_of(lab, "dcn1", image_id), lab.glance.directory / f"aside-{image_id}"
    shutil.move(file, aside)
    file.mkdir()
    lab.patch(name, stores=TWO)
    told = says(lab, name, "dcn1", "RemovalRefused")
    assert "HTTP 500" in told["message"]
    assert told["attempts"] >= 1
    body = lab.get(name)
    assert condition(body, "StoresReady")["status"] == "True"
    assert (condition(body, "Ready")["status"], condition(body, "Ready")["reason"]) == ("True", "RemovalRefused")
    eventually(lambda: entry(lab, name, "dcn1").get("attempts", 0) >= 2, 40)
    file.rmdir()
    shutil.move(aside, file)
    lab.retry(name, "mended")
    emptied(lab, name, image_id, "central", "dcn0")


def test_no_store_is_emptied_while_the_image_is_locked(lab: Lab, name: str, image_id: str) -> None:
    lock = "INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted) VALUES (?,?,?,?,?,0)"
    now = "2026-01-01 00:00:00"
    lab.glance.rows(lock, image_id, "os_glance_import_task", "somebody", now, now)
    lab.patch(name, stores=TWO)
    lab.until(name, "Reconciling", "True", "Importing")
    assert "locked" in says(lab, name, "dcn1", "Removing")["message"]
    assert holders(lab, image_id) == ["central", "dcn0", "dcn1"]
    lab.glance.rows("DELETE FROM image_properties WHERE name = 'os_glance_import_task' AND image_id = ?", image_id)
    emptied(lab, name, image_id, "central", "dcn0")


def test_no_store_is_emptied_while_the_image_is_deactivated(lab: Lab, name: str, image_id: str) -> None:
    assert lab.ask("POST", f"/images/{image_id}/actions/deactivate").status_code == 204
    lab.patch(name, stores=TWO)
    lab.until(name, "Stalled", "True", "Deactivated")
    assert "deactivated" in says(lab, name, "dcn1", "Removing")["message"]
    assert lab.ask("POST", f"/images/{image_id}/actions/reactivate").status_code == 204
    lab.retry(name, "reactivated")
    emptied(lab, name, image_id, "central", "dcn0")


def test_a_store_that_somebody_emptied_is_filled_again(lab: Lab, name: str, image_id: str, operator: Operator) -> None:
    assert lab.ask("DELETE", f"/stores/dcn0/{image_id}").status_code == 204
    lab.retry(name, "look")
    eventually(lambda: holders(lab, image_id) == ["central", "dcn0", "dcn1"], 40)
    lab.until(name, "StoresReady", "True")
    assert operator.process.alive


@pytest.fixture(scope="module")
def scene(crds_installed: ControlPlane, glance: Glance, source: Source, sandbox_directory: Path) -> Scene:
    return Scene(glance, source, crds_installed, sandbox_directory / "leaving")


def test_killed_around_a_removal_the_next_one_goes_on(scene: Scene) -> None:
    labs, ids = scene.labs(2), []
    with scene.operator(*labs):
        for lab in labs:
            lab.apply(lab.image(NAME, scene.source.serve(NAME, DATA), stores=EVERYWHERE))
        ids = [lab.until(NAME, "StoresReady", "True")["status"]["id"] for lab in labs]
    for lab, when in zip(labs, ("before", "after"), strict=True):
        with Mortal(scene, lab, 1, when) as operator:
            lab.patch(NAME, stores=TWO)
            operator.dies()
            assert operator.calls() == ["delete"]
    assert [len(holders(lab, one)) for lab, one in zip(labs, ids, strict=True)] == [3, 2]
    with scene.operator(*labs):
        for lab, one in zip(labs, ids, strict=True):
            emptied(lab, NAME, one, "central", "dcn0")
        scene.remove(labs)
