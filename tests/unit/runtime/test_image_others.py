"""What an Image's rules are told of other objects."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.core.builders import spec, view
from tests.unit.runtime.image_lab import ImageLab, image_lab, raw

from glance_operator.core.image.backends import Backend
from glance_operator.core.image.others import Referred
from glance_operator.runtime.image.others import refers, with_others
from glance_operator.runtime.intake import Intake
from glance_operator.runtime.kinds import WIRING
from glance_operator.runtime.queue import Queue
from glance_operator.runtime.store import Body, Key, Store

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
CLOUD: dict[str, Any] = {"cloudCredentialsRef": {"secretName": "openstack", "cloudName": "lab"}}
API: dict[str, Any] = {"glanceAPIRef": {"name": "glance"}}
READY = {"conditions": [{"type": "Ready", "status": "True"}], "id": "k1"}


def body_of(kind: str, name: str, version: int = 1, status: Any = None, **spec_: Any) -> Body:
    meta = {"name": name, "namespace": "default", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"kind": kind, "metadata": meta, "spec": spec_, "status": status or {}}


def stored(*bodies: Body) -> Store:
    store = Store(WIRING.indexes)
    for body in bodies:
        assert store.put(Key(body["kind"], "default", body["metadata"]["name"]), body)
    return store


def kernel(store: Store, **says: Any) -> Referred:
    one = view(spec=spec(**({"kernelRef": {"name": "vmlinuz"}} | says)))
    return with_others(one, store).referred["kernel_id"]


@pytest.mark.parametrize(
    ("words", "bodies", "wanted"),
    [
        ("nothing of the name", [], Referred("vmlinuz")),
        ("nothing of the kind", [body_of("GlanceAPI", "vmlinuz")], Referred("vmlinuz")),
        ("new", [body_of("Image", "vmlinuz", **CLOUD)], Referred("vmlinuz", exists=True)),
        (
            "on its way",
            [body_of("Image", "vmlinuz", status={"id": "k1"}, **CLOUD)],
            Referred("vmlinuz", exists=True, image_id="k1"),
        ),
        (
            "ready",
            [body_of("Image", "vmlinuz", status=READY, **CLOUD)],
            Referred("vmlinuz", exists=True, image_id="k1", ready=True),
        ),
        (
            "on another cloud",
            [body_of("Image", "vmlinuz", status=READY, **API)],
            Referred("vmlinuz", exists=True, image_id="k1", ready=True, near=False),
        ),
    ],
)
def test_another_image(words: str, bodies: list[Body], wanted: Referred) -> None:
    assert kernel(stored(*bodies)) == wanted


@pytest.mark.parametrize(
    ("words", "refs", "wanted"),
    [
        ("nowhere", {}, ()),
        ("back", {"vmlinuz": "jammy"}, ("vmlinuz", "jammy")),
        ("back over another", {"vmlinuz": "initrd", "initrd": "jammy"}, ("vmlinuz", "initrd", "jammy")),
        ("into a circle of others", {"vmlinuz": "initrd", "initrd": "vmlinuz"}, ()),
        ("to what is not there", {"vmlinuz": "initrd"}, ()),
        ("far", {f"i{n}": f"i{n + 1}" for n in range(500)} | {"vmlinuz": "i0"}, ()),
    ],
)
def test_where_references_lead(words: str, refs: dict[str, str], wanted: tuple[str, ...]) -> None:
    bodies = [body_of("Image", name, ramdiskRef={"name": other}, **CLOUD) for name, other in refs.items()]
    assert kernel(stored(*bodies)).circle == wanted


def test_an_image_that_names_itself() -> None:
    assert kernel(stored(), kernelRef={"name": "jammy"}).circle == ("jammy",)


def test_stores_of_a_service_of_ours() -> None:
    store = stored(
        body_of("GlanceStore", "ceph", type="rbd", storeID="fast", **API),
        body_of("GlanceStore", "nfs", type="nfs", **API),
        body_of("GlanceStore", "other", type="rbd", glanceAPIRef={"name": "elsewhere"}),
    )
    ours = view(spec=spec(cloudCredentialsRef=None, **API))
    assert with_others(ours, store).backends == {"fast": Backend("ceph", kind="rbd"), "nfs": Backend("nfs", kind="nfs")}
    assert with_others(view(), store).backends == {}
    assert with_others(ours, stored()).backends == {}


def test_who_refers_is_never_at_rest() -> None:
    with image_lab() as lab:
        assert refers(body_of("Image", "a", kernelRef={"name": "k"}))
        assert settled(lab)
        assert not settled(lab, ramdiskRef={"name": "r"})


def settled(lab: ImageLab, **says: Any) -> bool:
    conditions = [{"type": kind, "status": "True"} for kind in ("Ready", "StoresReady")]
    body = body_of("Image", "a", status={"observedGeneration": 1, "conditions": conditions}, **CLOUD, **says)
    body["metadata"]["generation"] = 1
    lab.show(raw())
    return lab.controller.settled(body)


def test_who_refers_is_woken() -> None:
    store, queue = Store(WIRING.indexes), Queue()
    intake = Intake(store, queue, lambda body: not refers(body), WIRING, 1000)

    def woken() -> set[str]:
        found = set()
        while key := queue.poll():
            queue.done(key)
            found.add(key.name)
        return found - {"vmlinuz"}

    intake.changed(body_of("Image", "disk", kernelRef={"name": "vmlinuz"}))
    intake.changed(body_of("Image", "stranger"))
    woken()
    intake.changed(body_of("Image", "vmlinuz", 2))
    assert woken() == {"disk"}
    intake.changed(body_of("Image", "vmlinuz", 3, status={"id": "k1"}))
    assert woken() == {"disk"}
    intake.changed(body_of("Image", "vmlinuz", 4, status={"id": "k1", "progress": "7%"}))
    assert woken() == set()
    intake.changed(body_of("Image", "vmlinuz", 5, status=READY))
    assert woken() == {"disk"}
    intake.deleted(Key("Image", "default", "vmlinuz"), "uid-vmlinuz")
    assert woken() == {"disk"}
