"""Clouds by their credentials: the same ones are one cloud, wherever they stand; others are another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support import eventually
from tests.unit.runtime.cloud_office import NOWHERE, Office

from glance_operator.core.image.observed import Service
from glance_operator.core.plan import Phase, State
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.credentials import Credentials
from glance_operator.runtime.errors import Unavailable
from glance_operator.runtime.metrics import Metrics
from glance_operator.runtime.store import Key
from glance_operator.runtime.world import CloudTelemetry

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
DOWN = Unavailable(State(Phase.WORKING, "GlanceUnavailable", "down"))


@pytest.fixture
def office() -> Office:
    return Office()


def test_the_same_credentials_in_two_namespaces_are_one_cloud(office: Office) -> None:
    office.write("a")
    office.write("b", "other-name")
    one = office.clouds.find("a", "openstack", "lab")
    assert office.clouds.find("b", "other-name", "lab") is one
    assert office.clouds.find("a", "openstack", "lab") is one
    assert office.clouds.all() == [one]
    assert office.up == []  # nobody has asked it anything


def test_other_credentials_are_another_cloud(office: Office) -> None:
    office.write("a")
    office.write("b", region_name="west")
    one, other = office.clouds.find("a", "openstack", "lab"), office.clouds.find("b", "openstack", "lab")
    assert one is not other
    one.slots.try_acquire(Key("Image", "a", "x"))
    assert other.slots.holders() == []


def test_changed_credentials_take_the_place_of_the_old(office: Office) -> None:
    office.write("a")
    old = office.clouds.find("a", "openstack", "lab")
    office.write("a", region_name="west")
    assert office.clouds.find("a", "openstack", "lab") is old
    office.now += 60
    new = office.clouds.find("a", "openstack", "lab")
    assert new is not old
    assert office.clouds.all() == [new]


def test_a_cloud_that_others_still_name_stays(office: Office) -> None:
    office.write("a")
    office.write("b")
    shared = office.clouds.find("a", "openstack", "lab")
    office.clouds.find("b", "openstack", "lab")
    office.write("a", region_name="west")
    office.now += 60
    office.clouds.find("a", "openstack", "lab")
    assert shared in office.clouds.all()
    assert office.clouds.find("b", "openstack", "lab") is shared


def test_a_cloud_without_a_secret_is_forgotten(office: Office) -> None:
    office.write("a")
    cloud = office.clouds.find("a", "openstack", "lab")
    cloud.gate.passed()
    office.secrets.clear()
    with pytest.raises(Unavailable, match="does not exist"):
        office.clouds.find("a", "openstack", "lab", fresh=True)
    assert (office.clouds.all(), office.gone) == ([], ["a/openstack/lab"])
    cloud.gate.failed(DOWN)  # a pass that began before
    assert office.up == [("a/openstack/lab", True)]


def test_a_cloud_that_others_name_outlives_the_secret_of_one(office: Office) -> None:
    office.write("a")
    office.write("b")
    shared = office.clouds.find("a", "openstack", "lab")
    office.clouds.find("b", "openstack", "lab")
    del office.secrets["a", "openstack"]
    with pytest.raises(Unavailable, match="does not exist"):
        office.clouds.find("a", "openstack", "lab", fresh=True)
    assert (office.clouds.all(), office.gone) == ([shared], ["a/openstack/lab"])
    assert (shared.name, office.up) == ("b/openstack/lab", [])  # nobody has asked it anything


def test_no_two_clouds_have_the_same_name(office: Office) -> None:
    """Two namespaces share credentials; the one after which the cloud is named gets others, and then the other's."""
    office.write("a")
    office.write("b")
    old = office.clouds.find("a", "openstack", "lab")
    office.clouds.find("b", "openstack", "lab")
    old.gate.passed()
    office.write("a", region_name="west")
    new = office.clouds.find("a", "openstack", "lab", fresh=True)
    new.gate.failed(DOWN)
    assert {cloud.name: cloud for cloud in office.clouds.all()} == {"b/openstack/lab": old, "a/openstack/lab": new}
    assert office.gone == ["a/openstack/lab"]
    assert office.up == [("a/openstack/lab", True), ("b/openstack/lab", True), ("a/openstack/lab", False)]
    old.gate.failed(DOWN)
    assert office.up[-1] == ("b/openstack/lab", False)
    office.write("b", region_name="west")
    assert office.clouds.find("b", "openstack", "lab", fresh=True) is new
    assert ([cloud.name for cloud in office.clouds.all()], office.gone[1:]) == (
        ["a/openstack/lab"],
        ["b/openstack/lab"],
    )


def test_requests_are_counted_under_the_name_of_now(office: Office) -> None:
    office.write("a")
    office.write("b")
    shared = office.clouds.find("a", "openstack", "lab")
    office.clouds.find("b", "openstack", "lab")
    office.write("a", region_name="west")
    office.clouds.find("a", "openstack", "lab", fresh=True)
    with pytest.raises(Unavailable):
        shared.glance.image("i1")
    assert office.requests == [("b/openstack/lab", "GET", "<error>")]


def test_a_cloud_that_takes_long_to_be_made_holds_up_no_other(office: Office) -> None:
    """The cluster's id comes from an API server, which may take its time."""
    office.write("a")
    office.write("b", region_name="west")
    office.clouds.find("b", "openstack", "lab")
    office.cluster_known.clear()
    with ThreadPoolExecutor(2) as threads:
        slow = [threads.submit(office.clouds.find, "a", "openstack", "lab") for _ in range(2)]
        eventually(lambda: office.cluster_asked == 3, timeout=5, interval=0.005)
        assert office.clouds.find("b", "openstack", "lab").name == "b/openstack/lab"
        assert len(office.clouds.all()) == 1
        office.cluster_known.set()
        assert slow[0].result(5) is slow[1].result(5)


