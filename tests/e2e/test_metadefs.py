"""Metadata definitions on a real node: Glance's own come by a Job, the user's come and go with their ConfigMap."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.lab import Service, api, store
from tests.support import eventually

from sandbox_kit.node.deployment import Deployment
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.node.places import Place

pytestmark = pytest.mark.timeout(600)
SITE = {"namespace": "Site::Forms", "visibility": "public", "protected": True, "tags": [{"name": "hardened"}]}


@pytest.fixture(scope="module")
def service(operator: Deployment, cluster: Place, mariadb: MariaDB) -> Iterator[Service]:
    """One replica, one store; the ConfigMap that the spec names is not there yet."""
    made = Service(cluster, mariadb, "metadefs")
    made.make()
    refs = {"configMapRefs": [{"name": "site"}]}
    one = api(replicas=1, staging=None, metadefs=refs)
    made.apply(one, store("central", "central"), made.claim("central"), made.database())
    yield made
    made.end()


def defined(service: Service) -> dict[str, Any]:
    """Glance's namespaces by name."""
    url = service.get("gapi/glance")["status"]["endpoint"]
    headers = [word for name, value in service.headers.items() for word in ("-H", f"{name}: {value}")]
    said = service.ask(f"{url}/v2/metadefs/namespaces?limit=100", *headers)
    return {one["namespace"]: one for one in json.loads(said)["namespaces"]}


def site(*documents: dict[str, Any]) -> dict[str, Any]:
    data = {f"{number}.json": json.dumps(document) for number, document in enumerate(documents)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "site"}, "data": data}


def test_glances_own_are_loaded_and_what_is_missing_makes_the_service_none_the_worse(service: Service) -> None:
    service.until("gapi/glance", "Ready", "True")
    service.until("gapi/glance", "MetadefsReady", "False", "InputMissing")
    eventually(lambda: len(defined(service)) > 30)
    service.until("gapi/glance", "Ready", "True")


def test_a_namespace_comes_with_its_config_map_and_goes_with_it(service: Service) -> None:
    service.apply(site(SITE, {"namespace": "Site::Other"}))
    body = service.until("gapi/glance", "MetadefsReady", "True")
    assert [one["namespace"] for one in body["status"]["metadefs"]] == ["Site::Forms", "Site::Other"]
    assert defined(service)["Site::Forms"]["protected"] is True
    service.kubectl("delete", "configmap", "site")
    eventually(lambda: not {"Site::Forms", "Site::Other"} & defined(service).keys(), 90)
    assert len(defined(service)) > 30, "and nothing else"
