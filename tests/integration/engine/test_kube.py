"""The client against the real API server: what it reads, what it writes, and what it refuses to write."""

import threading

import pytest
from tests.integration.engine.cluster import Cluster, message
from tests.integration.engine.recorder import status_of
from tests.support import eventually

from glance_operator.runtime import kube as module
from glance_operator.runtime.events import Recorder
from glance_operator.runtime.kube import ApiError, Changed, Kube, Unreachable
from glance_operator.runtime.leader import LostLease
from glance_operator.runtime.rest import Request
from glance_operator.runtime.store import Body, Key

FINALIZER = "glance-operator.io/image"


def test_what_is_not_there_is_none(kube: Kube, namespace: str) -> None:
    assert kube.get("Image", namespace, "none") is None
    assert kube.get_secret(namespace, "none") is None
    assert kube.get_lease(namespace, "none") is None


def test_a_secret_s_data_come_decoded(kube: Kube, namespace: str) -> None:
    secret = {"metadata": {"name": "s"}, "stringData": {"clouds.yaml": "clouds: {}\n"}, "data": {"raw": "AP8="}}
    kube.transport.call(Request("POST", f"/api/v1/namespaces/{namespace}/secrets", secret))
    assert kube.get_secret(namespace, "s") == {"clouds.yaml": b"clouds: {}\n", "raw": b"\x00\xff"}


def test_the_whole_status_is_replaced(kube: Kube, cluster: Cluster) -> None:
    """Also what a merge would have kept: fields, and keys of maps."""
    body = cluster.create("a")
    first = kube.patch_status(body, {"observedGeneration": 1, "name": "x", "content": {"hash": "h", "source": "s"}})
    assert first is not None
    second = kube.patch_status(first, {"observedGeneration": 1, "content": {"hash": "h2"}})
    assert second is not None
    assert second["status"] == {"observedGeneration": 1, "content": {"hash": "h2"}}
    assert "managedFields" not in second["metadata"]


def test_a_status_thought_of_an_older_state_is_not_written(kube: Kube, cluster: Cluster) -> None:
    """Nor one that a leader has sent before it was stopped, and that arrives when another has long been at it."""
    old = cluster.create("a")
    cluster.patch("a", {"metadata": {"labels": {"x": "y"}}})
    with pytest.raises(Changed) as change:
        kube.patch_status(old, status_of(1, "late"))
    assert change.value.body["metadata"]["labels"] == {"x": "y"}
    assert message(cluster.get("a")) == ""
    assert message(kube.patch_status(change.value.body, status_of(1, "thought again"))) == "thought again"


def test_another_object_of_the_same_name_is_not_touched(kube: Kube, cluster: Cluster) -> None:
    old = cluster.create("a")
    cluster.delete("a")
    cluster.create("a")
    assert kube.patch_status(old, status_of(1, "for the old one")) is None
    assert kube.add_finalizer(old, FINALIZER) is None
    assert message(cluster.get("a")) == ""


def test_an_object_that_is_gone_is_none(kube: Kube, cluster: Cluster) -> None:
    old = cluster.create("a")
    cluster.delete("a")
    assert kube.patch_status(old, status_of(1, "x")) is None
    assert kube.add_finalizer(old, FINALIZER) is None
    assert kube.remove_finalizer({**old, "metadata": {**old["metadata"], "finalizers": [FINALIZER]}}, FINALIZER) is None


def test_a_status_that_the_schema_refuses_is_an_error(kube: Kube, cluster: Cluster) -> None:
    with pytest.raises(ApiError) as error:
        kube.patch_status(cluster.create("a"), {"observedGeneration": "many"})
    assert error.value.status == 422


def test_finalizers_of_others_stay_even_if_they_came_meanwhile(kube: Kube, cluster: Cluster) -> None:
    old = cluster.create("a")
    cluster.patch("a", {"metadata": {"finalizers": ["example.org/other"]}})
    held = kube.add_finalizer(old, FINALIZER)
    assert held is not None
    assert held["metadata"]["finalizers"] == ["example.org/other", FINALIZER]
    assert kube.add_finalizer(held, FINALIZER) == held
    cluster.patch("a", {"metadata": {"labels": {"x": "y"}}})
    free = kube.remove_finalizer(held, FINALIZER)
    assert free is not None
    assert free["metadata"]["finalizers"] == ["example.org/other"]
    cluster.patch("a", {"metadata": {"finalizers": None}})


