"""Claims as Kubernetes shows them."""

from __future__ import annotations

from typing import Any

from glance_operator.core.claims import Claim, parse


def body(asked: str = "10Gi", **status: Any) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": asked}}}
    return {"metadata": {"name": "a"}, "spec": spec, "status": status}


BOUND: dict[str, Any] = {"phase": "Bound", "capacity": {"storage": "10Gi"}}


def test_one_without_a_volume_has_the_words_of_its_events() -> None:
    usual = {"type": "Normal", "reason": "WaitForFirstConsumer", "note": "waiting for a pod"}
    failed = {"type": "Warning", "reason": "ProvisioningFailed", "note": 'storageclass "fast" not found'}
    assert parse(body()) == Claim("a", asked="10Gi", modes=("ReadWriteOnce",))
    assert parse(body(), [usual]).words == "WaitForFirstConsumer: waiting for a pod"
    assert parse(body(), [usual, failed]).words == 'ProvisioningFailed: storageclass "fast" not found'


def test_one_that_grows_has_the_words_of_its_conditions() -> None:
    told = [
        {"type": "FileSystemResizePending", "status": "True", "message": "Waiting for user to (re-)start a pod"},
        {"type": "Resizing", "status": "False", "message": "old"},
    ]
    found = parse(body("20Gi", **BOUND, conditions=told))
    assert found.restless
    assert found.words == "FileSystemResizePending: Waiting for user to (re-)start a pod"


def test_only_what_is_too_small_and_has_a_volume_is_asked_to_grow() -> None:
    assert parse(body(**BOUND)).can_grow("20Gi")
    assert not parse(body(**BOUND)).can_grow("10240Mi")
    assert not parse(body("5Gi", **BOUND)).can_grow("8Gi"), "its volume has the room"
    assert not parse(body("20Gi", **BOUND)).can_grow("20Gi"), "it has been asked"
    assert not parse(body()).can_grow("20Gi"), "it has no volume"
    assert not parse(body(**BOUND), refused="no").can_grow("20Gi")
    leaving = body(**BOUND)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not parse(leaving).can_grow("20Gi")
