"""Images that others made: taken over by a marker, kept as the spec says, and else left as they are."""

import json
import uuid
from pathlib import Path

import pytest
from tests.integration.images.killing import Mortal, Scene
from tests.integration.images.lab import Lab, Object, condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.source import Fault

DATA = images.raw(1 << 16)
OWNER = "c" * 32
NAME = "image"
MARKER = {f"glance_operator_{word}" for word in ("cluster", "owner", "uid", "content", "image")}
running = pytest.mark.usefixtures("operator")


def theirs(lab: Lab, name: str, *, content: bool = True, **attributes: object) -> Object:
    """A Glance image of somebody else's, with content unless it is to have none."""
    formats = {"disk_format": "raw", "container_format": "bare"}
    made = lab.ask("POST", "/images", json={"name": name, "os_distro": "theirs", **formats, **attributes})
    assert made.status_code == 201, made.text
    if content:
        upload(lab, made.json()["id"])
    return in_glance(lab, made.json()["id"])


def upload(lab: Lab, image_id: str) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    assert lab.ask("PUT", f"/images/{image_id}/file", data=DATA, headers=headers).status_code == 204


def in_glance(lab: Lab, image_id: str) -> Object:
    image = lab.in_glance(image_id)
    assert image
    return image


def adopting(lab: Lab, name: str, /, **spec: object) -> Object:
    """An Image that takes over the Glance image of its name, and leaves it in the end, unless spec says otherwise."""
    return lab.image(name, **{"adopt": {"name": name}, "deletionPolicy": "Retain", **spec})


def stays_as(lab: Lab, image: Object) -> None:
    assert in_glance(lab, image["id"]) == image


@running
def test_by_id_nothing_but_the_marker_is_set(lab: Lab, name: str) -> None:
    image = theirs(lab, name, visibility="community", tags=["theirs"])
    lab.apply(adopting(lab, f"{name}-x", adopt={"id": image["id"]}))
    status = lab.ready(f"{name}-x")["status"]
    assert status["id"] == image["id"]
    found = in_glance(lab, image["id"])
    assert found.keys() - image.keys() == MARKER
    assert {key for key in image if image[key] != found[key]} == {"updated_at"}
    assert (status["stores"][0]["name"], status["storesReady"]) == ("central", "1/1")
    assert "stores" not in status.get("applied", {})


@running
@pytest.mark.parametrize("hidden", [False, True], ids=["shown", "hidden"])
def test_by_name_and_kept_as_the_spec_says(lab: Lab, name: str, hidden: bool) -> None:
    image = theirs(lab, name, os_hidden=hidden, owner=OWNER)
    theirs(lab, name)  # of another owner
    says = {"properties": {"os_distro": "ubuntu"}, "tags": ["ours"], "stores": {"names": ["central", "dcn0"]}}
    lab.apply(adopting(lab, name, adopt={"name": name, "owner": OWNER}, **says))
    status = lab.until(name, "StoresReady", "True")["status"]
    found = in_glance(lab, image["id"])
    assert (found["os_distro"], found["tags"], found["name"]) == ("ubuntu", ["ours"], name)
    assert status["applied"] == {"properties": ["os_distro"], "tags": ["ours"], "stores": ["dcn0"]}
    assert (lab.glance.store_directory("dcn0") / image["id"]).read_bytes() == DATA


@running
@pytest.mark.parametrize(
    "odd", ["in:a,b", "ubuntu:24.04", "eq:", 'in:"quotes", commas', "back\\slash\\", "ä & ö = 100 %", " spaces "]
)
def test_by_an_odd_name(lab: Lab, name: str, odd: str) -> None:
    image = theirs(lab, f"{odd}{name}")
    lab.apply(adopting(lab, name, adopt={"name": f"{odd}{name}"}))
    assert lab.ready(name)["status"]["id"] == image["id"]


@running
def test_it_is_awaited_and_must_be_the_only_one(lab: Lab, name: str) -> None:
    lab.apply(adopting(lab, name))
    assert name in condition(lab.until(name, "Reconciling", "True", "AdoptionTargetNotFound"), "Ready")["message"]
    ids = [theirs(lab, name, os_hidden=hidden)["id"] for hidden in (False, True)]
    lab.retry(name, "two")
    message = condition(lab.until(name, "Stalled", "True", "AmbiguousName"), "Ready")["message"]
    assert all(image_id in message for image_id in ids)
    lab.ask("DELETE", f"/images/{ids[1]}")
    lab.retry(name, "one")
    assert lab.ready(name)["status"]["id"] == ids[0]