def test_the_metric_of_a_cloud_that_is_gone_goes_with_it() -> None:
    metrics = Metrics()
    telemetry = CloudTelemetry(metrics)
    telemetry.cloud_up("a", True)
    telemetry.cloud_up("b", False)
    telemetry.cloud_gone("a")
    telemetry.cloud_gone("never heard of")
    (figure,) = (line for line in metrics.expose().decode().splitlines() if line.startswith("glance_operator_cloud_up"))
    assert figure == 'glance_operator_cloud_up{cloud="b"} 0.0'


def test_who_asks_for_it_reads_the_secret_anew(office: Office) -> None:
    office.write("a")
    office.clouds.find("a", "openstack", "lab")
    office.clouds.find("a", "openstack", "lab", fresh=True)
    assert office.reads == 2


def test_who_asks_for_it_may_try_a_cloud_that_is_down(office: Office) -> None:
    office.write("a")
    cloud = office.clouds.find("a", "openstack", "lab")
    cloud.gate.failed(DOWN)
    assert office.clouds.find("a", "openstack", "lab").gate.wait() > 0
    assert office.clouds.find("a", "openstack", "lab", fresh=True).gate.wait() == 0
    cloud.gate.enter()
    with pytest.raises(Unavailable, match="down"):
        cloud.gate.enter()


def test_certificates_that_were_cleaned_away_are_written_again(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    office.write("a")
    office.secrets["a", "openstack"]["cacert"] = b"pem"
    cloud = office.clouds.find("a", "openstack", "lab")
    (file,) = tmp_path.iterdir()
    file.unlink()
    cloud.gate.failed(DOWN)
    office.clouds.find("a", "openstack", "lab")
    assert file.read_bytes() == b"pem"


def test_while_a_cloud_is_down_its_secret_is_read_more_often(office: Office) -> None:
    office.write("a")
    cloud = office.clouds.find("a", "openstack", "lab")
    cloud.gate.failed(DOWN)
    office.clouds.find("a", "openstack", "lab")
    office.now += 9
    office.clouds.find("a", "openstack", "lab")
    assert office.reads == 2
    assert office.up == [("a/openstack/lab", False)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [100.0]
    monkeypatch.setattr("glance_operator.runtime.clouds.time.monotonic", lambda: now[0])

    def advance(seconds: float) -> None:
        now[0] += seconds

    return advance


def test_what_a_service_offers_is_asked_once_a_minute_or_when_somebody_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]
) -> None:
    office.write("a")
    cloud = office.clouds.find("a", "openstack", "lab")
    asked: list[Service] = []

    def service() -> Service:
        asked.append(Service(("central",) * len(asked)))
        return asked[-1]

    monkeypatch.setattr(cloud.glance, "service", service)
    assert cloud.service() is cloud.service()
    clock(59)
    assert cloud.service() is asked[0]
    clock(2)
    assert cloud.service() is asked[1]
    office.clouds.find("a", "openstack", "lab", fresh=True)
    assert cloud.service() is asked[2]


class TestPods:
    def test_each_has_a_client_of_its_own_that_is_kept_while_it_is_used(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.write("a")
        cloud = office.clouds.find("a", "openstack", "lab")
        now = 1000.0
        monkeypatch.setattr("glance_operator.runtime.clouds.time.monotonic", lambda: now)
        one, other = cloud.at("http://127.0.0.1:9"), cloud.at("http://127.0.0.1:10")
        assert one is not other
        now += 599
        assert cloud.at("http://127.0.0.1:9") is one
        now += 599
        assert cloud.at("http://127.0.0.1:9") is one
        assert cloud.at("http://127.0.0.1:10") is not other

    def test_that_one_is_gone_is_not_held_against_the_service(self, office: Office) -> None:
        office.write("a")
        cloud = office.clouds.find("a", "openstack", "lab")
        pod = cloud.at("http://127.0.0.1:9")
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9"):
            pod.image("i1")
        assert pod.resting()
        assert not cloud.gate.troubled()
        assert office.up == []
        assert office.requests == [("a/openstack/lab", "GET", "<error>")]


class Services:
    """A reader of GlanceAPIs of which one is told whether it serves."""

    trouble: Unavailable | None = None

    def read(self, namespace: str, source: str, name: str) -> Credentials:
        if self.trouble:
            raise self.trouble
        return Credentials("digest", NOWHERE, b"")

    def reread_now(self, namespace: str, source: str) -> None: ...
    def reread_soon(self, namespace: str, source: str) -> None: ...


def test_a_service_of_ours_that_is_back_is_asked_at_once(office: Office) -> None:
    """The pause after its last failure is half a minute by then; whoever is woken by its readiness need not wait."""
    reader = Services()
    clouds = office.registry(reader)
    cloud = clouds.find("ns", SERVICE, "glance")
    for _ in range(6):
        cloud.gate.failed(DOWN)
    assert cloud.gate.wait() > 10
    assert clouds.find("ns", SERVICE, "glance").gate.wait() > 10, "that it is asked for is no sign of life"
    reader.trouble = Unavailable(State(Phase.WORKING, "APINotReady", "not yet"))
    with pytest.raises(Unavailable, match="not yet"):
        clouds.find("ns", SERVICE, "glance")
    reader.trouble = None
    assert clouds.find("ns", SERVICE, "glance").gate.wait() == 0
    cloud.gate.failed(DOWN)
    assert clouds.find("ns", SERVICE, "glance").gate.wait() > 0, "once, not each time"
