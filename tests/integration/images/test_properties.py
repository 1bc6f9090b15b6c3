"""What Glance takes, keeps and gives back of what is said about an image, and what others may do to it."""

import json

import pytest
from tests.integration.images.lab import Lab, Object, condition
from tests.support import eventually

from sandbox_kit import images

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 16)
ODD = {
    "trait:HW_CPU_X86_AVX512BW": "required",
    "hw_numa_cpus.0": "0,1",
    "Capital": "Yes",
    "a~b/c~1d": "tilde and slash",
    "empty": "",
    "spaces in it": " a b ",
    "unicode": "Größe: 10 µm, 日本語",
    "größe": "groß",
    "quotes": "\"'\\",
    "lines": "one\ntwo\ttabbed",
    "os_version": "24.04",
}


def image_of(lab: Lab, name: str) -> Object:
    image = lab.in_glance(lab.get(name)["status"]["id"])
    assert image
    return image


def served(lab: Lab, name: str, **spec: object) -> str:
    lab.apply(lab.image(name, lab.source.serve(name, DATA), **spec))
    return str(lab.ready(name)["status"]["id"])


@pytest.mark.parametrize("later", [False, True], ids=["at-create", "later"])
def test_odd_names_and_values(lab: Lab, name: str, later: bool) -> None:
    served(lab, name, **({} if later else {"properties": ODD}))
    if later:
        lab.patch(name, properties=ODD)
    lab.ready(name)
    found = image_of(lab, name)
    assert {key: found.get(key) for key in ODD} == ODD
    assert sorted(lab.get(name)["status"]["applied"]["properties"]) == sorted(ODD)
    lab.patch(name, properties=dict.fromkeys(ODD) | {"empty": "no more", "Capital": ""})
    lab.ready(name)
    found = image_of(lab, name)
    assert {key: found.get(key) for key in ODD} == dict.fromkeys(ODD) | {"empty": "no more", "Capital": ""}


# what the spec says, and the same as an operation on the image
REFUSED: list[tuple[Object, Object]] = [
    ({"properties": {"a": "🐧"}}, {"op": "add", "path": "/a", "value": "🐧"}),
    ({"properties": {"🐧": "a"}}, {"op": "add", "path": "/🐧", "value": "a"}),
    ({"tags": ["🐧"]}, {"op": "replace", "path": "/tags", "value": ["🐧"]}),
    ({"name": "🐧"}, {"op": "replace", "path": "/name", "value": "🐧"}),
]


@pytest.mark.parametrize(("says", "operation"), REFUSED, ids=["value", "name-of-property", "tag", "name"])
def test_what_glance_refuses_is_refused_before(lab: Lab, name: str, says: Object, operation: Object) -> None:
    """It takes no character beyond U+FFFF; neither does the schema."""
    image_id = served(lab, name)
    headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    answer = lab.ask("PATCH", f"/images/{image_id}", data=json.dumps([operation]), headers=headers)
    assert (answer.status_code, "4 byte" in answer.text) == (400, True), answer.text
    with pytest.raises(AssertionError, match=f"spec.{next(iter(says))}"):
        lab.patch(name, **says)


def test_a_hundred_and_twenty(lab: Lab, name: str) -> None:
    many = {f"key_{number}": f"value {number}" for number in range(120)}
    served(lab, name, properties=many)
    found = image_of(lab, name)
    assert many.items() <= found.items()
    half = {key: value for key, value in many.items() if int(key[4:]) % 2}
    lab.patch(name, properties={key: half.get(key) for key in many} | {"more": "1"})
    lab.ready(name)
    found = image_of(lab, name)
    assert {key: found[key] for key in found if key.startswith("key_")} == half


def test_one_more_than_glance_takes_is_told(lab: Lab, name: str) -> None:
    """The others' properties and ours share a quota."""
    image_id = served(lab, name)
    extra = [{"op": "add", "path": f"/theirs_{number}", "value": "x"} for number in range(100)]
    lab.change(image_id, *extra)
    lab.patch(name, properties={f"key_{number}": "x" for number in range(100)})
    message = condition(lab.until(name, "Reconciling", "True", "QuotaExceeded"), "Ready")["message"]
    assert "properties" in message
    lab.patch(name, properties=dict.fromkeys(f"key_{number}" for number in range(100)))
    lab.ready(name)
    assert sum(key.startswith("theirs_") for key in image_of(lab, name)) == 100


