"""Objects that several people write: server-side apply by two managers, and the way to it from client-side apply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.crds.server import Answer, Server
from tests.crds.tables import Body, base, merged, skeleton

from sandbox_kit.control_plane import ControlPlane


@pytest.fixture
def image(server: Server) -> Iterator[Body]:
    """The least Image, applied by the manager "site"; gone after the test."""
    body = base("Image")
    server.apply(body, "site").taken()
    yield body
    server.delete(body)


def part(**spec: Any) -> Body:
    """What one manager says about the Image: only its own part."""
    return {**skeleton("Image"), "spec": spec}


def spec(answer: Answer) -> Body:
    """The spec that came out."""
    return dict(answer.taken()["spec"])


def conflicts(answer: Answer) -> str:
    """The server's words about what belongs to another manager."""
    assert answer.code == 409, answer.body
    return str(answer.body["message"])


def test_properties_of_two_managers_stand_side_by_side(server: Server, image: Body) -> None:
    server.apply(merged(image, {"spec": {"properties": {"a": "1"}}}), "site").taken()
    both = spec(server.apply(part(properties={"b": "2"}), "team"))
    assert both["properties"] == {"a": "1", "b": "2"}
    assert spec(server.apply(image, "site"))["properties"] == {"b": "2"}


def test_the_same_property_with_another_value_is_a_conflict_that_names_it(server: Server, image: Body) -> None:
    server.apply(merged(image, {"spec": {"properties": {"a": "1"}}}), "site").taken()
    assert ".spec.properties.a" in conflicts(server.apply(part(properties={"a": "2"}), "team"))


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ({"tags": ["b", "a"]}, {"tags": ["z"]}, {"tags": ["b", "a", "z"]}),
        ({"stores": {"names": ["s1"]}}, {"stores": {"names": ["s2"]}}, {"stores": {"names": ["s1", "s2"]}}),
        (
            {"visibility": "shared", "members": [{"projectID": "p"}]},
            {"members": [{"projectID": "q"}]},
            {"members": [{"projectID": "p"}, {"projectID": "q"}]},
        ),
    ],
    ids=["tags", "stores", "members"],
)
def test_lists_of_two_managers_are_joined(server: Server, image: Body, first: Body, second: Body, both: Body) -> None:
    """Sets and lists by key belong to each manager element by element."""
    server.apply(merged(image, {"spec": first}), "site").taken()
    joined = spec(server.apply(part(**second), "team"))
    assert {key: flat(joined[key]) for key in both} == {key: flat(value) for key, value in both.items()}
    # The first takes its own away; what the second said stays.
    alone = spec(server.apply(merged(image, {"spec": {k: v for k, v in first.items() if k == "visibility"}}), "site"))
    assert {key: flat(alone[key]) for key in second} == {key: flat(value) for key, value in second.items()}


def flat(value: Any) -> list[str]:
    """The elements of a set or list by key, in any order (a second manager's come in between)."""
    return sorted(map(str, value["names"] if isinstance(value, dict) else value))


def test_the_other_member_of_a_union_is_a_conflict(server: Server, image: Body) -> None:
    """A union belongs to one manager whole: nobody ends up with two sources."""
    other = part(source={"upload": {}})
    assert ".spec.source" in conflicts(server.apply(other, "team"))
    forced = spec(server.apply(other, "team", force=True))
    assert forced["source"] == {"upload": {}}


def test_the_other_way_to_name_stores_is_refused(server: Server, image: Body) -> None:
    """Stores are joined, so it is the rule that keeps names and all apart."""
    server.apply(merged(image, {"spec": {"stores": {"names": ["s1"]}}}), "site").taken()
    answer = server.apply(part(stores={"all": {}}), "team")
    assert [r.text for r in answer.refusals if "exactly one of names, all must be set" in r.text], answer.body


def test_a_manager_that_moves_to_the_other_member_leaves_nothing_behind(server: Server, image: Body) -> None:
    changed = merged(image, {"spec": {"source": {"http": None, "upload": {}}}})
    assert spec(server.apply(changed, "site"))["source"] == {"upload": {}}


def test_an_order_belongs_to_one_manager(server: Server, image: Body) -> None:
    urls = ["https://b.example.org/u", "https://a.example.org/u"]
    mirrored = merged(image, {"spec": {"source": {"http": {"mirrors": urls}}}})
    assert spec(server.apply(mirrored, "site"))["source"]["http"]["mirrors"] == urls
    assert ".spec.source" in conflicts(
        server.apply(part(source={"http": {"url": urls[0], "mirrors": urls[:1]}}), "team")
    )


def test_from_client_side_to_server_side_apply(server: Server, crds_installed: ControlPlane) -> None:
    """kubectl takes the fields over, the next apply changes nothing, and a field left out is removed."""
    kubectl = crds_installed.run_kubectl
    image = merged(base("Image"), {"metadata": {"name": "moving", "namespace": "crds"}, "spec": {"tags": ["a", "b"]}})
    text = yaml.safe_dump(image)
    assert "created" in kubectl("apply", "-f", "-", stdin=text)
    kubectl("apply", "--server-side", "-f", "-", stdin=text)
    before = server.get(image).taken()["metadata"]
    kubectl("apply", "--server-side", "-f", "-", stdin=text)
    assert server.get(image).taken()["metadata"] == before
    less = merged(image, {"spec": {"tags": ["a"], "containerFormat": "ova"}})
    kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(less))
    assert server.get(image).taken()["spec"]["tags"] == ["a"]
    server.delete(image)


def test_an_apply_of_the_same_manifest_changes_nothing(server: Server, image: Body) -> None:
    first = server.apply(image, "site").taken()
    again = server.apply(image, "site").taken()
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
