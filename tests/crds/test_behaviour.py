"""What the CRDs do besides refusing: status, defaults, scale, columns, explain, YAML's null, growing volumes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
import yaml
from tests.crds.schemas import manifests, nodes, schema_of
from tests.crds.server import Server
from tests.crds.tables import Body, base, merged

from glance_operator.api import KINDS
from glance_operator.api.base import Kind
from sandbox_kit.control_plane import ControlPlane

DEFAULTS = {
    "Image": {
        "containerFormat": "bare",
        "driftPolicy": "Correct",
        "retryLimit": 5,
        "progressDeadline": "2h",
        "downloadTimeout": "24h",
        "resyncPeriod": "1h",
        "suspend": False,
    },
    "GlanceStore": {"deletionPolicy": "Wait", "suspend": False},
    "GlanceAPI": {"replicas": 1, "drainTimeout": "10m", "suspend": False},
}
SQLITE = {"database": {"connectionSecretRef": None, "sqlite": {"size": "1Gi"}}}


@pytest.fixture
def kept(server: Server) -> Iterator[Callable[[Body], Body]]:
    """Creates objects for real and deletes them after the test."""
    bodies: list[Body] = []

    def create(body: Body) -> Body:
        bodies.append(body)
        return server.create(body, dry=False).taken()

    yield create
    for body in bodies:
        server.delete(body)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_defaults_of_the_least_object(server: Server, kind: Kind) -> None:
    """Exactly these, and inside what was given; a list or map never gets one."""
    least = base(kind.kind)
    spec = server.create(least).taken()["spec"]
    assert {key: spec[key] for key in spec.keys() - least["spec"].keys()} == DEFAULTS[kind.kind]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_new_object_says_that_nobody_has_looked_at_it(
    server: Server, kept: Callable[[Body], Body], kind: Kind
) -> None:
    """A status sent along at creation is dropped; kstatus reads -1 as "in progress"."""
    body = merged(base(kind.kind), {"status": {"observedGeneration": 1, "lastHandledRetry": "x"}})
    assert kept(body)["status"] == {"observedGeneration": -1}
    assert server.get(body).taken()["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_status_is_written_beside_the_spec(server: Server, kept: Callable[[Body], Body], kind: Kind) -> None:
    """What the model can say, the server keeps; the generation stays."""
    body = base(kind.kind)
    created = kept(body)
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Ready",
        "message": "m" * 5000,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    }
    said = {"observedGeneration": 1, "conditions": [ready], "lastHandledRetry": "now"}
    written = server.patch(body, {"status": said}, "/status").taken()
    assert written["status"] == said
    assert written["metadata"]["generation"] == created["metadata"]["generation"]
    assert kind.status.model_validate(written["status"]).model_dump(by_alias=True, exclude_none=True)


def test_scale_shows_and_sets_the_replicas(server: Server, kept: Callable[[Body], Body]) -> None:
    body = base("GlanceAPI")
    kept(body)
    server.patch(body, {"status": {"replicas": 2, "selector": "app=glance"}}, "/status").taken()
    assert server.get(body, "/scale").taken()["status"] == {"replicas": 2, "selector": "app=glance"}
    server.patch(body, {"spec": {"replicas": 3}}, "/scale").taken()
    assert server.get(body).taken()["spec"]["replicas"] == 3


def test_scale_obeys_the_rules_of_the_spec(server: Server, kept: Callable[[Body], Body]) -> None:
    body = merged(base("GlanceAPI"), {"spec": SQLITE})
    kept(body)
    answer = server.patch(body, {"spec": {"replicas": 2}}, "/scale")
    assert "replicas must be 0 or 1 with database.sqlite" in answer.body["message"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SQLITE, {"database": {"connectionSecretRef": None, "sqlite": {"size": "2Gi"}}}),
        ({"staging": {"pvc": {"size": "10Gi"}}}, {"staging": {"pvc": {"size": "10240Mi"}}}),
        ({"staging": {"pvc": {"size": "10Gi"}}}, {"staging": {"pvc": {"claimName": "own"}}}),
        ({"cache": {"maxSize": "2Gi", "volumeSize": "2Gi"}}, {"cache": {"maxSize": "1Gi", "volumeSize": "3Gi"}}),
        ({"staging": {"emptyDir": {}}}, {"staging": {"pvc": {"size": "1Gi", "storageClassName": "a"}}}),
    ],
    ids=["a larger SQLite", "the same in other words", "a claim of one's own", "a larger cache", "another volume"],
)
def test_what_may_change(server: Server, kept: Callable[[Body], Body], before: Body, after: Body) -> None:
    """The other side of the immutability rules."""
    kept(merged(base("GlanceAPI"), {"spec": before}))
    server.replace(merged(base("GlanceAPI"), {"spec": after})).taken()


def test_an_image_may_change_everything_else(server: Server, kept: Callable[[Body], Body]) -> None:
    kept(base("Image"))
    other = {"diskFormat": "raw", "source": {"http": None, "upload": {}}, "stores": {"names": ["a"]}, "suspend": True}
    server.replace(merged(base("Image"), {"spec": other})).taken()


@pytest.mark.parametrize("value", ["null", "~", ""])
def test_yamls_null_as_a_property_is_refused_by_name(crds_installed: ControlPlane, value: str) -> None:
    """kubectl would otherwise drop it in silence: the property would be missing, and nobody told."""
    text = yaml.safe_dump(merged(base("Image"), {"spec": {"properties": {"swap": "HERE"}}})).replace("HERE", value)
    with pytest.raises(RuntimeError, match="value of swap must be a string: put it in quotes"):
        crds_installed.run_kubectl("create", "--dry-run=server", "-f", "-", stdin=text)


@pytest.mark.parametrize(("value", "kind"), [("24.04", "number"), ("2.0", "integer"), ("yes", "boolean")])
def test_yamls_other_traps_name_the_property(crds_installed: ControlPlane, value: str, kind: str) -> None:
    """As kubectl apply shows it; how to mend it is in the field's description."""
    text = yaml.safe_dump(merged(base("Image"), {"spec": {"properties": {"swap": "HERE"}}})).replace("HERE", value)
    with pytest.raises(RuntimeError, match=re.escape(f'spec.properties.swap in body must be of type string: "{kind}"')):
        crds_installed.run_kubectl("apply", "--dry-run=server", "-f", "-", stdin=text)
    assert "in quotes" in crds_installed.run_kubectl("explain", "image.spec.properties")


