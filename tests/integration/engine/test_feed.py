"""The whole machinery on a real API server, in fair weather: what it sees, what it costs, and what it leaves alone."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.engine.cluster import Cluster, message, recorded
from tests.integration.engine.operators import Operator, Operators
from tests.support import eventually

from glance_operator.runtime.kube import Kube
from glance_operator.runtime.rest import Request
from sandbox_kit.control_plane import ControlPlane

FINALIZER = "glance-operator.io/image"
OBJECTS = 30


class Served:
    """An operator that has handled 30 objects of one namespace, and both."""

    def __init__(self, operators: Operators, cluster: Cluster) -> None:
        self.operators, self.cluster = operators, cluster
        for number in range(OBJECTS):
            cluster.create(f"i{number}")
        self.operator = operators.start("first")
        eventually(lambda: all(map(recorded, cluster.all())))


def patches(operator: Operator) -> float:
    """Its writes on our objects that were answered; a write is seen in the object a little before it is counted."""
    counts = operator.metrics().items()
    return sum(value for name, value in counts if "requests_total{" in name and '"PATCH"' in name)


@pytest.fixture(scope="module")
def served(
    kube: Kube, kubeconfig: Path, control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """One for all tests that do not mind each other."""
    name = f"served-{uuid.uuid4().hex[:8]}"
    control_plane.run_kubectl("create", "namespace", name)
    operators = Operators(tmp_path_factory.mktemp("served"), kubeconfig, name)
    try:
        yield Served(operators, Cluster(kube, name))
    finally:
        operators.end()
        control_plane.run_kubectl("delete", "namespace", name, "--wait=false")


def test_one_write_an_object_and_no_trace_but_the_status(served: Served) -> None:
    """kopf, which is only the feed, must add neither annotations nor finalizers nor Events."""
    eventually(lambda: patches(served.operator) == OBJECTS)
    for body in served.cluster.all():
        assert not body["metadata"].get("annotations")
        assert not body["metadata"].get("finalizers")
    events = f"/apis/events.k8s.io/v1/namespaces/{served.cluster.namespace}/events"
    assert served.cluster.kube.transport.call(Request("GET", events))["items"] == []


def test_changes_and_deletions_are_seen_at_once(served: Served) -> None:
    cluster = served.cluster
    cluster.patch("i1", {"metadata": {"finalizers": [FINALIZER]}})
    began = time.monotonic()
    cluster.patch("i0", {"spec": {"hidden": True}})
    cluster.delete("i1")
    eventually(lambda: recorded(cluster.get("i0") or {"metadata": {"generation": 0}}), timeout=5, interval=0.02)
    eventually(lambda: cluster.get("i1") is None, timeout=5, interval=0.02)
    assert time.monotonic() - began < 3


def test_an_annotation_of_others_is_no_reason_to_work(served: Served) -> None:
    """It comes before a change on the same watch: when the change is done, nothing was done for the annotation."""
    cluster = served.cluster
    before = message(cluster.get("i2"))
    cluster.patch("i2", {"metadata": {"annotations": {"example.org/tool": "was here"}}})
    cluster.patch("i3", {"spec": {"hidden": True}})
    eventually(lambda: recorded(cluster.get("i3") or {"metadata": {"generation": 0}}))
    assert message(cluster.get("i2")) == before


def test_the_retry_annotation_is_a_reason(served: Served) -> None:
    before = message(served.cluster.get("i4"))
    served.cluster.patch("i4", {"metadata": {"annotations": {"glance-operator.io/retry": "now"}}})
    eventually(lambda: message(served.cluster.get("i4")) != before)
    served.cluster.patch("i4", {"metadata": {"annotations": None}})


def test_a_restart_writes_nothing(served: Served) -> None:
    """Objects at rest are looked at again at a random time within `resync`: a week, so that it is not during the test.

    (The recorder writes at every look, which the controllers do not.)
    """
    served.operator.end()
    again = served.operators.start("second", leader_elect=False, resync=7 * 86400)
    eventually(again.ready)
    served.cluster.create("new")
    eventually(lambda: message(served.cluster.get("new")))
    told = {body["metadata"]["name"]: message(body) for body in served.cluster.all()}
    assert {name: words for name, words in told.items() if words.startswith("second ")} == {"new": "second 1 ended"}
    eventually(lambda: patches(again) == 1)


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
