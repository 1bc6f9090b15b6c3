"""What an Image knows of a service of ours: a store that is drained, and what its imports do to the bytes."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.forks import Fork
from tests.integration.images.conftest import new_namespace
from tests.integration.images.lab import Lab, Object, Operator, condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance, GlanceConfig
from sandbox_kit.source import Source

DATA = images.raw(1 << 16)
GROUP = "glance-operator.io/v1alpha1"
POD, CONTAINER = "glance-0", "containerd://one"
LABELS = {f"app.kubernetes.io/{k}": v for k, v in {"name": "glance", "instance": "glance", "component": "api"}.items()}


class GuestOperator(Operator):
    """The operator, but for its controller of GlanceAPIs: there is no node for their pods."""

    def launch(self) -> None:
        self._process = Fork("guest_operator", self.environment(), self.log)


class Service(Lab):
    """A namespace whose GlanceAPI is the real Glance of the sandbox, in the place of its one pod."""

    def hand_in(self, *objects: Object) -> None:
        """Of any kind."""
        items = {"kind": "List", "apiVersion": "v1", "items": objects}
        self.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(items))

    def tell(self, what: str, status: Object) -> None:
        """Write that status."""
        change = json.dumps({"status": status})
        self.kubectl("patch", what, "--subresource=status", "--type=merge", "-p", change)

    def begin(self) -> None:
        self.kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=30s")
        spec: Object = {"database": {"sqlite": {}}, "auth": {"trusted": {}}}
        pod = {"containers": [{"name": "glance-api", "image": "registry.example.org/glance"}]}
        self.hand_in(
            {"apiVersion": GROUP, "kind": "GlanceAPI", "metadata": {"name": "glance"}, "spec": spec},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": POD, "labels": LABELS}, "spec": pod},
        )
        running = {"name": "glance-api", "ready": True, "restartCount": 0, "image": "glance", "imageID": "glance"}
        running |= {"containerID": CONTAINER, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
        ready = [{"type": "Ready", "status": "True"}]
        self.tell(f"pod/{POD}", {"phase": "Running", "conditions": ready, "containerStatuses": [running]})
        node = {"name": POD, "ready": True, "url": self.glance.url, "containerID": CONTAINER}
        self.tell("gapi/glance", {"endpoint": self.glance.url, "readyReplicas": 1, "nodes": [node]})
        self.offer("central", "dcn0", "dcn1")

    def offer(self, *stores: str) -> None:
        """What the service has in its configuration, as its status says."""
        told = [{"name": store, "status": "True", "reason": "Usable", "hash": "h"} for store in stores]
        self.tell("gapi/glance", {"stores": told})

    def store(self, name: str) -> Object:
        spec = {"type": "file", "file": {"pvc": {"claimName": "images"}}, "deletionPolicy": "Drain"}
        spec |= {"glanceAPIRef": {"name": "glance"}}
        return {"apiVersion": GROUP, "kind": "GlanceStore", "metadata": {"name": name}, "spec": spec}

    def of_service(self, name: str, **spec: object) -> Object:
        made = self.image(name, self.source.serve(f"{self.namespace}-{name}", DATA), **spec)
        made["spec"]["glanceAPIRef"] = {"name": "glance"}
        del made["spec"]["cloudCredentialsRef"]
        return made

    def holders(self, name: str) -> list[str]:
        """The stores that hold the object's image."""
        image = self.in_glance(self.get(name)["status"]["id"]) or {}
        return sorted(image["stores"].split(","))

    def draining(self, store: str) -> Object:
        return condition(json.loads(self.kubectl("get", f"gstore/{store}", "-o", "json")), "Draining")


@pytest.fixture(scope="module")
def glance(source: Source, sandbox_directory: Path) -> Iterator[Glance]:
    """One of its own: what others have left in a store would be counted."""
    with Glance(sandbox_directory / "own-glance", GlanceConfig(allowed_ports=(source.port,))) as running:
        yield running


@pytest.fixture(scope="module")
def service(crds_installed: ControlPlane, glance: Glance, source: Source, sandbox_directory: Path) -> Iterator[Service]:
    made = Service(crds_installed, glance, source, new_namespace(crds_installed))
    made.begin()
    settings = {
        "watch_namespaces": made.namespace,
        "retry_base": "500ms",
        "glance_image": "registry.example.org/glance",
    }
    with GuestOperator(sandbox_directory / "guest", crds_installed.kubeconfig, **settings):
        yield made