def test_many_that_edit_the_finalizers_at_once_all_succeed(kube: Kube, cluster: Cluster) -> None:
    old = cluster.create("a")
    threads = [threading.Thread(target=kube.add_finalizer, args=(old, f"example.org/f{n}")) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    body = cluster.get("a")
    assert body is not None
    assert sorted(body["metadata"]["finalizers"]) == [f"example.org/f{n}" for n in range(4)]
    cluster.patch("a", {"metadata": {"finalizers": None}})


def test_the_last_finalizer_lets_the_object_go(kube: Kube, cluster: Cluster) -> None:
    held = kube.add_finalizer(cluster.create("a"), FINALIZER)
    assert held is not None
    cluster.delete("a")
    assert kube.remove_finalizer(held, FINALIZER) is not None
    assert cluster.get("a") is None


def test_lists_are_read_in_pages(kube: Kube, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", 3)
    bodies = [cluster.create(f"i{number}") for number in range(8)]
    listing = kube.list_metadata("Image", cluster.namespace)
    wanted = {Key("Image", cluster.namespace, body["metadata"]["name"]): body["metadata"]["uid"] for body in bodies}
    assert {key: version.uid for key, version in listing.versions.items()} == wanted
    assert listing.resource_version >= max(version.resource_version for version in listing.versions.values())
    assert set(wanted) <= set(kube.list_metadata("Image").versions)


def test_an_empty_list(kube: Kube, namespace: str) -> None:
    assert kube.list_metadata("Image", namespace).versions == {}


def test_events_are_accepted(kube: Kube, cluster: Cluster, namespace: str) -> None:
    recorder = Recorder(kube.create_event, "test")
    recorder.start()
    recorder.record(cluster.create("a"), "Warning", "ImportFailed", "Import", "no space left")
    recorder.stop()
    path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
    event = eventually(lambda: kube.transport.call(Request("GET", path))["items"])[0]
    assert (event["regarding"]["name"], event["reason"], event["note"]) == ("a", "ImportFailed", "no space left")


def test_a_lease_is_replaced_only_by_who_read_it_last(kube: Kube, namespace: str) -> None:
    lease: Body = {"metadata": {"name": "l", "namespace": namespace}, "spec": {"holderIdentity": "a"}}
    made = kube.create_lease(namespace, lease)
    with pytest.raises(ApiError) as error:
        kube.create_lease(namespace, lease)
    assert error.value.status == 409
    assert kube.update_lease({**made, "spec": {"holderIdentity": "b"}})["spec"]["holderIdentity"] == "b"
    with pytest.raises(ApiError) as error:
        kube.update_lease({**made, "spec": {"holderIdentity": "c"}})
    assert error.value.status == 409


def test_what_is_served(kube: Kube) -> None:
    assert {"glanceapis", "glancestores", "images"} <= kube.served("glance-operator.io", "v1alpha1")
    assert kube.served("nobody.example.org", "v1") == set()


def test_the_cluster_has_an_identity(kube: Kube) -> None:
    namespace = kube.get("Namespace", None, "kube-system")
    assert namespace is not None
    assert kube.cluster_id() == namespace["metadata"]["uid"]


def test_a_closed_fence_stops_what_only_the_leader_may_change(
    kube: Kube, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed() -> None:
        raise LostLease("paused")

    body = cluster.create("a")
    monkeypatch.setattr(kube.transport, "fence", closed)
    with pytest.raises(LostLease):
        kube.patch_status(body, status_of(1, "x"))
    with pytest.raises(LostLease):
        kube.add_finalizer(body, FINALIZER)
    assert kube.get("Image", cluster.namespace, "a") == body
    assert kube.create_lease(cluster.namespace, {"metadata": {"name": "l"}, "spec": {}})


def test_nobody_there(monkeypatch: pytest.MonkeyPatch, kube: Kube) -> None:
    monkeypatch.setattr(kube.transport._config, "host", "https://127.0.0.1:1")
    with pytest.raises(Unreachable):
        kube.get("Secret", "default", "x")


def test_requests_are_counted(kube: Kube, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str]] = []
    monkeypatch.setattr(kube.transport, "_observe", lambda method, code, *_: seen.append((method, code)))
    kube.get("Image", namespace, "none")
    kube.list_metadata("Image", namespace)
    assert seen == [("GET", "404"), ("GET", "200")]
