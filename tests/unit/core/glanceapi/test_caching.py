"""The caches of a service's pods: when they are tended, and what is said when that fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.glanceapi.caches import CACHE, LATER, serving
from tests.unit.core.glanceapi.views import NOW, done, everything, plan, running, view

from glance_operator.core.conditions import find
from glance_operator.core.glanceapi import caching, decide
from glance_operator.core.glanceapi.caching import TendCache
from glance_operator.core.glanceapi.observed import Care, Memory, View
from glance_operator.core.glanceapi.status import recall, status
from glance_operator.core.plan import Phase


def test_each_pod_is_tended_when_its_time_has_come() -> None:
    of = serving()
    url = "http://glance-0.glance-pods.images.svc.cluster.local:9292"
    assert plan(of).step == TendCache("glance-0", "u0", url, clear=False)
    of = replace(of, care={"u0": LATER["u0"]})
    assert getattr(plan(of).step, "pod", "") == "glance-1"
    assert plan(replace(of, care=LATER)).state.phase is Phase.READY
    assert plan(replace(of, care=LATER, now=NOW + timedelta(seconds=1))).step


def test_a_new_pod_is_cleared_of_what_an_earlier_one_had() -> None:
    of = replace(serving(cleared=False), care={"u0": LATER["u0"]})
    step = plan(of).step
    assert isinstance(step, TendCache)
    assert (step.pod, step.clear) == ("glance-1", True)
    assert caching.to_be_cleared(of)
    assert not caching.to_be_cleared(replace(of, care=LATER)), "it was tried"


@pytest.mark.parametrize("changes", [{"ready": False}, {"leaving": True}, {"caching": False}])
def test_others_are_left_alone(changes: dict[str, Any]) -> None:
    of = replace(serving(**changes), care={"u0": LATER["u0"]})
    assert not isinstance(plan(of).step, TendCache)


def test_nobody_is_asked_before_the_status_tells_where_it_serves() -> None:
    of = serving()
    assert not isinstance(plan(replace(of, memory=Memory())).step, TendCache)
    assert recall({"status": {"endpoint": "http://x", "readyReplicas": 1}}).serving
    assert not recall({"status": {"endpoint": "http://x"}}).serving


def test_it_goes_on_whatever_else_is_awaited() -> None:
    assert isinstance(plan(replace(serving(), found={})).step, TendCache)
    assert not isinstance(plan(replace(serving({"suspend": True}), found={})).step, TendCache)


def test_after_a_failure_the_next_attempt_comes_soon() -> None:
    of = serving()
    assert caching.next_time(of) == Care(NOW + timedelta(minutes=10))
    assert caching.next_time(of, "refused") == Care(NOW + timedelta(minutes=1), "refused")
    quick = serving({"cache": {**CACHE["cache"], "maintenanceInterval": "10s"}})
    assert caching.next_time(quick, "refused").due == NOW + timedelta(seconds=10)


def test_a_failure_is_told_and_stops_nothing() -> None:
    care = {"u0": LATER["u0"], "u1": replace(LATER["u1"], trouble="HTTP 500: no")}
    of = replace(serving(), care=care)
    drawn, decided = decide(of)
    assert decided.state.phase is Phase.READY
    told = status(of, drawn, decided, {"metadata": {"generation": 1}})
    housekeeping = find(told["conditions"], "HousekeepingReady")
    assert (housekeeping["status"], housekeeping["reason"]) == ("False", "CacheMaintenanceFailed")
    assert housekeeping["message"] == "Caches: glance-1: HTTP 500: no"
    away = replace(of, pods=(of.pods[0], replace(of.pods[1], ready=False)))
    assert caching.troubles(away) == [], "that it is away is said elsewhere"


def test_the_status_tells_whose_cache_may_be_filled() -> None:
    of = replace(serving(cleared=False), care=LATER)
    drawn, decided = decide(of)
    nodes = status(of, drawn, decided, {"metadata": {"generation": 1}})["nodes"]
    assert [node["cacheReady"] for node in nodes] == [True, False]
    of = replace(of, pods=tuple(replace(pod, caching=False) for pod in of.pods))
    nodes = status(of, *decide(of), {"metadata": {"generation": 1}})["nodes"]
    assert all("cacheReady" not in node for node in nodes)


def test_the_status_tells_the_size_that_the_pods_know() -> None:
    def size(of: View, before: dict[str, Any]) -> object:
        body = {"metadata": {"generation": 1}, "status": before}
        return status(of, *decide(of), body).get("cacheMaxSize")

    of = replace(serving(), care=LATER)
    assert size(of, {}) == "1Gi"
    larger = replace(of, spec=serving({"cache": {"maxSize": "2Gi", "volumeSize": "2Gi"}}).spec)
    assert size(larger, {"cacheMaxSize": "1Gi"}) == "1Gi", "it is not rolled out yet"
    assert size(replace(of, spec=view().spec), {"cacheMaxSize": "1Gi"}) == "1Gi"
    without = running(done(replace(view(), in_place=everything)))
    assert size(without, {"cacheMaxSize": "1Gi"}) is None
