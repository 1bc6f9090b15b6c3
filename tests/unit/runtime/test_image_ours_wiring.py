"""All parts put together, on a service of ours: what is written down before a pod is asked, and after it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support import eventually
from tests.unit.core.builders import UID, URL
from tests.unit.runtime.engine_cluster import KEY
from tests.unit.runtime.image_service import Answer, Asked, ImageService
from tests.unit.runtime.ours_lab import GLANCE, pod
from tests.unit.runtime.test_image_wiring import Process, until_ready

from glance_operator.core.image.identity import image_id
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.rest import Request
from glance_operator.runtime.store import Key

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
SPEC = {"glanceAPIRef": {"name": "glance"}, "source": {"http": {"url": URL}}, "diskFormat": "qcow2"}
FIRST, SECOND = image_id(UID, 1), image_id(UID, 2)
NODE = {"name": "glance-0", "ready": True, "containerID": "containerd://a0"}


class Pods:
    """The API server's pods, in place of its client."""

    def __init__(self) -> None:
        self.there = [pod("glance-0", "containerd://a0")]

    def call(self, request: Request) -> dict[str, Any]:
        assert request.path.startswith("/api/v1/namespaces/ns/pods?")
        return {"items": self.there}


class Service:
    """Glance as two services show it: the whole, and its only pod. What it has is in `images`, by id."""

    def __init__(self, process: Process, pods: Pods, whole: ImageService, one: ImageService) -> None:
        self.process, self.pods, self.whole, self.pod = process, pods, whole, one
        self.images: dict[str, dict[str, Any]] = {}
        self.written: list[dict[str, Any]] = []  # status.attempt at the moment of each request for an import
        whole.on("POST /v2/images", Answer(201, self.create))
        whole.on("GET /v2/images", Answer(200, lambda _: {"images": list(self.images.values())}))
        for number in (FIRST, SECOND):
            whole.on(f"GET /v2/images/{number}", Answer(404))
            one.on(f"POST /v2/images/{number}/import", Answer(202, self.begin))
            one.on(f"DELETE /v2/images/{number}", Answer(204, self.delete))

    def create(self, asked: Asked) -> dict[str, Any]:
        return self.show(asked.body | {"status": "queued"})

    def show(self, image: dict[str, Any]) -> dict[str, Any]:
        self.images[image["id"]] = image
        self.whole.on(f"GET /v2/images/{image['id']}", Answer(200, image))
        return image

    def begin(self, asked: Asked) -> None:
        self.written.append(self.process.body()["status"].get("attempt", {}))
        image = self.images[asked.path.split("/")[3]]
        self.show(image | {"status": "importing", "os_glance_import_task": "t1"})

    def delete(self, asked: Asked) -> None:
        gone = self.images.pop(asked.path.split("/")[3])
        self.whole.on(f"GET /v2/images/{gone['id']}", Answer(404))

    def finish(self) -> None:
        (image,) = self.images.values()
        done = {name: value for name, value in image.items() if name != "os_glance_import_task"}
        self.show(done | {"status": "active", "stores": "central", "size": 7})


@pytest.fixture
def service() -> Iterator[Service]:
    with ImageService() as whole, ImageService() as one:
        whole.on("GET /v2/info/import", Answer(200, {"import-methods": {"value": ["web-download", "copy-image"]}}))
        whole.on("GET /v2/info/stores", Answer(200, {"stores": [{"id": "central", "default": "true"}]}))
        pods = Pods()
        process = Process(whole, pods)
        process.create(uid=UID)
        body = process.body()
        body["spec"], body["metadata"]["resourceVersion"] = SPEC, "2"
        process.version = 2
        process.store.put(KEY, body)
        status = {"endpoint": whole.url, "readyReplicas": 1, "nodes": [NODE | {"url": one.url}]}
        meta = {"name": "glance", "namespace": "ns", "uid": UID, "resourceVersion": "1"}
        process.store.put(Key(SERVICE, "ns", "glance"), {"metadata": meta, "spec": GLANCE, "status": status})
        yield Service(process, pods, whole, one)


def test_the_container_is_written_down_before_it_is_asked(service: Service) -> None:
    service.process.engine.reconcile(KEY)
    assert service.pod.requests() == [f"POST /v2/images/{FIRST}/import"]
    assert service.written == [{"node": "glance-0", "containerID": "containerd://a0"}]
    assert not any("import" in one and one.startswith("POST") for one in service.whole.requests())
    assert not any(told.startswith("Warning") for told in service.process.told()), "nothing is wrong"
    service.finish()
    until_ready(service.process)
    assert "attempt" not in service.process.body()["status"]


def test_what_its_end_took_along_is_made_again(service: Service) -> None:
    service.process.engine.reconcile(KEY)
    service.pods.there = [pod("glance-0", "containerd://b0")]
    service.process.told()
    service.pod.asked.clear()

    def again() -> bool:
        service.process.engine.reconcile(KEY)
        return SECOND in service.images and bool(service.written[1:])

    eventually(again, timeout=10)
    assert service.pod.requests() == [f"DELETE /v2/images/{FIRST}", f"POST /v2/images/{SECOND}/import"]
    assert service.written[1] | {"contentHash": "", "taskID": ""} == {
        "node": "glance-0",
        "containerID": "containerd://b0",
        "lost": 1,
        "contentHash": "",
        "taskID": "",
    }
    told = [one.partition(":")[0] for one in service.process.told() if one.startswith("Warning")]
    assert told == ["Warning ImportLost", "Warning Recreating"]
    service.finish()
    until_ready(service.process)
    status = service.process.body()["status"]
    assert (status["incarnation"], status["id"]) == (2, SECOND)
    assert "lost" not in status.get("attempt", {})
