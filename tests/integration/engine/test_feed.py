"""The whole machinery on a real API server, in fair weather: what it sees, what it costs, and what it leaves alone."""

import time
from collections.abc import Iterator

import pytest
from tests.integration.engine.cluster import Cluster, message, recorded
from tests.integration.engine.operators import Operator, Operators
from tests.support import eventually

from glance_operator.runtime.kube import Kube
from glance_operator.runtime.rest import Request
from sandbox_kit.control_plane import ControlPlane

FINALIZER = "glance-operator.io/image"
OBJECTS = 30


@pytest.fixture
def operator(operators: Operators, cluster: Cluster) -> Operator:
    """An operator that has handled 30 objects."""
    for number in range(OBJECTS):
        cluster.create(f"i{number}")
    operator = operators.start("first")
    eventually(lambda: all(map(recorded, cluster.all())))
    return operator


def patches(operator: Operator) -> float:
    """Writes on our objects since its start."""
    return sum(value for name, value in operator.metrics().items() if "_requests_total" in name and '"PATCH"' in name)


def test_one_write_an_object_and_no_trace_but_the_status(operator: Operator, cluster: Cluster) -> None:
    """kopf, which is only the feed, must add neither annotations nor finalizers nor Events."""
    assert patches(operator) == OBJECTS
    for body in cluster.all():
        assert not body["metadata"].get("annotations")
        assert not body["metadata"].get("finalizers")
    events = f"/apis/events.k8s.io/v1/namespaces/{cluster.namespace}/events"
    assert cluster.kube.transport.call(Request("GET", events))["items"] == []


def test_a_restart_writes_nothing(operator: Operator, operators: Operators, cluster: Cluster) -> None:
    operator.end()
    again = operators.start("second", leader_elect=False)
    eventually(again.ready)
    cluster.create("new")
    eventually(lambda: message(cluster.get("new")).startswith("second 1 "))
    assert patches(again) == 1


def test_changes_and_deletions_are_seen_at_once(operator: Operator, cluster: Cluster) -> None:
    began = time.monotonic()
    cluster.patch("i0", {"spec": {"hidden": True}})
    cluster.patch("i1", {"metadata": {"finalizers": [FINALIZER]}})
    cluster.delete("i1")
    eventually(lambda: recorded(cluster.get("i0") or {"metadata": {"generation": 0}}), timeout=5, interval=0.02)
    eventually(lambda: cluster.get("i1") is None, timeout=5, interval=0.02)
    assert time.monotonic() - began < 3


def test_an_annotation_of_others_is_no_reason_to_work(operator: Operator, cluster: Cluster) -> None:
    cluster.patch("i0", {"metadata": {"annotations": {"example.org/tool": "was here"}}})
    cluster.patch("i1", {"spec": {"hidden": True}})
    eventually(lambda: message(cluster.get("i1")).startswith(f"first {OBJECTS + 1} "))
    assert patches(operator) == OBJECTS + 1


def test_the_retry_annotation_is_a_reason(operator: Operator, cluster: Cluster) -> None:
    cluster.patch("i0", {"metadata": {"annotations": {"glance-operator.io/retry": "now"}}})
    eventually(lambda: message(cluster.get("i0")).startswith(f"first {OBJECTS + 1} "))


class TestNamespaces:
    """One operator for two namespaces of three."""

    @pytest.fixture
    def others(self, kube: Kube, control_plane: ControlPlane, namespace: str) -> Iterator[tuple[Cluster, Cluster]]:
        names = [f"{namespace}-served", f"{namespace}-foreign"]
        for name in names:
            control_plane.run_kubectl("create", "namespace", name)
        yield Cluster(kube, names[0]), Cluster(kube, names[1])
        control_plane.run_kubectl("delete", "namespace", *names, "--wait=false")

    def test_only_those_named_are_served(
        self, operators: Operators, cluster: Cluster, others: tuple[Cluster, Cluster]
    ) -> None:
        served, foreign = others
        for one in (foreign, served, cluster):
            one.create("a")
        operators.start("two", watch_namespaces=f"{cluster.namespace},{served.namespace}")
        for one in (cluster, served):
            eventually(lambda one=one: message(one.get("a")))  # type: ignore[misc]
        assert message(foreign.get("a")) == ""

    def test_none_named_means_all(
        self, operators: Operators, cluster: Cluster, others: tuple[Cluster, Cluster]
    ) -> None:
        for one in (*others, cluster):
            one.create("a")
        operators.start("all", watch_namespaces="")
        for one in (*others, cluster):
            eventually(lambda one=one: message(one.get("a")))  # type: ignore[misc]


def test_an_operator_without_rights_says_so_and_waits(
    control_plane: ControlPlane, operators: Operators, cluster: Cluster
) -> None:
    """403 everywhere: it neither ends nor floods; with the rights it goes on."""
    nobody = Operators(operators.directory, control_plane.kubeconfig_for("nobody"), cluster.namespace)
    try:
        operator = nobody.start("nobody", leader_elect=False)
        eventually(lambda: "403" in operator.text())
        assert not operator.ready()
        assert operator.ask("/healthz") == (200, "ok\n")
        cluster.create("a")
        role = ("clusterrolebinding", f"nobody-{cluster.namespace}")
        control_plane.run_kubectl("create", *role, "--clusterrole=cluster-admin", "--user=nobody")
        try:
            eventually(lambda: message(cluster.get("a")))
        finally:
            control_plane.run_kubectl("delete", *role)
        assert len(operator.text().splitlines()) < 40
    finally:
        nobody.end()