def test_an_unknown_field_is_refused_by_kubectl(crds_installed: ControlPlane) -> None:
    text = yaml.safe_dump(merged(base("Image"), {"spec": {"diskFromat": "raw"}}))
    with pytest.raises(RuntimeError, match=r'unknown field "spec\.diskFromat"'):
        crds_installed.run_kubectl("apply", "--dry-run=server", "-f", "-", stdin=text)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_explain_shows_every_description(crds_installed: ControlPlane, kind: Kind) -> None:
    """Every field of the whole tree is there; the texts of the first level are compared word by word."""
    shown = " ".join(crds_installed.run_kubectl("explain", f"{kind.plural}.spec").split())
    spec = schema_of(next(c for c in manifests() if c["spec"]["names"]["kind"] == kind.kind))["properties"]["spec"]
    for name, field in spec["properties"].items():
        assert f"{name} <" in shown
        assert " ".join(field["description"].split()) in shown
    tree = crds_installed.run_kubectl("explain", f"{kind.plural}.spec", "--recursive").split()
    assert {place[-1] for place, _ in nodes(spec) if place and place[-1] not in ("[]", "{}")} <= set(tree)


@pytest.mark.parametrize(
    ("kind", "columns", "wide"),
    [
        ("gimg", "NAME READY STATUS STORES PROGRESS SIZE AGE", "ID VISIBILITY MESSAGE"),
        ("gstore", "NAME READY STATUS TYPE IMAGES AVAILABLE AGE", "GLANCEAPI STOREID MESSAGE"),
        ("gapi", "NAME READY STATUS REPLICAS STORES AGE", "ENDPOINT VERSION MESSAGE"),
    ],
)
def test_columns(
    crds_installed: ControlPlane, kept: Callable[[Body], Body], kind: str, columns: str, wide: str
) -> None:
    """Under the short names; the answer to "is it fine, and if not, why"."""
    full = {k.short_name: k.kind for k in KINDS}[kind]
    kept(base(full))
    get = ("get", kind, "-n", "crds")
    assert crds_installed.run_kubectl(*get).splitlines()[0].split() == columns.split()
    assert crds_installed.run_kubectl(*get, "-o", "wide").splitlines()[0].split() == [*columns.split(), *wide.split()]


def test_one_word_for_all_kinds_and_a_selector_for_a_service(
    crds_installed: ControlPlane, kept: Callable[[Body], Body]
) -> None:
    for kind in KINDS:
        kept(base(kind.kind))
    for category in ("glance", "openstack"):
        shown = crds_installed.run_kubectl("get", category, "-n", "crds", "-o", "name").split()
        assert {name.split(".")[0] for name in shown} == {kind.kind.lower() for kind in KINDS}
    select = ("get", "gstore", "-n", "crds", "-o", "name", "--field-selector")
    assert crds_installed.run_kubectl(*select, "spec.glanceAPIRef.name=glance").strip()
    assert not crds_installed.run_kubectl(*select, "spec.glanceAPIRef.name=other").strip()
