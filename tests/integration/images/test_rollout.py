"""Other content under the same name: whoever asks for the name gets an image at every moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.images.lab import Lab, Object, condition
from tests.integration.images.names import Watcher
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.source import Fault

pytestmark = pytest.mark.usefixtures("operator")
FIRST, SECOND, THIRD = (images.raw(size) for size in (1 << 16, 1 << 17, 3 << 16))
ALL = {"stores": {"all": {}, "allowFailure": False}}


def source(url: str) -> Object:
    return {"http": {"url": url, "mirrors": None}}


@pytest.fixture
def served(lab: Lab, name: str) -> Object:
    """An image with its first content, in every store; its status."""
    lab.apply(lab.image(name, lab.source.serve(f"{name}-1", FIRST), visibility="public", **ALL))
    status: Object = lab.ready(name)["status"]
    return status


@pytest.fixture
def watched(lab: Lab, name: str, served: Object) -> Iterator[Watcher]:
    """Somebody who asks for the name all the time."""
    with Watcher(lambda: named(lab, name)) as watcher:
        yield watcher


def named(lab: Lab, name: str) -> int:
    return len(lab.ask("GET", f"/images?name={name}").json()["images"])


def rolled_out(lab: Lab, name: str, before: Object) -> Object:
    """The status once another image serves."""
    status: Object = lab.until(name, "UpToDate", "True", "UpToDate")["status"]
    assert status["id"] != before["id"]
    assert "rollout" not in status
    return status


def bytes_of(lab: Lab, image_id: str, store: str = "central") -> bytes:
    return (lab.glance.store_directory(store) / image_id).read_bytes()


def test_the_name_never_resolves_to_nothing(lab: Lab, name: str, served: Object, watched: Watcher) -> None:
    lab.patch(name, source=source(lab.source.serve(f"{name}-2", SECOND)))
    status = rolled_out(lab, name, served)
    eventually(lambda: watched.seen[-1][1] == 1)
    assert len(watched.seen) > 20
    assert watched.counts() <= {1, 2}
    assert watched.seconds_with(2) < 1
    old, new = lab.in_glance(served["id"]), lab.in_glance(status["id"])
    assert old
    assert new
    assert (old["name"], old["os_hidden"], old["visibility"]) == (f"{name} (1)", True, "public")
    assert (new["name"], new["os_hidden"], new["visibility"]) == (name, False, "public")
    assert sorted(new["stores"].split(",")) == ["central", "dcn0", "dcn1"]
    assert (bytes_of(lab, served["id"]), bytes_of(lab, status["id"], "dcn1")) == (FIRST, SECOND)
    kept = {"id": served["id"], "incarnation": 1, "contentHash": served["content"]["hash"], "hidden": True}
    assert status["previous"] == [kept]


def test_what_others_said_of_the_image_goes_over(lab: Lab, name: str, served: Object) -> None:
    lab.patch(name, tags=["ours"], properties={"os_distro": "ubuntu", "hw_disk_bus": "scsi"})
    eventually(lambda: (lab.in_glance(served["id"]) or {}).get("os_distro") == "ubuntu")
    lab.until(name, "MetadataSynced", "True")
    theirs: list[Object] = [
        {"op": "add", "path": "/their_word", "value": "kept"},
        {"op": "replace", "path": "/min_disk", "value": 7},
        {"op": "replace", "path": "/protected", "value": True},
        {"op": "replace", "path": "/tags", "value": ["ours", "theirs"]},
    ]
    lab.change(served["id"], *theirs)
    lab.patch(
        name,
        source=source(lab.source.serve(f"{name}-2", SECOND)),
        properties={"os_distro": "debian", "hw_disk_bus": None},
    )
    new = lab.in_glance(rolled_out(lab, name, served)["id"])
    assert new
    shown = [new.get(key) for key in ("their_word", "min_disk", "protected", "os_distro", "hw_disk_bus")]
    assert shown == ["kept", 7, True, "debian", None]
    assert sorted(new["tags"]) == ["ours", "theirs"]
    lab.change(new["id"], {"op": "replace", "path": "/protected", "value": False})


def test_members_may_use_the_new_content_from_its_first_moment(lab: Lab, name: str) -> None:
    member = "b" * 32
    shared = {"visibility": "shared", "members": [{"projectID": member}]}
    lab.apply(lab.image(name, lab.source.serve(f"{name}-1", FIRST), **shared))
    before = lab.ready(name)["status"]
    lab.patch(name, source=source(lab.source.serve(f"{name}-2", SECOND)))
    status = rolled_out(lab, name, before)
    members = lab.ask("GET", f"/images/{status['id']}/members").json()["members"]
    assert [one["member_id"] for one in members] == [member]


def test_a_failure_before_the_switch_changes_nothing_for_users(
    lab: Lab, name: str, served: Object, watched: Watcher
) -> None:
    lab.patch(name, source=source(lab.source.serve(f"{name}-2", SECOND, Fault(status=404))), retryLimit=1)
    body = lab.until(name, "UpToDate", "False", "Outdated")
    assert (condition(body, "Ready")["status"], condition(body, "Stalled")["status"]) == ("True", "True")
    assert served["id"] in condition(body, "Ready")["message"]
    assert body["status"]["id"] == served["id"]
    old = lab.in_glance(served["id"])
    assert old
    assert (old["name"], old["os_hidden"], old["visibility"]) == (name, False, "public")
    lab.patch(name, source=source(lab.source.serve(f"{name}-3", THIRD)))
    status = rolled_out(lab, name, served)
    assert bytes_of(lab, status["id"]) == THIRD
    assert watched.counts() <= {1, 2}
    assert {image["id"] for image in lab.owned(name)} == {served["id"], status["id"]}


def test_back_to_what_was_before_takes_no_import(lab: Lab, name: str, served: Object, watched: Watcher) -> None:
    first = lab.get(name)["spec"]["source"]["http"]["url"]
    lab.patch(name, source=source(lab.source.serve(f"{name}-2", SECOND)))
    second = rolled_out(lab, name, served)
    asked = len(lab.source.requests_of(f"{name}-1"))
    lab.patch(name, source=source(first))
    status = rolled_out(lab, name, second)
    assert status["id"] == served["id"]
    assert [one["id"] for one in status["previous"]] == [second["id"]]
    assert len(lab.source.requests_of(f"{name}-1")) == asked
    old, new = lab.in_glance(second["id"]), lab.in_glance(status["id"])
    assert old
    assert new
    assert (old["name"], old["os_hidden"], new["name"], new["os_hidden"]) == (f"{name} (2)", True, name, False)
    assert watched.counts() <= {1, 2}
    lab.patch(name, source=source(lab.source.serve(f"{name}-3", THIRD)))
    assert rolled_out(lab, name, status)["incarnation"] == 3, "a number that no image has had"


def test_so_many_earlier_images_stay_as_the_spec_says(lab: Lab, name: str, served: Object) -> None:
    lab.patch(name, protected=True)
    eventually(lambda: (lab.in_glance(served["id"]) or {})["protected"])
    lab.patch(name, source=source(lab.source.serve(f"{name}-2", SECOND)), protected=False)
    second = rolled_out(lab, name, served)
    lab.patch(name, source=source(lab.source.serve(f"{name}-3", THIRD)))
    third = rolled_out(lab, name, second)
    eventually(lambda: lab.in_glance(served["id"]) is None)
    eventually(lambda: [one["id"] for one in lab.get(name)["status"]["previous"]] == [second["id"]])
    lab.patch(name, rollout={"historyLimit": 0})
    eventually(lambda: {image["id"] for image in lab.owned(name)} == {third["id"]})
    eventually(lambda: "previous" not in lab.get(name)["status"])


def test_the_earlier_image_can_be_left_in_lists(lab: Lab, name: str, served: Object) -> None:
    lab.patch(name, source=source(lab.source.serve(f"{name}-2", SECOND)), rollout={"previous": "Leave"})
    status = rolled_out(lab, name, served)
    old = lab.in_glance(served["id"])
    assert old
    assert (old["name"], old["os_hidden"]) == (f"{name} (1)", False)
    assert [one.get("hidden", False) for one in status["previous"]] == [False]


def test_called_off_while_the_new_content_is_downloaded(lab: Lab, name: str, served: Object) -> None:
    first = lab.get(name)["spec"]["source"]["http"]["url"]
    lab.patch(name, source=source(lab.source.serve(f"{name}-2", SECOND, Fault(stall_after=1000))))
    eventually(lambda: lab.source.stalled(f"{name}-2"))
    lab.until(name, "UpToDate", "False", "RollingOut")
    assert len(lab.owned(name)) == 2
    lab.patch(name, source=source(first))
    body = lab.until(name, "UpToDate", "True", "UpToDate")
    assert (body["status"]["id"], "rollout" in body["status"]) == (served["id"], False)
    assert [image["id"] for image in lab.owned(name)] == [served["id"]]
    lab.source.release(f"{name}-2")


def test_other_content_again_while_it_is_rolled_out(lab: Lab, name: str, served: Object) -> None:
    lab.patch(name, source=source(lab.source.serve(f"{name}-2", SECOND, Fault(stall_after=1000))))
    eventually(lambda: lab.source.stalled(f"{name}-2"))
    lab.patch(name, source=source(lab.source.serve(f"{name}-3", THIRD)))
    lab.source.release(f"{name}-2")
    status = rolled_out(lab, name, served)
    assert bytes_of(lab, status["id"]) == THIRD
    eventually(lambda: {image["id"] for image in lab.owned(name)} == {served["id"], status["id"]})


def test_deleted_with_all_that_was_made_for_it(lab: Lab, name: str, served: Object) -> None:
    lab.patch(name, source=source(lab.source.serve(f"{name}-2", SECOND)))
    rolled_out(lab, name, served)
    lab.patch(name, source=source(lab.source.serve(f"{name}-3", THIRD, Fault(status=404))))
    lab.until(name, "UpToDate", "False")
    eventually(lambda: len(lab.owned(name)) == 3)
    lab.delete(name)
    lab.gone(name)
    assert lab.owned(name) == []


@pytest.mark.parametrize("allowed", [True, False])
def test_a_store_that_fails_holds_up_nobody_where_that_is_allowed(lab: Lab, name: str, allowed: bool) -> None:
    lab.apply(lab.image(name, lab.source.serve(f"{name}-1", FIRST), stores={"all": {}, "allowFailure": allowed}))
    before = lab.ready(name)["status"]
    with out_of_order(lab.glance.store_directory("dcn1")):
        lab.patch(name, source=source(lab.source.serve(f"{name}-2", SECOND)))
        if allowed:
            assert rolled_out(lab, name, before)["storesReady"] == "2/3"
            assert condition(lab.get(name), "StoresReady")["reason"] == "PartialFailure"
        else:
            eventually(lambda: lab.get(name)["status"].get("storesReady") == "2/3")
            assert (lab.in_glance(before["id"]) or {})["name"] == name
    lab.retry(name, "mended")
    lab.until(name, "StoresReady", "True")
    rolled_out(lab, name, before)


@contextmanager
def out_of_order(directory: Path) -> Iterator[None]:
    """A store that takes nothing."""
    aside = directory.rename(directory.with_name(f"{directory.name}-aside"))
    try:
        yield
    finally:
        aside.rename(directory)
