"""Who shares a database, found in Secrets; whoever may use it counts, until it is known that he does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.core import manifests
from glance_operator.core.inputs import Input
from glance_operator.core.workload import Job, Pod
from glance_operator.runtime.peers import Peers
from glance_operator.runtime.store import Body, Key, Store

KEY = Key("GlanceAPI", "images", "own")
DATABASE = "mysql+pymysql://{}:s3cret@{}/glance"


def spec(secret: str, **database: Any) -> dict[str, Any]:
    given = {"connectionSecretRef": {"name": secret, "key": "connection"}, **database}
    return {"database": given, "auth": {"trusted": {}}}


class Town:
    """GlanceAPIs with their Secrets, and the pods and jobs that are found beside them."""

    def __init__(self) -> None:
        self.store, self.secrets = Store(), {"own": DATABASE.format("own", "db")}
        self.pods: list[str] = []
        self.jobs: list[str] = []
        world = SimpleNamespace(
            store=self.store,
            settings=SimpleNamespace(glance_image="glance:33"),
            inputs=SimpleNamespace(read=self.read),
            objects=SimpleNamespace(find=self.find),
        )
        self.peers = Peers(cast("Any", world))

    def add(
        self, name: str, body: dict[str, Any] | None = None, connection: str = "", namespace: str = "images"
    ) -> None:
        meta = {"uid": f"{namespace}-{name}", "resourceVersion": "1", "namespace": namespace, "name": name}
        meta["creationTimestamp"] = "2026-01-01T00:00:00Z"
        key = Key("GlanceAPI", namespace, name)
        self.store.put(key, {"kind": "GlanceAPI", "metadata": meta, "spec": body or spec(name)})
        if connection:
            self.secrets[name] = connection

    def read(self, namespace: str, wanted: list[Input]) -> dict[tuple[str, str], dict[str, str] | None]:
        known = {one.source: self.secrets.get(one.name) for one in wanted}
        return {source: {"connection": text} if text else None for source, text in known.items()}

    def find(self, kind: str, namespace: str, labelSelector: str) -> list[Body]:  # noqa: N803
        return [pod(name) for name in self.pods] if kind == "Pod" else [job(name) for name in self.jobs]

    def around(self, jobs: dict[str, Job] | None = None, **database: Any) -> dict[str, Any]:
        return self.peers.around(KEY, GlanceAPISpec.model_validate(spec("own", **database)), "glance:33", jobs or {})


def pod(service: str) -> Body:
    meta = {"name": f"{service}-0", "labels": {"app.kubernetes.io/instance": service}}
    return {"metadata": meta, "spec": {"containers": [{"name": "glance-api", "image": "glance:32"}]}}


def job(name: str) -> Body:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}


@pytest.fixture
def town() -> Town:
    return Town()


def names(found: tuple[Pod, ...]) -> list[str]:
    return [one.name for one in found]


def test_peers_are_those_on_the_same_database_of_the_same_namespace(town: Town) -> None:
    town.add("own")
    town.add("edge", spec("edge", manageSchema=False), DATABASE.format("edge", "db.images.svc:3306"))
    town.add("other", connection=DATABASE.format("other", "elsewhere"))
    town.add("far", connection=DATABASE.format("far", "db"), namespace="far")
    town.add("trial", {"database": {"sqlite": {}}, "auth": {"trusted": {}}})
    town.add("wrong", {"database": {}})
    (peer,) = town.around()["peers"]
    assert (peer.name, peer.image, peer.owner) == ("edge", "glance:33", False)


def test_pods_count_until_it_is_known_that_they_use_another_database(town: Town) -> None:
    town.add("edge", connection=DATABASE.format("edge", "db"))
    town.add("other", connection=DATABASE.format("other", "elsewhere"))
    town.add("trial", {"database": {"sqlite": {}}, "auth": {"trusted": {}}})
    town.add("riddle")
    town.pods = ["edge", "other", "trial", "riddle", "gone"]
    assert names(town.around()["foreign"]) == ["edge-0", "riddle-0", "gone-0"]


def test_nobody_is_looked_for_once_all_is_contracted(town: Town) -> None:
    town.pods = ["gone"]
    name = manifests.schema_job("own", "contract", "glance:33", "db/glance")
    assert "foreign" not in town.around({name: Job(name, "database", done=True)})
    assert "foreign" in town.around({name: Job(name, "database")})
    assert "foreign" not in town.around(manageSchema=False)


def test_a_follower_learns_from_its_owners_jobs_whether_the_schema_is_prepared(town: Town) -> None:
    town.add("owner", connection=DATABASE.format("owner", "db"))
    assert not town.around(manageSchema=False)["peers"][0].prepared
    town.jobs = [manifests.schema_job("owner", "prepare", "glance:32", "db/glance")]
    assert not town.around(manageSchema=False)["peers"][0].prepared, "for another image"
    town.jobs.append(manifests.schema_job("owner", "prepare", "glance:33", "db/glance"))
    assert town.around(manageSchema=False)["peers"][0].prepared


def test_without_a_connection_nobody_is_looked_for(town: Town) -> None:
    town.secrets.clear()
    assert town.around() == {}
