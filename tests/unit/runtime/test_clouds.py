"""Clouds by their credentials: the same ones are one cloud, wherever they stand; others are another."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from glance_operator.core.image.observed import Cause, Service
from glance_operator.core.plan import Phase, State
from glance_operator.runtime.clouds import Clouds
from glance_operator.runtime.credentials import CredentialsReader
from glance_operator.runtime.errors import Unavailable
from glance_operator.runtime.metrics import Metrics
from glance_operator.runtime.store import Key
from glance_operator.runtime.world import CloudTelemetry

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
SECRET = "correct-horse-battery"
NOWHERE = {"auth_type": "none", "image_endpoint_override": "http://127.0.0.1:9"}
DOWN = Unavailable(State(Phase.WORKING, "GlanceUnavailable", "down"))


class Office:
    """Secrets of many namespaces, and the clouds made of them."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], dict[str, bytes]] = {}
        self.now, self.reads = 100.0, 0
        self.up: list[tuple[str, bool]] = []
        self.gone: list[str] = []
        self.clouds = Clouds(
            CredentialsReader(self, lambda: self.now),
            cluster=lambda: "here",
            telemetry=self,
            fence=lambda: None,
            wake=lambda _: None,
            imports=2,
        )

    def write(self, namespace: str, name: str = "openstack", **entry: Any) -> None:
        text = yaml.safe_dump({"clouds": {"lab": NOWHERE | entry}})
        self.secrets[namespace, name] = {"clouds.yaml": text.encode()}

    def get_secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        self.reads += 1
        return self.secrets.get((namespace, name))

    def glance_request(self, cloud: str, method: str, code: str) -> None: ...

    def cloud_up(self, cloud: str, up: bool) -> None:
        self.up.append((cloud, up))

    def cloud_gone(self, cloud: str) -> None:
        self.gone.append(cloud)


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
    assert (office.clouds.all(), office.gone) == ([shared], [])


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


# What a client cannot be made of: words, the entry, what is said
UNUSABLE: list[tuple[str, dict[str, Any], str]] = [
    (
        "no such auth type",
        {"auth_type": "nosuch", "auth": {"password": SECRET}},
        "auth_type is not one that keystoneauth knows",
    ),
    ("no auth_url", {"auth_type": "password", "auth": {"username": "u", "password": SECRET}}, "missing: auth_url"),
    ("auth is a text", {"auth_type": "password", "auth": SECRET}, "auth is not a mapping"),
    ("auth is a list", {"auth_type": "password", "auth": [SECRET]}, "auth is not a mapping"),
    ("headers are a list", {"trusted_headers": [SECRET]}, "trusted_headers is not a mapping"),
    ("a number for a name", {1: SECRET}, r"no client .* \(TypeError\)"),  # type: ignore[dict-item]
    ("a text for a number", {"api_timeout": SECRET}, r"no client .* \(ValueError\)"),
    ("braces", {"region_name": "{" + SECRET + "}"}, r"no client .* \(KeyError\)"),
    ("an empty auth_url", {"auth_type": "password", "auth": {"auth_url": None}}, "auth.auth_url is not an address"),
    ("a number for auth_url", {"auth": {"auth_url": 5}}, "auth.auth_url is not an address"),
    ("a user in auth_url", {"auth": {"auth_url": f"http://u:{SECRET}@h"}}, "auth.auth_url .* names no user"),
    ("a user in the override", {"image_endpoint_override": f"http://{SECRET}@h"}, "override .* names no user"),
    ("no latin headers", {"trusted_headers": {"X-User": SECRET + "\u20ac"}}, "characters that no HTTP header may have"),
    ("a header in two lines", {"trusted_headers": {"X-User": SECRET + "\nX: y"}}, "characters that no HTTP header"),
    (
        "certificates in a file",
        {"cacert": f"/home/{SECRET}/ca.pem"},
        "put the certificates under the Secret's key cacert",
    ),
    ("a client certificate", {"cert": f"/home/{SECRET}/me.pem"}, "client certificates are not supported"),
    ("a client's key", {"key": f"/home/{SECRET}/me.key"}, "client certificates are not supported"),
    ("a text for verify", {"verify": SECRET}, "verify is neither true nor false"),
]


@pytest.mark.parametrize(("words", "entry", "said"), UNUSABLE, ids=[row[0] for row in UNUSABLE])
def test_an_entry_that_cannot_be_used(office: Office, words: str, entry: dict[str, Any], said: str) -> None:
    text = yaml.safe_dump({"clouds": {"lab": NOWHERE | entry}})
    office.secrets["a", "openstack"] = {"clouds.yaml": text.encode()}
    with pytest.raises(Unavailable, match=said) as caught:
        office.clouds.find("a", "openstack", "lab")
    assert (caught.value.cause, caught.value.state.reason) == (Cause.INVALID, "CredentialsInvalid")
    assert "a/openstack" in caught.value.state.message
    assert "lab" in caught.value.state.message
    assert SECRET not in caught.value.state.message
    office.write("a")
    office.now += 9
    assert office.clouds.find("a", "openstack", "lab").name == "a/openstack/lab"


FULL: dict[str, Any] = {
    "auth_type": "password",
    "auth": {
        "auth_url": "http://127.0.0.1:9/v3",
        "username": "u",
        "password": "p",
        "project_name": "p",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    },
    "region_name": "one",
    "interface": "public",
    "api_timeout": 5,
    "verify": True,
    "profile": "ovh",
    "cacert": "ca.pem",
    "regions": ["one"],
    "image_endpoint_override": "http://127.0.0.1:9",
    "image_api_version": "2",
    "trusted_headers": {"X-Roles": "admin"},
}


@pytest.mark.parametrize("path", [*FULL, *(f"auth.{name}" for name in FULL["auth"]), "trusted_headers.X-Roles"])
def test_no_scalar_of_the_secret_is_ever_quoted(office: Office, path: str) -> None:
    top, *below = path.split(".")
    entry = {key: FULL[key] for key in ("auth_type", "auth", top)}
    entry[top] = {**FULL[top], below[0]: SECRET} if below else SECRET
    office.secrets["a", "openstack"] = {"clouds.yaml": yaml.safe_dump({"clouds": {"lab": entry}}).encode()}
    with pytest.raises(Unavailable) as caught:
        office.clouds.find("a", "openstack", "lab").glance.image("i1")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_certificates_of_the_secret_take_the_place_of_a_file(office: Office) -> None:
    office.write("a", cacert="/home/me/ca.pem")
    office.secrets["a", "openstack"]["cacert"] = b"pem"
    assert office.clouds.find("a", "openstack", "lab").name == "a/openstack/lab"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [100.0]
    monkeypatch.setattr("glance_operator.runtime.clouds.time.monotonic", lambda: now[0])

    def advance(seconds: float) -> None:
        now[0] += seconds

    return advance


def test_what_a_service_offers_is_asked_once_a_minute(
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
