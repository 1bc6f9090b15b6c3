"""Which stores are drained, and whom that concerns."""

from __future__ import annotations

from typing import Any

import pytest

from glance_operator.runtime.image.draining import Draining
from glance_operator.runtime.kinds import WIRING
from glance_operator.runtime.store import Body, Key, Store

AT_ITS_END = {"deletionTimestamp": "2030-01-01T00:00:00Z"}


def put(store: Store, version: int, meta: dict[str, Any], **spec: Any) -> None:
    """The GlanceStore, edge if it has no other name, as it is from now on."""
    plain = {"name": "edge", "namespace": "ns", "resourceVersion": str(version), "creationTimestamp": "2030-01-01"}
    meta = plain | meta
    body = {"kind": "GlanceStore", "metadata": meta | {"uid": meta["name"]}}
    store.put(Key("GlanceStore", "ns", meta["name"]), body | {"spec": {"glanceAPIRef": {"name": "glance"}, **spec}})


@pytest.mark.parametrize(
    ("words", "meta", "spec", "ids"),
    [
        ("in use", {}, {"deletionPolicy": "Drain"}, set()),
        ("deleted, and waits", AT_ITS_END, {"deletionPolicy": "Wait"}, set()),
        ("deleted, by default", AT_ITS_END, {}, set()),
        ("drained", AT_ITS_END, {"deletionPolicy": "Drain"}, {"edge"}),
        ("drained, of another id", AT_ITS_END, {"deletionPolicy": "Drain", "storeID": "dcn0"}, {"dcn0"}),
        ("let go as it is", AT_ITS_END, {"deletionPolicy": "Drain", "suspend": True}, set()),
    ],
)
def test_which_are_drained(words: str, meta: dict[str, Any], spec: dict[str, Any], ids: set[str]) -> None:
    store = Store(WIRING.indexes)
    put(store, 1, meta, **spec)
    assert Draining(store).of("ns", "glance") == ids
    assert Draining(store).of("ns", "another") == Draining(store).of("elsewhere", "glance") == set()


def test_it_is_read_once_a_change() -> None:
    store = Store(WIRING.indexes)
    put(store, 1, {}, deletionPolicy="Drain")
    draining = Draining(store)
    assert draining.of("ns", "glance") == set()
    put(store, 2, AT_ITS_END, deletionPolicy="Drain")
    assert draining.of("ns", "glance") == {"edge"}
    put(store, 3, AT_ITS_END, deletionPolicy="Wait")
    assert draining.of("ns", "glance") == set()


@pytest.mark.parametrize(("came", "ids"), [("2029-12-31", {"edge"}), ("2030-01-02", set())])
def test_of_two_with_one_id_only_the_first_can_drain_it(came: str, ids: set[str]) -> None:
    store = Store(WIRING.indexes)
    put(store, 1, {})
    put(store, 2, {"name": "other", "creationTimestamp": came, **AT_ITS_END}, storeID="edge", deletionPolicy="Drain")
    assert Draining(store).of("ns", "glance") == ids


def image(api: str = "glance", **status: Any) -> Body:
    return {"metadata": {"namespace": "ns"}, "spec": {"glanceAPIRef": {"name": api}}, "status": status}


@pytest.mark.parametrize(
    ("words", "body", "quiet"),
    [
        ("named", image(stores=[{"name": "edge"}]), False),
        ("filled", image(stores=[{"name": "central"}], applied={"stores": ["central", "edge"]}), False),
        ("elsewhere", image(stores=[{"name": "central"}], applied={"stores": ["central"]}), True),
        ("of another service", image("another", stores=[{"name": "edge"}]), True),
        ("of a cloud", {"metadata": {}, "spec": {}, "status": {"stores": [{"name": "edge"}]}}, True),
        ("new", {"metadata": {"namespace": "ns"}, "spec": {"glanceAPIRef": {"name": "glance"}}}, True),
    ],
)
def test_whom_it_concerns(words: str, body: Body, quiet: bool) -> None:
    store = Store(WIRING.indexes)
    put(store, 1, AT_ITS_END, deletionPolicy="Drain")
    assert Draining(store).quiet(body) is quiet
