"""A namespace of metadata definitions: how its file is read, and the requests that bring Glance to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glance_operator.core.metadefs import Call, InvalidDocumentError, changes, read, removal

LEVEL = {"title": "Level", "type": "integer"}
AUDIT = {"name": "Audit", "required": ["by"], "properties": {"by": {"title": "By", "type": "string"}}}
IMAGES = {"name": "OS::Glance::Image", "prefix": "site_"}
DOCUMENT: dict[str, Any] = {
    "namespace": "Site::Hard",
    "visibility": "public",
    "properties": {"level": LEVEL},
    "objects": [AUDIT],
    "tags": [{"name": "hard"}],
    "resource_type_associations": [IMAGES],
}
BASE = {"namespace": "Site::Hard", "visibility": "public", "protected": False, "owner": "us"}
AT = "/metadefs/namespaces/Site%3A%3AHard"


def answer(**other: Any) -> dict[str, Any]:
    """What Glance says of the document, with what it adds."""
    added = {"created_at": "2026-01-01T00:00:00Z", "self": AT, "schema": "/v2/schemas/metadefs/namespace"}
    objects = [{**AUDIT, **added}]
    types = [{**IMAGES, "created_at": added["created_at"]}]
    own = {"protected": False, "owner": "us", "objects": objects, "resource_type_associations": types}
    return {**DOCUMENT, **added, **own, **other}


def told(wanted: dict[str, Any], present: dict[str, Any] | None) -> list[tuple[str, str]]:
    calls = changes(read(json.dumps(wanted)), present)
    return [(call.method, call.path.removeprefix(AT)) for call in calls]


def test_nothing_is_asked_where_all_is_as_written() -> None:
    assert told(DOCUMENT, answer()) == []
    assert told({"namespace": "a"}, {"namespace": "a", "visibility": "private", "protected": False}) == []


def test_a_new_one_is_made_by_one_request() -> None:
    (call,) = changes(read(json.dumps(DOCUMENT)), None)
    assert (call.method, call.path) == ("POST", "/metadefs/namespaces")
    assert call.body == {**DOCUMENT, "protected": False}


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        ({"description": "new"}, [("PUT", "")]),
        ({"visibility": "private"}, [("PUT", "")]),
        ({"protected": True}, [("PUT", "")]),
        ({"owner": "them"}, [("PUT", "")]),
        ({"properties": {"level": {**LEVEL, "minimum": 1}}}, [("PUT", "/properties/level")]),
        ({"properties": {"level": LEVEL, "a b": LEVEL}}, [("POST", "/properties")]),
        ({"properties": {}}, [("DELETE", "/properties/level")]),
        ({"objects": [{**AUDIT, "required": []}]}, [("PUT", "/objects/Audit")]),
        ({"objects": [AUDIT, {"name": "Other"}]}, [("POST", "/objects")]),
        ({"objects": []}, [("DELETE", "/objects/Audit")]),
        ({"tags": [{"name": "soft"}]}, [("DELETE", "/tags/hard"), ("POST", "/tags/soft")]),
        (
            {"resource_type_associations": [{**IMAGES, "prefix": "new_"}]},
            [("DELETE", "/resource_types/OS%3A%3AGlance%3A%3AImage"), ("POST", "/resource_types")],
        ),
    ],
)
def test_each_difference_has_its_request(change: dict[str, Any], calls: list[tuple[str, str]]) -> None:
    assert told({**DOCUMENT, **change}, answer()) == calls


def test_a_change_of_its_own_fields_does_not_give_it_to_another_project() -> None:
    (call,) = changes(read(json.dumps({**DOCUMENT, "display_name": "Hard"})), answer())
    assert call == Call("PUT", AT, {**BASE, "display_name": "Hard"})


def test_what_is_protected_is_opened_only_for_what_has_to_go() -> None:
    wanted, present = {**DOCUMENT, "protected": True}, answer(protected=True)
    assert told({**wanted, "tags": []}, present) == [("PUT", ""), ("DELETE", "/tags/hard"), ("PUT", "")]
    opened, _, closed = changes(read(json.dumps({**wanted, "tags": []})), present)
    assert (opened.body, closed.body) == (BASE, {**BASE, "protected": True})
    assert told({**wanted, "tags": [{"name": "hard"}, {"name": "soft"}]}, present) == [("POST", "/tags/soft")]
    assert told({**DOCUMENT, "tags": []}, present) == [("PUT", ""), ("DELETE", "/tags/hard"), ("PUT", "")]


def test_a_namespace_goes_even_if_it_is_protected() -> None:
    assert removal(answer()) == (Call("DELETE", AT),)
    assert removal(answer(protected=True)) == (Call("PUT", AT, BASE), Call("DELETE", AT))


def test_one_that_no_api_would_have_let_in_is_made_anew() -> None:
    odd = answer(description="x" * 501, protected=True)
    assert told(DOCUMENT, odd) == [("PUT", ""), ("DELETE", ""), ("POST", "/metadefs/namespaces")]


@pytest.mark.parametrize(
    ("given", "kept"), [("x", "x"), (1, "1"), (1.5, "1.5"), (True, "True"), (None, None)], ids=repr
)
def test_a_default_is_compared_as_glance_keeps_it(given: object, kept: str | None) -> None:
    wanted = {**DOCUMENT, "properties": {"level": {**LEVEL, "default": given}}}
    assert told(wanted, answer(properties={"level": {**LEVEL, "default": kept}})) == []


def test_a_property_may_say_its_own_name() -> None:
    named = {**DOCUMENT, "properties": {"level": {**LEVEL, "name": "level"}}}
    assert told(named, answer()) == told(DOCUMENT, answer(properties=named["properties"])) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ('{"namespace": "a",\n  oops}', "line 2 column 3"),
        ("", "line 1"),
        ("[]", "should be an object"),
        ({}, "namespace: Field required"),
        ({"namespace": ""}, "namespace: "),
        ({"namespace": "a/b"}, "namespace: must not be . or .. or hold a slash"),
        ({"namespace": ".."}, "namespace: must not be"),
        ({"namespace": "a" * 81}, "namespace: "),
        ({"namespace": "a", "visibilty": "public"}, "visibilty: no such field"),
        ({"namespace": "a", "visibility": "shared"}, "visibility: "),
        ({"namespace": "a", "protected": "yes"}, "protected: "),
        ({"namespace": "a", "properties": {"p": {"title": "P", "type": "text"}}}, "properties.p.type: "),
        ({"namespace": "a", "properties": {"p": {"type": "string"}}}, "properties.p.title: Field required"),
        ({"namespace": "a", "properties": {"p": {**LEVEL, "minimum": 1.5}}}, "properties.p.minimum: "),
        ({"namespace": "a", "properties": {"p": {**LEVEL, "default": [1]}}}, "properties.p.default"),
        ({"namespace": "a", "properties": {"p": {**LEVEL, "enum": [1]}}}, "properties.p.enum.0: "),
        ({"namespace": "a", "properties": {"p": {**LEVEL, "confidential": True}}}, "p.confidential: no such field"),
        ({"namespace": "a", "objects": [{"name": "o", "required": ["a,b"]}]}, "must not hold a comma"),
        ({"namespace": "a", "tags": [{"name": "t"}, {"name": "t"}]}, "tags: t is there twice"),
        ({"namespace": "a", "tags": ["t"]}, "tags.0: "),
        ({"namespace": "a", "resource_type_associations": [{"prefix": "p"}]}, "resource_type_associations.0.name"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(document: object, words: str) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(InvalidDocumentError) as refused:
        read(text)
    assert words in str(refused.value)
