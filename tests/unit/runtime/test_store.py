"""The store: only what is newer counts, what is gone stays gone, and nothing is found that is not there."""

from typing import Any

import pytest

from glance_operator.runtime.store import Body, Key, Store, Version, key_of

A = Key("Image", "default", "a")


def body(version: int, uid: str = "u1", name: str = "a", namespace: str = "default", **spec: Any) -> Body:
    meta = {"uid": uid, "resourceVersion": str(version), "name": name, "namespace": namespace}
    return {"apiVersion": "x/v1", "kind": "Image", "metadata": {**meta, "managedFields": [{}]}, "spec": spec}


@pytest.fixture
def store() -> Store:
    return Store(
        {"Image": {"secret": lambda one: one["spec"].get("secret"), "state": lambda one: one["spec"].get("state")}}
    )


def test_keys() -> None:
    assert str(A) == "Image/default/a"
    assert key_of(body(1)) == A


def test_a_body_comes_back_without_managed_fields_and_is_the_readers_own(store: Store) -> None:
    store.put(A, body(1, text="ü"))
    first = store.get(A)
    assert first is not None
    assert first["spec"] == {"text": "ü"}
    assert "managedFields" not in first["metadata"]
    first["spec"]["text"] = "changed by a reader"
    assert store.get(A)["spec"] == {"text": "ü"}  # type: ignore[index]


@pytest.mark.parametrize(
    ("version", "uid", "taken"),
    [
        (11, "u1", True),
        (10, "u1", False),
        (9, "u1", False),
        (9, "older", False),
        (100, "newer", True),
    ],
)
def test_only_what_is_newer_is_taken(store: Store, version: int, uid: str, taken: bool) -> None:
    assert store.put(A, body(10))
    assert store.put(A, body(version, uid)) is taken
    assert store.version(A) == (Version(uid, version) if taken else Version("u1", 10))


def test_nine_is_older_than_ten(store: Store) -> None:
    """Versions are numbers, not texts."""
    store.put(A, body(9))
    assert store.put(A, body(10))


def test_what_is_gone_is_not_brought_back_by_a_late_event(store: Store) -> None:
    store.put(A, body(10))
    assert store.drop(A, "u1")
    assert not store.put(A, body(11))
    assert store.get(A) is None
    assert store.put(A, body(12, "u2"))


def test_the_end_of_an_earlier_object_is_not_the_end_of_its_successor(store: Store) -> None:
    store.put(A, body(20, "u2"))
    assert not store.drop(A, "u1")
    assert store.get(A) is not None


def test_drop_without_uid(store: Store) -> None:
    store.put(A, body(10))
    assert store.drop(A)
    assert not store.drop(A)
    assert store.keys("Image") == []


def test_objects_are_found_by_what_they_refer_to(store: Store) -> None:
    for number, (name, namespace, secret) in enumerate(
        [
            ("a", "default", "s1"),
            ("b", "default", "s1"),
            ("c", "default", "s2"),
            ("d", "other", "s1"),
            ("e", "other", None),
        ]
    ):
        store.put(Key("Image", namespace, name), body(number + 1, name, name, namespace, secret=secret))
    assert [key.name for key in store.referrers("Image", "default", "secret", "s1")] == ["a", "b"]
    assert store.referrers("GlanceStore", "default", "secret", "s1") == []


def test_the_index_follows_changes_and_deletions(store: Store) -> None:
    store.put(A, body(1, secret="old"))
    store.put(A, body(2, secret="new"))
    assert store.referrers("Image", "default", "secret", "old") == []
    assert store.referrers("Image", "default", "secret", "new") == [A]
    store.drop(A)
    assert store.referrers("Image", "default", "secret", "new") == []
    assert store._found == {}


def test_counts_over_all_namespaces(store: Store) -> None:
    for number, (namespace, state) in enumerate([("x", "Ready"), ("y", "Ready"), ("y", "Stalled")]):
        name = str(number)
        store.put(Key("Image", namespace, name), body(number + 1, name, name, namespace, state=state))
    assert store.counts("Image", "state") == {"Ready": 2, "Stalled": 1}


def test_versions(store: Store) -> None:
    store.put(A, body(7))
    assert store.versions("Image") == {A: Version("u1", 7)}
    assert store.versions("GlanceAPI") == {}
