"""A cloud that is down, credentials that are gone: what is at rest stays as it is, nothing is lost, all comes back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.images.conftest import new_namespace
from tests.integration.images.lab import ForkedOperator, Lab, Operator, condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance, GlanceConfig
from sandbox_kit.source import Source

DATA = images.raw(1 << 16)


@pytest.fixture(scope="module")
def outage(crds_installed: ControlPlane, source: Source, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A Glance of this module's own, which may be stopped."""
    config = GlanceConfig(allowed_ports=(source.port,))
    with Glance(tmp_path_factory.mktemp("glance"), config) as glance:
        lab = Lab(crds_installed, glance, source, new_namespace(crds_installed))
        lab.apply(lab.credentials())
        yield lab


@pytest.fixture(scope="module")
def down(outage: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    settings = {"watch_namespaces": outage.namespace, "lost_grace": "3s", "resync": "2s", "retry_base": "1s"}
    directory: Path = tmp_path_factory.mktemp("operator")
    with ForkedOperator(directory, outage.kube.kubeconfig, **settings) as running:
        yield running


def test_glance_goes_and_comes_back(outage: Lab, down: Operator) -> None:
    url = outage.source.serve("steady", DATA)
    outage.apply(*(outage.image(f"rest-{i}", url, resyncPeriod="1m") for i in range(5)))
    before = {f"rest-{i}": outage.ready(f"rest-{i}") for i in range(5)}
    outage.glance.stop()
    outage.apply(outage.image("new", url))
    body = outage.until("new", "CloudReady", "False", "GlanceUnavailable")
    assert outage.glance.url in condition(body, "Ready")["message"]
    assert condition(body, "Reconciling")["status"] == "True"
    outage.patch("rest-0", tags=["later"])
    outage.until("rest-0", "CloudReady", "False", "GlanceUnavailable")
    outage.delete("rest-1")
    outage.until("rest-1", "CloudReady", "False", "GlanceUnavailable")
    assert outage.exists("rest-1")
    cloud = f'{{cloud="{outage.namespace}/openstack/images"}}'
    assert down.metrics()[f"glance_operator_cloud_up{cloud}"] == 0
    for name in ("rest-2", "rest-3", "rest-4"):
        assert outage.get(name) == before[name]

    outage.glance.start()
    outage.ready("new", timeout=60)
    image = outage.in_glance(outage.ready("rest-0", timeout=60)["status"]["id"])
    assert (image or {})["tags"] == ["later"]
    outage.gone("rest-1", timeout=60)
    assert outage.owned("rest-1") == []
    assert down.metrics()[f"glance_operator_cloud_up{cloud}"] == 1


def test_a_store_that_fails_is_shown_and_filled_when_it_works_again(outage: Lab, down: Operator) -> None:
    store = outage.glance.store_directory("dcn1")
    away = store.with_name("dcn1-away")
    store.rename(away)
    try:
        url = outage.source.serve("partial", DATA)
        strict = {"all": {}, "allowFailure": False}
        outage.apply(
            outage.image("partial", url, stores={"all": {}}, visibility="public"),
            outage.image("strict", url, stores=strict, visibility="public", retryLimit=-1),
        )
        body = outage.until("partial", "StoresReady", "False", "PartialFailure", timeout=60)
        assert condition(body, "Ready")["status"] == "True"
        assert condition(body, "Ready")["reason"] == "PartialFailure"
        assert body["status"]["storesReady"] == "2/3"
        failed = next(s for s in body["status"]["stores"] if s["name"] == "dcn1")
        assert (failed["status"], failed["reason"]) == ("False", "ImportFailed")
        assert failed["attempts"] >= 1
        assert failed["nextAttemptTime"]
        outage.until("strict", "Ready", "False", "StoreImportFailed", timeout=60)
        seen = {name: outage.owned(name)[0]["visibility"] for name in ("partial", "strict")}
        assert seen == {"partial": "public", "strict": "private"}
    finally:
        away.rename(store)
    for name in ("partial", "strict"):
        outage.retry(name, "works-again")
        body = outage.until(name, "StoresReady", "True", timeout=60)
        outage.ready(name)
        assert (store / body["status"]["id"]).read_bytes() == DATA
    assert outage.owned("strict")[0]["visibility"] == "public"


def test_a_method_that_is_not_enabled_is_named(outage: Lab, down: Operator) -> None:
    usual = outage.glance.config
    outage.glance.configure(replace(usual, methods=("copy-image",)))
    outage.glance.restart()
    outage.apply(outage.image("method", outage.source.serve("method", DATA)))
    message = condition(outage.until("method", "Stalled", "True", "MethodNotEnabled", timeout=90), "Stalled")["message"]
    assert "web-download" in message
    assert "copy-image" in message
    outage.glance.configure(usual)
    outage.glance.restart()
    outage.retry("method", "enabled-now")
    outage.ready("method", timeout=90)


def test_credentials_that_are_gone_are_awaited_and_then_let_go(outage: Lab, down: Operator) -> None:
    url = outage.source.serve("lost", DATA)
    names = ("lost", "lost-retained", "lost-suspended")
    for name in names:
        outage.apply(outage.credentials(name), outage.image(name, url, name))
    ids = {name: outage.ready(name)["status"]["id"] for name in names}
    for name in names:
        outage.kubectl("delete", "secret", name)
        outage.retry(name, "look")
        body = outage.until(name, "CloudReady", "False", "CredentialsNotFound")
        assert condition(body, "Ready")["status"] == "True"

    outage.patch("lost-retained", deletionPolicy="Retain")
    outage.patch("lost-suspended", suspend=True)
    for name in ("lost-retained", "lost-suspended"):
        outage.delete(name)
        outage.gone(name, timeout=5)
    before = down.metrics().get("glance_operator_left_in_glance_total", 0)
    outage.delete("lost")
    message = condition(outage.until("lost", "Reconciling", "True", "CredentialsNotFound"), "Ready")["message"]
    assert "lets go at once" in message
    outage.gone("lost")
    assert all(outage.in_glance(image_id) for image_id in ids.values())
    assert down.metrics()["glance_operator_left_in_glance_total"] == before + 1

    def reasons() -> set[str]:
        events = json.loads(outage.kubectl("get", "events", "-o", "json"))["items"]
        return {e["reason"] for e in events if e["involvedObject"]["name"] == "lost"}

    assert eventually(lambda: "LeftInGlance" in reasons())