def strangers(service: Service) -> str:
    """The id of an image that no object manages, in dcn1."""
    made = {"name": "strangers", "disk_format": "raw", "container_format": "bare"}
    image_id = str(service.ask("POST", "/images", json=made).json()["id"])
    headers = {"Content-Type": "application/octet-stream", "X-Image-Meta-Store": "dcn1"}
    assert service.ask("PUT", f"/images/{image_id}/file", data=DATA, headers=headers).status_code == 204
    return image_id


WISHES: dict[str, Object] = {
    "both": {"stores": {"names": ["central", "dcn1"]}},
    "alone": {"stores": {"names": ["dcn1"]}},
    "all": {"stores": {"all": {}}},
    "protected": {"stores": {"names": ["central", "dcn1"]}, "protected": True},
    "deactivated": {"stores": {"names": ["central", "dcn1"]}},
}


def test_images_leave_a_store_that_is_drained(service: Service) -> None:
    service.hand_in(service.store("dcn1"))
    service.apply(*(service.of_service(name, **wish) for name, wish in WISHES.items()))
    for name in WISHES:
        service.until(name, "StoresReady", "True")
        assert "dcn1" in service.holders(name)
    off = service.get("deactivated")["status"]["id"]
    assert service.ask("POST", f"/images/{off}/actions/deactivate").status_code == 204
    foreign = strangers(service)

    service.kubectl("delete", "gstore", "dcn1", "--wait=false")
    for name, stores in {"both": ["central"], "alone": ["central"], "all": ["central", "dcn0"]}.items():
        eventually(lambda name=name, stores=stores: service.holders(name) == stores, 40)  # type: ignore[misc]
        service.ready(name)
    for name in ("both", "alone"):
        service.until(name, "StoresReady", "False", "StoreDraining")
    service.until("all", "StoresReady", "True")

    def told() -> bool:
        found = service.draining("dcn1")
        assert (found["status"], found["reason"]) == ("True", "WaitingForPeople"), found
        assert found["message"].startswith("3 images still live here"), found
        return all(word in found["message"] for word in ("protected", "deactivated", "strangers", "move or delete"))

    eventually(told, 40)
    assert "dcn1" in service.holders("protected")

    service.patch("protected", protected=False)
    assert service.ask("POST", f"/images/{off}/actions/reactivate").status_code == 204
    service.retry("deactivated", "reactivated")
    assert service.ask("DELETE", f"/images/{foreign}").status_code == 204
    eventually(lambda: service.draining("dcn1").get("reason") == "Drained", 60)
    for name in ("protected", "deactivated"):
        assert service.holders(name) == ["central"]

    service.offer("central", "dcn0")
    eventually(lambda: not service.kubectl("get", "gstore", "dcn1", "--ignore-not-found", "-o", "name"), 30)
    # It is drained no longer. This Glance still has the store, unlike one of ours: so the data comes back.
    eventually(lambda: service.holders("both") == ["central", "dcn1"], 40)
    service.until("both", "StoresReady", "True")


def test_a_service_that_converts_says_so_before_anything_is_fetched(service: Service) -> None:
    data = images.qcow2(1 << 16)
    url = service.source.serve(f"{service.namespace}-qcow2", data)
    source = {"http": {"url": url}, "checksum": {"sha512": hashlib.sha512(data).hexdigest()}}
    change = '{"spec": {"imports": {"conversion": %s}}}'
    service.kubectl("patch", "gapi", "glance", "--type=merge", "-p", change % '{"outputFormat": "raw"}')
    service.apply(service.of_service("converted", diskFormat="qcow2", source=source))
    body = service.until("converted", "Stalled", "True", "ConvertedByGlance")
    told = condition(body, "Verified")
    assert (told["status"], told["reason"]) == ("Unknown", "ConvertedByGlance")
    assert "GlanceAPI glance converts images to raw" in told["message"]
    assert not service.owned("converted")
    assert not service.source.requests_of(f"{service.namespace}-qcow2")
    service.kubectl("patch", "gapi", "glance", "--type=merge", "-p", change % "null")
    assert condition(service.ready("converted"), "Verified")["reason"] == "ChecksumMatches"
