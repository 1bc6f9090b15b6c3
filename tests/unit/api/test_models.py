"""The models as the operator reads them: Python names, absent fields, samples, frozen values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from glance_operator.api import GROUP, KINDS
from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.api.image import ImageSpec, ImageStatus

ROOT = Path(__file__).parents[3]
BY_KIND = {kind.kind: kind for kind in KINDS}
LEAST: dict[str, Any] = {
    "cloudCredentialsRef": {"secretName": "openstack", "cloudName": "images"},
    "diskFormat": "qcow2",
    "source": {"http": {"url": "https://example.org/u"}},
}


def samples() -> list[Any]:
    """Every object of ours among the samples."""
    return [
        pytest.param(body, id=f"{path.name} {body['metadata']['name']}")
        for path in sorted((ROOT / "hack/samples").rglob("*.yaml"))
        for body in yaml.safe_load_all(path.read_text())
        if str(body.get("apiVersion")).startswith(GROUP)
    ]


@pytest.mark.parametrize("body", samples())
def test_a_sample_is_read_and_comes_out_as_it_was(body: dict[str, Any]) -> None:
    spec = BY_KIND[body["kind"]].spec.model_validate(body["spec"])
    assert spec.model_dump(mode="json", by_alias=True, exclude_unset=True) == body["spec"]


def test_every_sample_of_the_demo_has_an_expected_end() -> None:
    """And none is expected that does not exist."""
    expected = yaml.safe_load((ROOT / "hack/demo/expected.yaml").read_text())
    documents = [b for p in (ROOT / "hack/samples").glob("*.yaml") for b in yaml.safe_load_all(p.read_text())]
    assert set(expected) == {body["metadata"]["name"] for body in documents if body.get("kind") == "Image"}


def test_files_that_samples_fetch_are_listed_for_the_demo() -> None:
    listed = (ROOT / "hack/samples/README.md").read_text()
    sources = [p.values[0]["spec"].get("source", {}).get("http", {}).get("url", "") for p in samples()]
    names = [url.rsplit("/", 1)[1] for url in sources if url.startswith("http://127.0.0.1:8901/")]
    assert names
    assert [name for name in names if f"`{name}`" not in listed] == []


def test_python_names_of_an_image() -> None:
    """The names that the rest of the operator is written against."""
    spec = ImageSpec.model_validate(
        {
            **LEAST,
            "glanceAPIRef": {"name": "glance"},
            "stores": {"all": {"except": ["archive"]}},
            "minDiskGB": 1,
            "minRAMMB": 2,
            "properties": {"os_version": "24.04"},
            "adopt": {"name": "x"},
            "unknown": "dropped, as the API server would",
        }
    )
    assert spec.glance_api_ref
    assert spec.cloud_credentials_ref
    assert spec.source
    assert spec.source.http
    assert spec.stores
    assert spec.stores.all
    assert spec.adopt
    assert (spec.glance_api_ref.name, spec.cloud_credentials_ref.secret_name) == ("glance", "openstack")
    assert (spec.source.http.url, spec.source.http.method) == ("https://example.org/u", "Auto")
    assert (spec.stores.all.except_, spec.stores.allow_failure) == (("archive",), True)
    assert (spec.min_disk_gb, spec.min_ram_mb, spec.properties) == (1, 2, {"os_version": "24.04"})
    assert (spec.retry_limit, spec.adopt.force) == (5, False)


def test_what_is_absent_is_none() -> None:
    """Fields that mirror Glance are left alone while absent, so absent must not look like a value."""
    spec = ImageSpec.model_validate(LEAST)
    mirrored = "name visibility hidden protected min_disk_gb min_ram_mb tags members owner properties"
    assert {name: getattr(spec, name) for name in mirrored.split()} == dict.fromkeys(mirrored.split())


def test_a_status_of_any_age_is_read() -> None:
    """Everything in it is optional: an older operator may have written less."""
    assert ImageStatus.model_validate({"observedGeneration": -1}).stores is None
    status = ImageStatus.model_validate({"stores": [{"name": "ceph", "status": "True"}], "attempt": {"taskID": "t"}})
    assert status.stores
    assert status.attempt
    assert (status.stores[0].name, status.attempt.task_id) == ("ceph", "t")


@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        (ImageSpec, {**LEAST, "diskFormat": "QCOW2"}, "diskFormat"),
        (ImageSpec, {**LEAST, "properties": {"a": 24.04}}, "properties"),
        (ImageSpec, {**LEAST, "resyncPeriod": "1d"}, "resyncPeriod"),
        (GlanceStoreSpec, {"type": "rbd"}, "glanceAPIRef"),
        (GlanceAPISpec, {"database": {}, "auth": {}, "replicas": 33}, "replicas"),
    ],
    ids=["enum", "type", "pattern", "required", "bound"],
)
def test_a_refusal_names_the_field_as_the_user_wrote_it(model: type[Any], body: dict[str, Any], field: str) -> None:
    """Objects from before a tightened schema may still come in."""
    with pytest.raises(ValidationError) as refusal:
        model.model_validate(body)
    assert field in [str(error["loc"][0]) for error in refusal.value.errors()]


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ImageSpec.model_validate(LEAST).suspend = True  # type: ignore[misc]
