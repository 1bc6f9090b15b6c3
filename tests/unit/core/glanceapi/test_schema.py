"""Several GlanceAPIs on one database: one changes its schema, the others wait for it, and it for their pods."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.glanceapi.test_status import said
from tests.unit.core.glanceapi.views import CONNECTION, NOW, SPEC, but, done, everything, plan, running, view

from glance_operator.core.conditions import find
from glance_operator.core.glanceapi.drawing import draw
from glance_operator.core.glanceapi.observed import Peer, View
from glance_operator.core.glanceapi.schema import place
from glance_operator.core.manifests import check_job, database_name
from glance_operator.core.plan import Phase
from glance_operator.core.workload import Apply, Job, Pod, Remove

OLD, NEW = "registry.example.org/glance:33", "registry.example.org/glance:34"
OWNER = Peer("central", "2025-01-01T00:00:00Z", OLD, owner=True, prepared=True)
FOLLOWER = Peer("edge", "2025-01-01T00:00:00Z", OLD, owner=False)
ELSEWHERE = {"database": {**SPEC["database"], "manageSchema": False}}


def follower(*peers: Peer, **parts: Any) -> View:
    """Everything but the StatefulSet is there; its own proof has succeeded."""
    return done(view(ELSEWHERE, **{"in_place": but("StatefulSet"), "peers": peers, **parts}), "prepare", "contract")


def owner(**parts: Any) -> View:
    """Its own pods run with the new image, and nothing is left but the contraction."""
    return running(done(view(**{"image": NEW, "in_place": everything, "peers": (FOLLOWER,), **parts}), "contract"))


def database(of: View) -> tuple[str, str, str]:
    told = find(said(of)["conditions"], "DatabaseReady")
    return told["status"], told["reason"], told["message"]


# Who waits for whom


def test_a_follower_waits_until_the_owner_has_prepared_the_schema_for_its_image() -> None:
    of = follower(replace(OWNER, prepared=False))
    assert plan(of).step is None
    status, reason, message = database(of)
    assert (status, reason) == ("False", "WaitingForSchema")
    assert f"GlanceAPI central manages the schema of this database and has not prepared it for {OLD} yet" in message
    of = follower(OWNER)
    assert isinstance(plan(of).step, Apply)
    assert database(of)[:2] == ("True", "SchemaManagedElsewhere")


def test_that_the_owner_is_suspended_is_said() -> None:
    assert "central (it is suspended)" in database(follower(replace(OWNER, prepared=False, suspended=True)))[2]


@pytest.mark.parametrize("peers", [(), (FOLLOWER,), (replace(OWNER, image=NEW),)])
def test_where_nobody_prepares_it_for_this_image_glance_is_asked(peers: tuple[Peer, ...]) -> None:
    of = follower(*peers)
    name = checking(of)
    assert plan(of).state.reason == "WaitingForSchema"
    assert isinstance(plan(replace(of, jobs={**of.jobs, name: Job(name, "database", done=True)})).step, Apply)

    words = "Your database is not up to date. Your first step is to run `glance-manage db expand`."
    failed = Job(name, "database", failed=True, ended=NOW)
    of = replace(of, jobs={**of.jobs, name: failed}, pods=(Pod("x", "database", job=name, words=words),))
    status, reason, message = database(of)
    assert (status, reason) == ("False", "WaitingForSchema")
    assert words in message
    assert ("GlanceAPI central manages" if len(peers) and peers[0].owner else "somebody outside") in message
    assert plan(replace(of, now=NOW + timedelta(seconds=10))).step is None, "not every few seconds"
    again = plan(replace(of, now=NOW + timedelta(minutes=6))).step
    assert isinstance(again, Remove)
    assert again.objects == (("Job", name),)


def checking(of: View) -> str:
    step = plan(of).step
    assert isinstance(step, Apply)
    (job,) = step.objects
    return str(job["metadata"]["name"])


def test_it_is_asked_anew_when_the_owner_has_another_image() -> None:
    of = draw(follower()).of
    assert len({check_job(of, image)["metadata"]["name"] for image in ("", OLD, NEW)}) == 3


def test_pods_that_run_with_this_image_are_not_held_up() -> None:
    """Another configuration, fewer replicas: nothing of it needs another schema."""
    of = running(follower(replace(OWNER, prepared=False)))
    assert isinstance(plan(of).step, Apply)


def test_nobody_here_manages_the_schema() -> None:
    assert "left to somebody outside" in database(running(follower(in_place=everything)))[2]


# When what the old code needed may go


def test_the_schema_is_contracted_when_the_last_old_pod_of_all_services_is_gone() -> None:
    old = Pod("edge-0", "api", image=OLD)
    of = owner(foreign=(old, Pod("edge-1", "api", image=NEW)))
    assert plan(of).state.phase is Phase.READY, "others that depend on it may go on"
    status, reason, message = database(of)
    assert (status, reason) == ("True", "ContractionAwaited")
    assert message == f"The schema is contracted when these pods run {NEW}, too, or are gone: edge-0"
    of = replace(of, foreign=(replace(old, image=NEW),))
    step = plan(of).step
    assert isinstance(step, Apply)
    assert step.objects[0]["metadata"]["name"] == database_name(draw(of).of, "contract")


def test_an_image_that_admission_has_renamed_is_no_older_one() -> None:
    of = owner()
    mirrored = "mirror.example.org/glance:34"
    of = replace(of, pods=tuple(replace(pod, image=mirrored) for pod in of.pods))
    assert isinstance(plan(replace(of, foreign=(Pod("edge-0", "api", image=mirrored),))).step, Apply)


def test_what_has_been_contracted_is_not_awaited_any_more() -> None:
    of = running(done(owner(foreign=(Pod("late-0", "api", image=OLD),))))
    assert database(of)[:2] == ("True", "DatabaseReady")


# Two who say that it is theirs


@pytest.mark.parametrize(
    ("born", "name", "stalled"),
    [("2024-01-01T00:00:00Z", "z", True), ("2026-01-01T00:00:00Z", "a", False), ("2025-06-01T00:00:00Z", "a", True)],
)
def test_the_younger_of_two_owners_changes_nothing_and_its_pods_run_on(born: str, name: str, stalled: bool) -> None:
    rival = Peer(name, born, OLD, owner=True)
    of = running(done(view(in_place=everything, born="2025-06-01T00:00:00Z", peers=(rival,)), "prepare", "contract"))
    assert (plan(of).state.reason == "SchemaOwnedTwice") is stalled
    assert isinstance(plan(of).step, Apply) is not stalled
    if stalled:
        assert plan(of).state.phase is Phase.STALLED
        assert name in database(of)[2]
        assert find(said(of)["conditions"], "WorkloadReady")["status"] == "True"


# Which database it is

PLACE = ("mariadb", "3306", "glance")


@pytest.mark.parametrize(
    ("connection", "told"),
    [
        (CONNECTION, PLACE),
        ("mysql+pymysql://other:p%40ss@mariadb:3306/glance?charset=utf8", PLACE),
        ("mysql+pymysql://glance:s3cret@MariaDB.images.svc.cluster.local/glance", PLACE),
        ("mysql+pymysql://glance:s3cret@mariadb.images/glance", PLACE),
        ("mysql+pymysql://glance:s3cret@mariadb.other.svc/glance", ("mariadb.other", "3306", "glance")),
        ("mysql+pymysql://glance:s3cret@mariadb/other", ("mariadb", "3306", "other")),
        ("postgresql://db/glance", ("db", "5432", "glance")),
        ("mysql://u:p@[2001:db8::1]/glance", ("[2001:db8::1]", "3306", "glance")),
        ("mysql://u:p@[2001:db8::1]:33/glance", ("[2001:db8::1]", "33", "glance")),
        ("no connection at all", ("no connection at all", "", "")),
    ],
)
def test_a_database_is_known_by_host_port_and_name(connection: str, told: tuple[str, str, str]) -> None:
    assert place(connection, "images") == told
