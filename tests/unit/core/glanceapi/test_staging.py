"""When what was staged on pods may be lost, and what is said then."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.core.glanceapi.views import view

from glance_operator.core import manifests
from glance_operator.core.glanceapi import staging
from glance_operator.core.glanceapi.drawing import draw


@pytest.mark.parametrize(
    ("volume", "lost"),
    [
        (None, True),
        ({}, True),
        ({"emptyDir": {"sizeLimit": "1Gi"}}, True),
        ({"ephemeral": {"size": "1Gi"}}, True),
        ({"pvc": {"claimName": "staging"}}, False),
        ({"nfs": {"inline": {"server": "nfs", "path": "/staging"}}}, False),
    ],
)
def test_a_volume_of_its_own_ends_with_its_pod(volume: dict[str, Any] | None, lost: bool) -> None:
    of = view({"staging": volume} if volume is not None else {})
    assert staging.per_pod(manifests.objects(draw(of).of)[-1]) is lost


def stateful_set(replicas: int, image: str = "glance:33") -> dict[str, Any]:
    return {"spec": {"replicas": replicas, "template": {"spec": {"containers": [{"image": image}]}}}}


def test_pods_go_when_there_will_be_fewer_or_others() -> None:
    assert staging.takes_pods_away(stateful_set(2), stateful_set(1))
    assert staging.takes_pods_away(stateful_set(2), stateful_set(3, "glance:34"))
    assert not staging.takes_pods_away(stateful_set(2), stateful_set(2))
    assert not staging.takes_pods_away(stateful_set(2), stateful_set(3))


def test_some_are_named() -> None:
    assert staging.words(["a", "b"]).endswith("not imported yet: a, b")
    assert staging.words([str(n) for n in range(11)]).endswith("8, 9, and more")