def test_what_glance_manages_is_left_to_it(lab: Lab, name: str) -> None:
    image_id = served(lab, name, properties={"ours": "1"})
    before = image_of(lab, name)
    lab.change(image_id, {"op": "add", "path": "/theirs", "value": "2"})
    lab.patch(name, properties={"ours": "3"})
    lab.ready(name)
    after = image_of(lab, name)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed - {"updated_at"} == {"ours", "theirs"}


def test_members_and_what_they_have_made_of_it(lab: Lab, name: str) -> None:
    member = "a" * 32
    image_id = served(lab, name, visibility="shared", members=[{"projectID": member}])
    assert lab.get(name)["status"]["members"] == [{"projectID": member, "status": "pending"}]
    headers = lab.glance.trusted_headers(member, "member,reader")
    for word in ("accepted", "rejected"):
        answer = lab.ask("PUT", f"/images/{image_id}/members/{member}", json={"status": word}, headers=headers)
        assert answer.status_code == 200, answer.text
        lab.retry(name, word)
        eventually(lambda: lab.get(name)["status"].get("lastHandledRetry") == word)  # noqa: B023
        assert lab.ready(name)["status"]["members"] == [{"projectID": member, "status": word}]


def test_an_administrator_s_deactivation_is_respected(lab: Lab, name: str) -> None:
    image_id = served(lab, name, stores={"names": ["central"]})
    assert lab.ask("POST", f"/images/{image_id}/actions/deactivate").status_code == 204
    lab.retry(name, "deactivated")
    body = lab.until(name, "Ready", "False", "Deactivated")
    assert condition(body, "Stalled")["status"] == "True"
    assert condition(body, "Imported")["status"] == "True"
    assert body["status"]["sizeBytes"] == len(DATA)
    lab.patch(name, properties={"a": "1"}, stores={"names": ["central", "dcn0"]}, diskFormat="qcow2")
    lab.until(name, "Stalled", "True", "Deactivated")
    image = image_of(lab, name)
    assert (image["status"], image.get("a"), image["stores"]) == ("deactivated", None, "central")
    lab.patch(name, diskFormat="raw")
    assert lab.ask("POST", f"/images/{image_id}/actions/reactivate").status_code == 204
    lab.retry(name, "reactivated")
    lab.until(name, "StoresReady", "True")
    image = image_of(lab, name)
    assert (image["status"], image["a"], image["stores"]) == ("active", "1", "central,dcn0")
    assert len(lab.source.requests_of(name)) == 1


def test_what_is_deactivated_is_ours_to_delete(lab: Lab, name: str) -> None:
    image_id = served(lab, name)
    lab.ask("POST", f"/images/{image_id}/actions/deactivate")
    lab.delete(name)
    lab.gone(name)
    assert lab.in_glance(image_id) is None


def test_what_is_questionable_is_said_and_served(lab: Lab, name: str) -> None:
    served(lab, name, properties={"os_distro": "Ubuntu", "hw_disk_bus": "scsi"})
    said = condition(lab.get(name), "PropertiesQuestionable")
    assert (said["status"], said["reason"]) == ("True", "DistroSpelling")
    assert "set it to ubuntu" in said["message"]
    assert "hw_scsi_model" in said["message"]
    lab.patch(name, properties={"os_distro": "ubuntu", "hw_scsi_model": "virtio-scsi"})
    lab.ready(name)
    assert condition(lab.get(name), "PropertiesQuestionable") == {}


def test_a_visibility_that_the_policy_refuses_is_told(lab: Lab, name: str) -> None:
    """Only administrators publish; the content is there all the same, and the change that is refused names itself."""
    headers = lab.glance.trusted_headers(roles="member,reader")
    entry = {"auth_type": "none", "image_endpoint_override": lab.glance.url, "trusted_headers": headers}
    lab.apply(lab.credentials(name, {"clouds": {"images": entry}}))
    lab.apply(lab.image(name, lab.source.serve(name, DATA), name, visibility="public"))
    body = lab.until(name, "Stalled", "True", "Forbidden")
    assert "visibility" in condition(body, "MetadataSynced")["message"]
    assert condition(body, "Imported")["status"] == "True"
    lab.patch(name, visibility="community")
    lab.ready(name)
    assert image_of(lab, name)["visibility"] == "community"


def test_hidden_and_shown_again(lab: Lab, name: str) -> None:
    image_id = served(lab, name, hidden=True)

    def listed(hidden: str) -> bool:
        query = f"visibility=all&os_hidden={hidden}&id=in:{image_id}"
        return bool(lab.ask("GET", f"/images?{query}").json()["images"])

    assert (listed("true"), listed("false")) == (True, False)
    lab.patch(name, hidden=False)
    lab.ready(name)
    assert (listed("true"), listed("false")) == (False, True)