@running
def test_another_format_is_said_and_nothing_is_touched(lab: Lab, name: str) -> None:
    image = theirs(lab, name)
    lab.apply(adopting(lab, name, diskFormat="qcow2", properties={"a": "1"}, source={"http": {"url": "http://x/y"}}))
    said = lab.until(name, "Stalled", "True", "AdoptionTargetDiffers")
    assert "diskFormat raw, not qcow2" in condition(said, "Stalled")["message"]
    assert "id" not in said["status"]
    stays_as(lab, image)
    lab.patch(name, diskFormat="raw")
    assert lab.ready(name)["status"]["id"] == image["id"]
    assert in_glance(lab, image["id"])["a"] == "1"


@running
def test_what_lives_in_another_object_is_not_taken(lab: Lab, name: str) -> None:
    image = theirs(lab, name)
    first, second = f"{name}-1", f"{name}-2"
    lab.apply(adopting(lab, first, adopt={"id": image["id"]}))
    lab.ready(first)
    marked = in_glance(lab, image["id"])
    lab.apply(adopting(lab, second, adopt={"name": name}, properties={"a": "1"}, deletionPolicy="Delete"))
    said = lab.until(second, "Stalled", "True", "OwnedElsewhere")
    assert f"{lab.namespace}/{first}" in condition(said, "Stalled")["message"]
    stays_as(lab, marked)
    lab.delete(first)
    lab.gone(first)
    lab.retry(second, "free")
    assert lab.ready(second)["status"]["id"] == image["id"]
    lab.delete(second)
    lab.gone(second)
    assert lab.in_glance(image["id"]) is None


@running
def test_of_two_at_once_one_has_it(lab: Lab, name: str) -> None:
    image = theirs(lab, name)
    both = [f"{name}-1", f"{name}-2"]
    lab.apply(*(adopting(lab, one, adopt={"id": image["id"]}) for one in both))

    def decided() -> list[str]:
        reasons = sorted(str(condition(lab.get(one), "Ready").get("reason")) for one in both)
        assert reasons == ["Available", "OwnedElsewhere"]
        return reasons

    eventually(decided)
    owner = in_glance(lab, image["id"])["glance_operator_owner"].rpartition("/")[2]
    assert condition(lab.get(owner), "Ready")["reason"] == "Available"


@running
def test_of_another_cluster_only_by_force(lab: Lab, name: str) -> None:
    mark = {"cluster": str(uuid.uuid4()), "owner": "images/theirs", "uid": str(uuid.uuid4()), "content": "c"}
    properties: Object = {f"glance_operator_{word}": value for word, value in mark.items()}
    image = theirs(lab, name, **properties)
    lab.apply(adopting(lab, name))
    lab.until(name, "Stalled", "True", "OwnedElsewhere")
    stays_as(lab, image)
    lab.apply(adopting(lab, f"{name}-f", adopt={"name": name, "force": True}))
    lab.ready(f"{name}-f")
    assert in_glance(lab, image["id"])["glance_operator_owner"] == f"{lab.namespace}/{name}-f"
    marks = [{"op": "add", "path": f"/glance_operator_{word}", "value": value} for word, value in mark.items()]
    lab.change(image["id"], *marks)
    lab.retry(f"{name}-f", "taken back")
    lab.until(f"{name}-f", "Stalled", "True", "OwnedElsewhere")
    assert in_glance(lab, image["id"])["glance_operator_owner"] == "images/theirs"


@running
def test_what_others_import_is_awaited(lab: Lab, name: str) -> None:
    image = theirs(lab, name, content=False)
    url = lab.source.serve(name, DATA, Fault(stall_after=1000))
    body = {"method": {"name": "web-download", "uri": url}}
    assert lab.ask("POST", f"/images/{image['id']}/import", json=body).status_code == 202
    eventually(lambda: lab.source.stalled(name))
    lab.apply(adopting(lab, name, properties={"a": "1"}))
    lab.until(name, "Reconciling", "True", "AdoptionTargetBusy")
    assert not in_glance(lab, image["id"]).keys() & MARKER
    lab.source.release(name)
    assert lab.ready(name)["status"]["id"] == image["id"]
    assert in_glance(lab, image["id"])["a"] == "1"


@running
def test_an_empty_image_is_not_filled(lab: Lab, name: str) -> None:
    image = theirs(lab, name, content=False)
    lab.apply(adopting(lab, name, source={"http": {"url": lab.source.serve(name, DATA)}}))
    lab.until(name, "Stalled", "True", "AdoptionTargetEmpty")
    stays_as(lab, image)
    upload(lab, image["id"])
    lab.retry(name, "filled")
    assert lab.ready(name)["status"]["id"] == image["id"]
    assert lab.source.requests_of(name) == []


