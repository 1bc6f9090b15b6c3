"""How claims are asked to grow, and for how long a refusal is remembered."""

from __future__ import annotations

from typing import Any, cast

import pytest

from glance_operator.core.claims import Grow
from glance_operator.runtime.claims import Claims
from glance_operator.runtime.objects import Objects
from glance_operator.runtime.rest import ApiError

REFUSAL = ApiError(403, "Forbidden", "exceeded quota: room")


class Cluster:
    """Two claims, a clock, and answers to who asks one of them to grow."""

    def __init__(self) -> None:
        self.now = 0.0
        self.errors: dict[str, ApiError] = {}
        self.sizes = {"a": "1Gi", "b": "1Gi"}
        self.claims = Claims(cast("Objects", self), lambda: self.now)

    def find(self, kind: str, namespace: str, **query: str) -> list[dict[str, Any]]:
        if kind == "Event":
            return []
        status = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
        return [
            {
                "metadata": {"namespace": namespace, "name": name},
                "spec": {"resources": {"requests": {"storage": size}}},
                "status": status,
            }
            for name, size in self.sizes.items()
        ]

    def merge(self, kind: str, namespace: str, name: str, patch: dict[str, Any]) -> None:
        if name in self.errors:
            raise self.errors[name]
        self.sizes[name] = patch["spec"]["resources"]["requests"]["storage"]

    def refusals(self) -> list[str]:
        return [claim.refused for claim in self.claims.of("default", "glance")]


def test_one_that_is_refused_keeps_no_other_one_small() -> None:
    cluster = Cluster()
    cluster.errors["a"] = REFUSAL
    cluster.claims.grow("default", Grow((("a", "2Gi"), ("b", "2Gi"))))
    assert cluster.sizes == {"a": "1Gi", "b": "2Gi"}
    assert cluster.refusals() == ["exceeded quota: room", ""]


def test_a_refusal_is_forgotten_after_a_minute_or_with_its_service() -> None:
    cluster = Cluster()
    cluster.errors["a"] = REFUSAL
    cluster.claims.grow("default", Grow((("a", "2Gi"),)))
    cluster.now = 59
    assert cluster.refusals()[0]
    cluster.now = 60
    assert not cluster.refusals()[0], "somebody may have made room"
    cluster.claims.grow("default", Grow((("a", "2Gi"),)))
    cluster.claims.forget("default", lambda name: name == "a")
    assert not cluster.refusals()[0]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_api_server_in_trouble_has_refused_nothing(status: int) -> None:
    cluster = Cluster()
    cluster.errors["a"] = ApiError(status, "Trouble", "later")
    with pytest.raises(ApiError):
        cluster.claims.grow("default", Grow((("a", "2Gi"),)))
    assert cluster.refusals() == ["", ""]
