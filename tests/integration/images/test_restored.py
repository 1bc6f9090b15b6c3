"""Objects that come back, here or elsewhere, find what is theirs; copies of a cluster leave it alone."""

from pathlib import Path

import pytest
from tests.integration.images.conftest import new_namespace
from tests.integration.images.lab import ForkedOperator, Lab, Operator, condition

from sandbox_kit import images

DATA = images.raw(1 << 16)


@pytest.mark.usefixtures("operator")
def test_an_object_restored_without_its_id_finds_its_images(lab: Lab, name: str) -> None:
    """Exported, let go and applied again: the same image, no import, and what was kept of earlier content is known."""
    first = lab.image(name, lab.source.serve(f"{name}-1", DATA))
    lab.apply(first)
    before = lab.ready(name)["status"]
    second = {"http": {"url": lab.source.serve(f"{name}-2", DATA[:1000])}}
    lab.patch(name, source=second, deletionPolicy="Retain")
    served = lab.until(name, "UpToDate", "True", "UpToDate")["status"]
    lab.delete(name)
    lab.gone(name)
    lab.apply({**first, "spec": {**first["spec"], "source": second}})
    status = lab.ready(name)["status"]
    assert (status["id"], [one["id"] for one in status["previous"]]) == (served["id"], [before["id"]])
    assert [len(lab.source.requests_of(f"{name}-{i}")) for i in (1, 2)] == [1, 1]
    assert {image["glance_operator_uid"] for image in lab.owned(name)} >= {lab.get(name)["metadata"]["uid"]}
    lab.delete(name)
    lab.gone(name)
    assert lab.owned(name) == []


def snapshot_of(lab: Lab, image_id: str) -> str:
    """As Compute makes one: with the properties of the image that the server was made from, our marker among them."""
    image = lab.in_glance(image_id) or {}
    marker = {key: value for key, value in image.items() if key.startswith("glance_operator_")}
    body = {"name": "snapshot", "disk_format": "raw", "container_format": "bare", **marker}
    return str(lab.ask("POST", "/images", json=body).json()["id"])


def test_a_copy_of_a_cluster_touches_nothing(lab: Lab, name: str, sandbox_directory: Path) -> None:
    """To its operator the same objects, uids and status are there; what it has is another CLUSTER_ID."""
    here = Lab(lab.kube, lab.glance, lab.source, new_namespace(lab.kube))
    here.apply(here.credentials(), here.image(name, here.source.serve(name, DATA)))

    def operator(cluster: str) -> Operator:
        settings = {"watch_namespaces": here.namespace, "cluster_id": cluster}
        return ForkedOperator(sandbox_directory / f"cluster-{cluster}", here.kube.kubeconfig, **settings)

    with operator("first"):
        image_id = here.ready(name)["status"]["id"]
    before = here.in_glance(image_id)
    here.patch(name, tags=["changed"])
    with operator("copy"):
        said = here.until(name, "Stalled", "True", "OwnedElsewhere")
        assert "another cluster" in condition(said, "Stalled")["message"]
    assert here.in_glance(image_id) == before
    with operator("first"):
        here.ready(name)
        assert (here.in_glance(image_id) or {})["tags"] == ["changed"]
        here.delete(name)
        here.gone(name)


def test_another_cluster_takes_the_place_of_a_lost_one(lab: Lab, name: str, sandbox_directory: Path) -> None:
    """The manifest is all that was saved, and the operator is told whom it stands in for."""
    here = Lab(lab.kube, lab.glance, lab.source, new_namespace(lab.kube))
    manifest = here.image(name, here.source.serve(name, DATA))
    here.apply(here.credentials(), manifest)
    settings = {"watch_namespaces": here.namespace, "cluster_id": "lost"}
    with ForkedOperator(sandbox_directory / "lost", here.kube.kubeconfig, **settings):
        image_id = here.ready(name)["status"]["id"]
        here.patch(name, suspend=True)
        here.until(name, "Ready", "True", "Suspended")
        here.delete(name)
        here.gone(name)
    snapshot = snapshot_of(here, image_id)
    here.apply(manifest)
    with ForkedOperator(sandbox_directory / "heir", here.kube.kubeconfig, **settings):
        assert here.ready(name)["status"]["id"] == image_id
        assert len(here.source.requests_of(name)) == 1
        assert "previous" not in here.get(name)["status"]
        here.delete(name)
        here.gone(name)
    assert here.in_glance(image_id) is None
    assert here.in_glance(snapshot), "a user's own, whatever its properties say"
