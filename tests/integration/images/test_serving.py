"""An image declared is an image served: what goes well, on a real Kubernetes API and a real Glance."""

import pytest
from tests.integration.images.lab import Lab, Operator, condition
from tests.support import eventually

from sandbox_kit import images

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 20)


def test_into_the_default_store(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA)))
    status = lab.ready(name)["status"]
    image = lab.in_glance(status["id"])
    assert image
    assert (image["name"], image["status"], image["stores"], image["visibility"]) == (
        name,
        "active",
        "central",
        "private",
    )
    assert status["storesReady"] == "1/1"
    assert (lab.glance.store_directory("central") / status["id"]).read_bytes() == DATA


def test_into_every_store_with_a_condition_for_each(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), stores={"all": {}}))
    status = lab.ready(name)["status"]
    assert status["storesReady"] == "3/3"
    assert status["progress"] == "100%"
    assert [(s["name"], s["status"], s["reason"]) for s in status["stores"]] == [
        (store, "True", "Present") for store in ("central", "dcn0", "dcn1")
    ]
    for store in ("central", "dcn0", "dcn1"):
        assert (lab.glance.store_directory(store) / status["id"]).read_bytes() == DATA


def test_into_all_stores_except_some(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), stores={"all": {"except": ["dcn0"]}}))
    status = lab.ready(name)["status"]
    assert [s["name"] for s in status["stores"]] == ["central", "dcn1"]


def test_into_named_stores_that_must_all_succeed(lab: Lab, name: str) -> None:
    stores = {"names": ["dcn1", "dcn0"], "allowFailure": False}
    lab.apply(lab.image(name, lab.source.serve(name, DATA), stores=stores))
    image = lab.in_glance(lab.ready(name)["status"]["id"])
    assert image
    assert sorted(image["stores"].split(",")) == ["dcn0", "dcn1"]


METADATA = {
    "name": "Ubuntu 24.04",
    "visibility": "public",
    "hidden": True,
    "protected": True,
    "minDiskGB": 3,
    "minRAMMB": 512,
    "tags": ["lts", "golden"],
    "owner": "fedcba9876543210fedcba9876543210",
    "properties": {"os_distro": "ubuntu", "hw:odd.Key/with~signs": "1", "os_version": "24.04"},
}


def test_metadata_is_as_the_spec_says_and_follows_it(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), **METADATA))
    image_id = lab.ready(name)["status"]["id"]
    image = lab.in_glance(image_id)
    assert image
    shown = ("name", "visibility", "os_hidden", "protected", "min_disk", "min_ram", "owner", "os_distro")
    assert [image[key] for key in shown] == [
        *("Ubuntu 24.04", "public", True, True, 3, 512),
        *("fedcba9876543210fedcba9876543210", "ubuntu"),
    ]
    assert image["hw:odd.Key/with~signs"] == "1"
    assert sorted(image["tags"]) == ["golden", "lts"]

    changed = {"hidden": False, "protected": False, "tags": ["golden", "new"], "properties": {"os_distro": None}}
    lab.patch(name, name="Ubuntu", **changed)
    lab.ready(name)
    image = lab.in_glance(image_id)
    assert image
    assert (image["name"], image["os_hidden"], image["protected"]) == ("Ubuntu", False, False)
    assert "os_distro" not in image
    assert image["os_version"] == "24.04"
    assert sorted(image["tags"]) == ["golden", "new"]


def test_what_others_added_stays(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), tags=["ours"], properties={"ours": "1"}))
    image_id = lab.ready(name)["status"]["id"]
    lab.change(image_id, {"op": "add", "path": "/theirs", "value": "2"})
    lab.ask("PUT", f"/images/{image_id}/tags/theirs")
    lab.patch(name, tags=["mine"], properties={"ours": None, "mine": "3"})
    lab.ready(name)
    image = lab.in_glance(image_id)
    assert image
    assert sorted(image["tags"]) == ["mine", "theirs"]
    assert (image.get("ours"), image["theirs"], image["mine"]) == (None, "2", "3")


def test_shared_with_members(lab: Lab, name: str) -> None:
    members = [{"projectID": "a" * 32}, {"projectID": "b" * 32}]
    lab.apply(lab.image(name, lab.source.serve(name, DATA), visibility="shared", members=members))
    image_id = lab.ready(name)["status"]["id"]

    def of_glance() -> set[str]:
        return {m["member_id"] for m in lab.ask("GET", f"/images/{image_id}/members").json()["members"]}

    assert of_glance() == {"a" * 32, "b" * 32}
    lab.ask("POST", f"/images/{image_id}/members", json={"member": "c" * 32})
    lab.patch(name, members=members[:1])
    lab.ready(name)
    assert of_glance() == {"a" * 32, "c" * 32}


def test_nobody_else_sees_it_before_it_is_in_every_store(lab: Lab, name: str) -> None:
    stores = {"all": {}, "allowFailure": False}
    big = images.raw(24 << 20)
    lab.apply(lab.image(name, lab.source.serve(name, big), visibility="public", stores=stores))
    seen = set()

    def finished() -> bool:
        for image in lab.owned(name):
            seen.add((image["visibility"], image.get("stores", "").count(",") + 1))
        return condition(lab.get(name), "Ready").get("status") == "True"

    eventually(finished, 60, interval=0.02)
    finished()
    assert ("public", 3) in seen
    assert {stores for visibility, stores in seen if visibility == "public"} <= {3}
    assert any(visibility == "private" for visibility, _ in seen)


def test_a_spec_id_is_the_glance_id(lab: Lab, name: str) -> None:
    wanted = "6f0c1f3e-0000-4000-8000-" + name[-6:].rjust(12, "0")
    lab.apply(lab.image(name, lab.source.serve(name, DATA), id=wanted))
    assert lab.ready(name)["status"]["id"] == wanted


def test_a_store_named_later_is_filled(lab: Lab, name: str) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), stores={"names": ["central"]}))
    image_id = lab.ready(name)["status"]["id"]
    lab.patch(name, stores={"names": ["central", "dcn1"]})
    status = lab.until(name, "StoresReady", "True")["status"]
    assert status["id"] == image_id
    assert (lab.glance.store_directory("dcn1") / image_id).read_bytes() == DATA


def test_at_rest_nothing_is_written(lab: Lab, name: str, operator: Operator) -> None:
    lab.apply(lab.image(name, lab.source.serve(name, DATA)))
    lab.ready(name)
    before = patches(operator)
    for value in ("once", "twice", "thrice"):  # each is an event of the object, and a look without a difference
        lab.kubectl("label", "gimg", name, "--overwrite", f"touched={value}")
    lab.retry(name, "now")  # a look that is asked for: its value is written, once
    eventually(lambda: lab.get(name)["status"].get("lastHandledRetry") == "now")
    assert patches(operator) == before + 1


def patches(operator: Operator) -> float:
    """Writes to the API server so far."""
    samples = operator.metrics().items()
    return sum(n for sample, n in samples if sample.startswith("rest_client_requests_total") and "PATCH" in sample)
