"""Services and stores as far as they come without a node: what is missing is told, and the end is clean."""

from __future__ import annotations

from tests.integration.services.conftest import IMAGE, Desk, api, store


def test_a_store_awaits_its_service_and_is_let_go_without_one(desk: Desk, name: str) -> None:
    desk.apply(store(name, "nowhere"))
    told = desk.until(f"gstore/{name}", "Ready", "False", "APINotFound")
    assert "GlanceAPI nowhere (spec.glanceAPIRef) does not exist" in told["message"]
    desk.kubectl("delete", "gstore", name, "--wait=false")
    desk.gone(f"gstore/{name}")


def test_a_service_without_stores_says_what_to_create(desk: Desk, name: str) -> None:
    desk.apply(api(name))
    told = desk.until(f"gapi/{name}", "StoresReady", "False", "NoStore")
    assert f"spec.glanceAPIRef.name: {name}" in told["message"]
    desk.kubectl("delete", "gapi", name, "--wait=false")
    desk.gone(f"gapi/{name}")


def test_what_a_service_refers_to_is_awaited_by_name(desk: Desk, name: str) -> None:
    desk.apply(api(name, database={"connectionSecretRef": {"name": name, "key": "connection"}}))
    told = desk.until(f"gapi/{name}", "ConfigReady", "False", "InputMissing")
    assert f"Secret {name} (spec.database.connectionSecretRef) does not exist" in told["message"]
    desk.kubectl("create", "secret", "generic", name, "--from-literal=connection=mysql+pymysql://g:s3cret@db/glance")
    desk.until(f"gapi/{name}", "ConfigReady", "Unknown", "NotReached")
    desk.until(f"gapi/{name}", "StoresReady", "False", "NoStore")
    assert "s3cret" not in desk.kubectl("get", f"gapi/{name}", "-o", "yaml")


def test_the_proof_of_a_store_is_owned_by_it_and_goes_with_it(desk: Desk, name: str) -> None:
    desk.apply(api(name), store(f"{name}-s", name))
    desk.until(f"gstore/{name}-s", "Usable", "False", "Probing")
    (job,) = [one for one in desk.names("jobs") if one.startswith(f"{name}-s-probe-")]
    assert desk.get(f"job/{job}")["metadata"]["ownerReferences"][0]["name"] == f"{name}-s"
    assert desk.get(f"job/{job}")["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE
    desk.until(f"gapi/{name}", "StoresReady", "False", "StoresProbing")
    desk.kubectl("delete", "gstore", f"{name}-s", "--wait=false")
    desk.gone(f"job/{job}")
    desk.gone(f"secret/{job}")