@running
def test_without_a_status_it_is_found_by_its_marker(lab: Lab, name: str) -> None:
    image = theirs(lab, name)
    lab.apply(adopting(lab, name, properties={"a": "1"}))
    lab.ready(name)
    lab.change(image["id"], {"op": "replace", "path": "/name", "value": "renamed by somebody"})
    theirs(lab, name)  # which is not the one
    copied: Object = {key: value for key, value in in_glance(lab, image["id"]).items() if key in MARKER}
    theirs(lab, "snapshot of a server", **copied)
    lost = {"id": None, "incarnation": None, "conditions": None, "applied": None, "observedGeneration": -1}
    lab.kubectl("patch", "gimg", name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": lost}))
    assert lab.ready(name)["status"]["id"] == image["id"]


@running
def test_what_vanishes_is_made_again_if_it_can_be(lab: Lab, name: str) -> None:
    image = theirs(lab, name)
    lab.apply(adopting(lab, name, deletionPolicy="Delete"))
    lab.ready(name)
    lab.ask("DELETE", f"/images/{image['id']}")
    lab.retry(name, "gone")
    assert image["id"] in condition(lab.until(name, "Stalled", "True", "Gone"), "Stalled")["message"]
    lab.patch(name, source={"http": {"url": lab.source.serve(name, DATA)}})
    status = lab.ready(name)["status"]
    assert (status["incarnation"], status["name"]) == (2, name)
    assert status["id"] != image["id"]
    lab.delete(name)
    lab.gone(name)
    assert lab.in_glance(status["id"]) is None


@running
def test_other_bytes_at_the_source_are_no_reason_to_discard_it(lab: Lab, name: str) -> None:
    """It is for the case that the image vanishes: what it has now is nobody's reason to throw the image away."""
    image = theirs(lab, name)
    lab.apply(adopting(lab, name, source={"http": {"url": lab.source.serve(name, images.raw(1 << 18))}}))
    lab.ready(name)
    for value in ("once", "twice"):
        lab.retry(name, value)
        eventually(lambda: lab.get(name)["status"].get("lastHandledRetry") == value)  # noqa: B023
    assert lab.ready(name)["status"]["id"] == image["id"]
    assert in_glance(lab, image["id"])["status"] == "active"


@running
def test_drift_is_reported(lab: Lab, name: str) -> None:
    image = theirs(lab, name)
    lab.apply(adopting(lab, name, driftPolicy="Report", properties={"a": "1"}))
    lab.ready(name)
    lab.change(image["id"], {"op": "replace", "path": "/a", "value": "2"})
    lab.change(image["id"], {"op": "replace", "path": "/name", "value": "not ours to say"})
    lab.retry(name, "look")
    said = lab.until(name, "Ready", "True", "Drifted")
    assert "Changed outside: a (" in condition(said, "Ready")["message"]
    assert in_glance(lab, image["id"])["a"] == "2"


SPEC = {"name": "renamed", "properties": {"a": "1"}, "visibility": "community", "deletionPolicy": "Delete"}


@pytest.fixture(scope="module")
def scene(lab: Lab, sandbox_directory: Path) -> Scene:
    return Scene(lab.glance, lab.source, lab.kube, sandbox_directory / "adopting")


def begin(lab: Lab, source_name: str) -> None:
    lab.apply(adopting(lab, NAME, adopt={"name": source_name}, **SPEC))


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_call_of_an_adoption(scene: Scene, when: str) -> None:
    """Whatever was done, the image is the same one in the end; the name in Glance is another by then."""
    first = scene.lab()
    image = theirs(first, first.namespace)
    with Mortal(scene, first, when=when) as operator:
        begin(first, first.namespace)
        first.ready(NAME)
        calls = [call for call in operator.calls() if call != "status"]
    assert calls == ["finalizer", "metadata", "metadata"]
    labs = scene.labs(len(calls) + 1)
    made = {lab.namespace: theirs(lab, lab.namespace)["id"] for lab in labs} | {first.namespace: image["id"]}
    scene.kill_at_each(labs, when, lambda lab: begin(lab, lab.namespace))
    with scene.operator(*labs):
        for lab in labs:
            assert lab.ready(NAME)["status"]["id"] == made[lab.namespace]
            found = in_glance(lab, made[lab.namespace])
            assert (found["name"], found["a"], found["visibility"]) == ("renamed", "1", "community")
            assert [one["id"] for one in lab.owned(NAME)] == [made[lab.namespace]]
            lab.delete(NAME)
        for lab in labs:
            lab.gone(NAME)
            assert lab.in_glance(made[lab.namespace]) is None
