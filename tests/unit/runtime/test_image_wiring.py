"""All parts put together as the process does it: an Image from nothing to Ready, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.support import eventually
from tests.unit.core.builders import UID, URL
from tests.unit.runtime.engine_cluster import KEY, Cluster
from tests.unit.runtime.image_service import Answer, Asked, ImageService

from glance_operator.core.conditions import find
from glance_operator.core.image.identity import image_id
from glance_operator.runtime.kinds import WIRING, make_engine
from glance_operator.runtime.queue import Lane, Queue
from glance_operator.runtime.store import Body, Store
from glance_operator.runtime.world import Parts
from glance_operator.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
ID = image_id(UID, 1)
SPEC = {
    "cloudCredentialsRef": {"secretName": "openstack", "cloudName": "lab"},
    "source": {"http": {"url": URL}},
    "diskFormat": "qcow2",
}


class Process(Cluster):
    """An API server in memory with one Secret, and the engine as the process builds it."""

    def __init__(self, service: ImageService, transport: Any = None) -> None:
        """``transport``: to other kinds than Images."""
        super().__init__()
        self.transport = transport
        self.service, self.secret_reads = service, 0
        self.store, self.queue = Store(WIRING.indexes), Queue()
        parts = Parts(
            settings=Settings(),
            kube=cast("Any", self),
            store=self.store,
            queue=self.queue,
            events=cast("Any", SimpleNamespace(record=self.record)),
            metrics=self.metrics,
        )
        self.engine = make_engine(parts)

    def cluster_id(self) -> str:
        return "here"

    def get_secret(self, namespace: str, name: str) -> dict[str, bytes]:
        self.secret_reads += 1
        entry = {"auth_type": "none", "image_endpoint_override": self.service.url}
        return {"clouds.yaml": json.dumps({"clouds": {"lab": entry}}).encode()}

    def body(self) -> Body:
        found = self.store.get(KEY)
        assert found is not None
        return found


@pytest.fixture
def process() -> Iterator[Process]:
    with ImageService() as service:
        service.on("GET /v2/info/import", Answer(200, {"import-methods": {"value": ["web-download", "copy-image"]}}))
        service.on("GET /v2/info/stores", Answer(200, {"stores": [{"id": "central", "default": "true"}]}))
        running = Process(service)
        running.create(uid=UID)
        body = running.body()
        body["spec"], body["metadata"]["resourceVersion"] = SPEC, "2"
        running.version = 2
        running.store.put(KEY, body)
        yield running


def serve(process: Process) -> None:
    """Let Glance make what it is asked to make, and take one look to import it."""
    made: dict[str, Any] = {}

    def create(asked: Asked) -> dict[str, Any]:
        made.update(asked.body, status="queued")
        return made

    def active(_: Asked) -> dict[str, Any]:
        return made | {"status": "active", "stores": "central", "size": 7}

    service = process.service
    service.on("POST /v2/images", Answer(201, create))
    service.on(f"POST /v2/images/{ID}/import", Answer(202))
    importing = Answer(200, lambda _: made | {"status": "importing", "os_glance_import_task": "t1"})
    service.on(f"GET /v2/images/{ID}", importing, Answer(200, active))
    service.on(
        "GET /v2/images",
        Answer(200, lambda asked: {"images": [active(asked)] if made else []}),
        Answer(200, {"images": []}),
    )


def until_ready(process: Process) -> None:
    def ready() -> bool:
        process.engine.reconcile(KEY)
        return find((process.body()["status"]).get("conditions") or (), "Ready").get("status") == "True"

    eventually(ready, timeout=5, interval=0.05)


def test_an_image_from_nothing_to_ready_and_what_it_costs(process: Process) -> None:
    serve(process)
    until_ready(process)
    lists = [
        f"GET /v2/images?limit=1000&visibility=all&os_hidden={hidden}&glance_operator_cluster=here"
        for hidden in ("false", "true")
    ]
    once = [*lists, "GET /v2/info/import", "GET /v2/info/stores"]
    look = f"GET /v2/images/{ID}"
    assert process.service.requests() == [*once, "POST /v2/images", f"POST /v2/images/{ID}/import", look, look]
    assert [told for told in process.told() if not told.startswith("Normal")] == ["hold", "write Available"]
    assert process.body()["status"]["storesReady"] == "1/1"
    assert process.secret_reads == 1


def test_at_rest_it_costs_nothing_at_first(process: Process) -> None:
    serve(process)
    until_ready(process)
    process.told()
    process.service.asked.clear()
    for _ in range(3):
        assert process.engine.reconcile(KEY).lane is Lane.RESYNC
    assert process.service.requests() == [], "what was seen last is good for half of resyncPeriod"
    assert process.told() == []


def test_what_the_metrics_tell(process: Process) -> None:
    serve(process)
    until_ready(process)
    text = process.metrics.expose().decode()
    assert 'glance_operator_images{reason="Available",state="True"} 1.0' in text
    assert 'glance_operator_glance_requests_total{cloud="ns/openstack/lab",code="202",method="POST"} 1.0' in text


def test_who_names_a_secret_or_a_service_is_found(process: Process) -> None:
    assert process.store.referrers("Image", "ns", "secret", "openstack") == [KEY]
    assert process.store.referrers("Image", "other", "secret", "openstack") == []
    assert WIRING.indexes["Image"]["glanceAPI"]({"spec": {"glanceAPIRef": {"name": "g"}}}) == "g"
    assert process.store.counts("Image", "state") == {"Unknown/Pending": 1}
