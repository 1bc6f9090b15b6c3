"""From a GlanceAPI to a cloud: what Images that name one are told until it serves, and who wakes them then."""

from __future__ import annotations

import base64
from typing import Any, cast

import pytest
from tests.unit.core.builders import body_of
from tests.unit.core.scenarios.pods import ours

from glance_operator.core.image.observed import Cause
from glance_operator.runtime.apis import SERVICE, ApiReader
from glance_operator.runtime.errors import Unavailable
from glance_operator.runtime.inputs import Inputs
from glance_operator.runtime.intake import Intake
from glance_operator.runtime.kinds import WIRING
from glance_operator.runtime.queue import Queue
from glance_operator.runtime.store import Body, Key, Store

GLANCE, IMAGE = Key(SERVICE, "default", "glance"), Key("Image", "default", "jammy")
DATABASE = {"connectionSecretRef": {"name": "db", "key": "connection"}}
ENDPOINT = "http://glance.default.svc.cluster.local:9292"
SECRET = {"auth_type": "password", "username": "glance", "password": "hush", "project_name": "service"}


class Desk:
    """A store with what was brought, a queue with who was woken by it, and Secrets."""

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, str]] = {}
        self.store, self.queue, self.version = Store(WIRING.indexes), Queue(), 0
        self.intake = Intake(self.store, self.queue, lambda _: False, WIRING, 1000.0)
        self.reader = ApiReader(self.store, Inputs(cast("Any", self), lambda: float(self.version)))

    def get(self, kind: str, namespace: str, name: str) -> Body | None:
        """In place of Kubernetes."""
        content = self.secrets.get(name)
        data = {key: base64.b64encode(value.encode()).decode() for key, value in (content or {}).items()}
        return None if content is None else {"kind": kind, "data": data}

    def bring(self, serves: bool, auth: dict[str, Any] | None = None) -> None:
        """The GlanceAPI as its controller leaves it."""
        self.version += 100
        status = "True" if serves else "False"
        ready = {"type": "Ready", "status": status, "reason": "Migrating", "message": "Expanding the schema"}
        endpoint = {"type": "EndpointReady", "status": status, "reason": "x"}
        self.intake.changed(
            {
                "kind": SERVICE,
                "metadata": {
                    "name": "glance",
                    "namespace": "default",
                    "uid": "6f1e1c1e-0000-4000-8000-000000000001",
                    "generation": 1,
                    "resourceVersion": str(self.version),
                },
                "spec": {"database": DATABASE, "auth": auth or {"trusted": {}}},
                "status": {
                    "observedGeneration": 1,
                    "endpoint": ENDPOINT,
                    "readyReplicas": int(serves),
                    "conditions": [ready, endpoint],
                },
            }
        )

    def woken(self) -> set[Key]:
        found = set()
        while key := self.queue.poll():
            self.queue.done(key)
            found.add(key)
        return found


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    body = body_of(ours(), {"observedGeneration": 1})
    body["metadata"]["resourceVersion"] = "1"
    made.intake.changed(body)
    made.woken()
    return made


def refused(desk: Desk) -> Unavailable:
    with pytest.raises(Unavailable) as trouble:
        desk.reader.read("default", SERVICE, "glance")
    return trouble.value


def test_one_that_is_not_there_is_awaited_by_name(desk: Desk) -> None:
    trouble = refused(desk)
    assert (trouble.state.reason, trouble.cause) == ("APINotFound", Cause.MISSING)
    assert trouble.state.message == "GlanceAPI glance (spec.glanceAPIRef) does not exist"


def test_one_that_does_not_serve_yet_is_awaited_with_its_own_words(desk: Desk) -> None:
    desk.bring(serves=False)
    trouble = refused(desk)
    assert (trouble.state.reason, trouble.cause) == ("APINotReady", Cause.OUTAGE)
    assert trouble.state.message == "GlanceAPI glance does not serve yet (Migrating: Expanding the schema)"


def test_who_waits_is_woken_when_it_comes_and_when_it_serves(desk: Desk) -> None:
    desk.bring(serves=False)
    assert IMAGE in desk.woken()
    desk.bring(serves=False)
    assert IMAGE not in desk.woken(), "nothing new for those who wait"
    desk.bring(serves=True)
    assert IMAGE in desk.woken()
    assert desk.reader.read("default", SERVICE, "glance").settings["image_endpoint_override"] == ENDPOINT
    desk.bring(serves=False)
    assert IMAGE in desk.woken()


def test_a_trusted_one_is_told_who_we_are(desk: Desk) -> None:
    desk.bring(serves=True)
    settings = desk.reader.read("default", SERVICE, "glance").settings
    assert settings["auth_type"] == "none"
    assert settings["trusted_headers"]["X-Roles"] == "admin,member,reader"


def test_one_with_keystone_is_used_with_its_own_credentials(desk: Desk) -> None:
    keystone = {"authURL": "https://keystone.example.org/v3", "credentialsSecretRef": {"name": "admin"}}
    desk.bring(serves=True, auth={"keystone": keystone})
    trouble = refused(desk)
    assert trouble.state.reason == "APINotReady"
    assert "Secret admin" in trouble.state.message
    desk.secrets["admin"] = SECRET
    desk.bring(serves=True, auth={"keystone": keystone})
    settings = desk.reader.read("default", SERVICE, "glance").settings
    assert settings["auth"]["auth_url"] == "https://keystone.example.org/v3"
    assert settings["auth"]["username"] == "glance"
    assert "trusted_headers" not in settings
