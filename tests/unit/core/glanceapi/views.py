"""Views of a GlanceAPI in the states that it goes through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.unit.core.config.services import store

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.core import config
from glance_operator.core.glanceapi import decide
from glance_operator.core.glanceapi.drawing import draw
from glance_operator.core.glanceapi.observed import Member, View
from glance_operator.core.manifests import names
from glance_operator.core.plan import Plan
from glance_operator.core.workload import Job, Object, Pod, Workload

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONNECTION = "mysql+pymysql://glance:s3cret@mariadb/glance"
SPEC: dict[str, Any] = {
    "replicas": 2,
    "database": {"connectionSecretRef": {"name": "db", "key": "connection"}},
    "auth": {"trusted": {}},
}
FOUND = {("Secret", "db"): {"connection": CONNECTION}}


def member(name: str, **parts: Any) -> Member:
    proven = store(parts.get("id", name), "file", {"pvc": {"claimName": name}})
    return Member(**{"name": name, "id": name, "proven": proven, "hash": "0a1b", "usable": True, **parts})


def view(spec: dict[str, Any] | None = None, **parts: Any) -> View:
    """All that it needs is there; nothing has been made of it yet."""
    given: dict[str, Any] = {
        "namespace": "images",
        "name": "glance",
        "uid": "6f0c",
        "generation": 1,
        "now": NOW,
        "image": "registry.example.org/glance:33",
        "finalized": True,
        "members": (member("central"),),
        "found": FOUND,
    }
    return View(spec=GlanceAPISpec.model_validate({**SPEC, **(spec or {})}), **{**given, **parts})


def plan(of: View) -> Plan:
    return decide(of)[1]


def everything(_: Object) -> bool:
    return True


def but(kind: str) -> Callable[[Object], bool]:
    """All objects are in place, but those of that kind."""
    return lambda one: one["kind"] != kind


def done(of: View, *without: str) -> View:
    """The jobs of this configuration have succeeded, but for those with these components or phases in their names."""
    wanted = [name for name in names(draw(of).of) if not any(f"-{word}-" in name for word in without)]
    return replace(of, jobs={name: Job(name, _component(name), done=True) for name in wanted})


def _component(name: str) -> str:
    return "preflight" if "-preflight-" in name else "database"


def running(of: View, *, ready: int = 2, current: int = 2) -> View:
    """Its pods, of which so many serve and so many have the present configuration."""
    drawn = draw(of).of
    workload = Workload(of.spec.replicas, drawn.config, of.image, noticed=True, current=current, ready=ready)
    policy = config.digest({"policy": draw(of).policy})
    pods = tuple(
        Pod(f"glance-{n}", "api", ready=n < ready, config=drawn.config, image=of.image, policy=policy)
        for n in range(of.spec.replicas)
    )
    return replace(of, workload=workload, pods=pods)
