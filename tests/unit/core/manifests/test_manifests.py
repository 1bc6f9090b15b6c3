"""The objects of a GlanceAPI: compared with what was once looked at, and what has to be true of all of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.unit.core.config.services import CEPH, KEYSTONE, LOCAL, SERVICES, service
from tests.unit.core.manifests.blueprints import BLUEPRINTS, blueprint

from glance_operator.core.manifests import Blueprint, Object, database_job, objects, preflight_job, probe_job
from glance_operator.core.manifests.pods import LEAVING

GOLDEN = Path(__file__).parent / "golden"


def everything(of: Blueprint) -> list[Object]:
    return [*objects(of), database_job(of, "prepare")]


def found(of: Blueprint, kind: str) -> list[Object]:
    return [one for one in everything(of) if one["kind"] == kind]


def served(of: Blueprint) -> Object:
    """The pods that serve."""
    spec: Object = found(of, "StatefulSet")[0]["spec"]["template"]["spec"]
    return spec


def pods(of: Blueprint) -> Iterator[Object]:
    """The spec of every pod that comes of it."""
    for one in everything(of):
        spec = one.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield spec["template"]["spec"]


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_the_objects_are_those_that_were_looked_at(name: str) -> None:
    """After a change that is meant: UPDATE_GOLDEN=1 writes them anew; then read the diff."""
    text = yaml.safe_dump_all(json.loads(json.dumps(everything(BLUEPRINTS[name]))), sort_keys=False, width=120)
    file = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_all_of_it_but_data_goes_with_its_owner_and_stays_in_its_namespace(name: str) -> None:
    of = BLUEPRINTS[name]
    for one in everything(of):
        meta, data = one["metadata"], one["kind"] == "PersistentVolumeClaim"
        assert [owner["uid"] for owner in meta.get("ownerReferences", ())] == ([] if data else [of.uid])
        assert meta["namespace"] == of.namespace


def test_no_service_sends_requests_to_a_job() -> None:
    of = BLUEPRINTS["everything"]
    job = database_job(of, "prepare")["spec"]["template"]["metadata"]["labels"].items()
    for one in found(of, "Service"):
        assert not one["spec"]["selector"].items() <= job


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_each_mount_has_its_volume_and_each_name_is_used_once(name: str) -> None:
    for pod in pods(BLUEPRINTS[name]):
        volumes = [volume["name"] for volume in pod["volumes"]]
        assert len(volumes) == len(set(volumes))
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)


def test_the_order_in_which_stores_are_found_makes_no_difference() -> None:
    one, other = service(CEPH, LOCAL, default="ceph"), service(LOCAL, CEPH, default="ceph")
    assert objects(blueprint(one)) == objects(blueprint(other))


def test_one_replica_has_no_budget_that_would_hold_up_a_drain() -> None:
    assert found(blueprint(service(LOCAL)), "PodDisruptionBudget") == []
    assert found(BLUEPRINTS["shared"], "PodDisruptionBudget")[0]["spec"]["maxUnavailable"] == 1


def test_a_stopping_pod_has_time_for_its_imports_after_everybody_knows() -> None:
    pod = served(blueprint(service(LOCAL, drainTimeout="2m")))
    assert pod["terminationGracePeriodSeconds"] == 120 + LEAVING
    assert pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][-1].endswith(f"sleep {LEAVING}")


def test_life_is_not_asked_of_what_slow_uploads_hold_up() -> None:
    container = served(BLUEPRINTS["trial"])["containers"][0]
    assert "/healthcheck" not in json.dumps(container["livenessProbe"])
    assert container["readinessProbe"]["httpGet"]["path"] == "/healthcheck"


def test_a_probe_of_the_user_is_laid_over_ours_and_asks_in_one_way() -> None:
    probes = {"liveness": {"tcpSocket": {"port": 9292}}, "readiness": {"periodSeconds": 7}}
    ours = served(blueprint(service(LOCAL)))["containers"][0]
    theirs = served(blueprint(service(LOCAL, pod={"probes": probes})))["containers"][0]
    assert theirs["startupProbe"] == ours["startupProbe"]
    assert theirs["readinessProbe"] == {**ours["readinessProbe"], "periodSeconds": 7}
    kept = {name: value for name, value in ours["livenessProbe"].items() if name != "exec"}
    assert theirs["livenessProbe"] == {**kept, "tcpSocket": {"port": 9292}}


CACHE = {"maxSize": "1Gi", "volumeSize": "1Gi"}


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"auth": {"keystone": KEYSTONE}}, True),
        ({"auth": {"keystone": KEYSTONE}, "staging": {"ephemeral": {"size": "1Gi"}}}, True),
        ({"auth": {"keystone": KEYSTONE}, "staging": {"pvc": {"size": "1Gi"}}}, False),
        ({"auth": {"keystone": KEYSTONE}, "staging": {"pvc": {"size": "1Gi"}}, "cache": CACHE}, True),
        ({}, False),
        ({"cache": CACHE}, True),
    ],
)
def test_a_pod_gives_its_name_where_it_alone_has_something_and_may_be_asked_for_it(spec: Object, named: bool) -> None:
    container = served(blueprint(service(LOCAL, **spec)))["containers"][0]
    assert ("OS_DEFAULT__WORKER_SELF_REFERENCE_URL" in {one["name"] for one in container["env"]}) == named


def test_jobs_have_what_the_user_adds_to_the_environment_and_another_one_is_proven_anew() -> None:
    more: Object = {
        "env": [{"name": "OS_DEFAULT__DEBUG", "value": "true"}],
        "volumes": [{"name": "ca", "emptyDir": {}}],
    }
    plain, of = (blueprint(service(LOCAL, pod=pod)) for pod in (None, more))
    job = preflight_job(of)
    pod = job["spec"]["template"]["spec"]
    assert more["env"][0] in pod["containers"][0]["env"]
    assert more["volumes"][0] in pod["volumes"]
    assert job["metadata"]["name"] != preflight_job(plain)["metadata"]["name"]


def test_a_job_waits_for_no_volume_that_it_does_not_open() -> None:
    """The claim of a trial's database is made when a store has been proven."""
    of = blueprint(service(LOCAL), owner=("GlanceStore", "local", "uid"))
    claims = {
        job["metadata"]["name"]: [
            volume["persistentVolumeClaim"]["claimName"]
            for volume in job["spec"]["template"]["spec"]["volumes"]
            if "persistentVolumeClaim" in volume
        ]
        for job in (probe_job(of), preflight_job(of), database_job(of, "prepare"))
    }
    assert list(claims.values()) == [["images"], ["glance-database", "images"], ["glance-database"]]


def test_trusted_lets_in_only_those_named() -> None:
    peers = found(BLUEPRINTS["shared"], "NetworkPolicy")[0]["spec"]["ingress"][0]["from"]
    assert {"podSelector": {}} not in peers
    assert {"podSelector": {"matchLabels": {"app": "nova"}}} in peers
    assert len(peers) == 4, "itself, the operator, its transfers, and those named"


def test_who_manages_no_schema_purges_nothing() -> None:
    assert found(BLUEPRINTS["shared"], "CronJob") == []
    assert found(BLUEPRINTS["trial"], "CronJob")


def test_no_secret_of_a_store_is_in_any_object() -> None:
    text = json.dumps(everything(replace(BLUEPRINTS["everything"], stores=SERVICES["production"].stores)))
    assert not [word for word in ("AQ==", "AR==", "s3cret", "SK$", "PEM") if word in text]
