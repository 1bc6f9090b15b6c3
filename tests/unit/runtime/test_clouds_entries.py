"""Entries of a clouds.yaml of which no client can be made: what is wrong is said, and nothing of them is quoted."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
import yaml
from tests.unit.runtime.cloud_office import NOWHERE, Office

from glance_operator.core.image.observed import Cause
from glance_operator.runtime.errors import Unavailable

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*")
SECRET = "correct-horse-battery"


@pytest.fixture
def office() -> Office:
    return Office()


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
    ("braces", {"region_name": "{" + SECRET + "}"}, "a value beside auth holds braces"),
    ("ten gigabytes", {"region_name": "{auth_type:>10000000000}"}, "a value beside auth holds braces"),
    ("braces in auth_url", {"auth": {"auth_url": "http://{" + SECRET + "}"}}, "auth.auth_url holds braces"),
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
    ("a client certificate, hidden", {"os-cert": f"/home/{SECRET}/me.pem"}, "client certificates are not supported"),
    ("a text for verify", {"verify": SECRET}, "verify is neither true nor false"),
    ("a file for verify", {"os_verify": f"/etc/{SECRET}"}, "verify is neither true nor false"),
    (
        "a profile from the network",
        {"profile": f"http://169.254.169.254/{SECRET}"},
        "profile is not the name of a vendor",
    ),
    ("a profile from a host", {"profile": f"//{SECRET}"}, "profile is not the name of a vendor"),
    ("a profile from a file", {"profile": f"/etc/{SECRET}.yaml"}, "profile is not the name of a vendor"),
    ("a profile in steps", {"profile": f"../{SECRET}"}, "profile is not the name of a vendor"),
    ("no such profile", {"profile": SECRET}, "profile is not the name of a vendor"),
    ("a profile that is fetched", {"profile": "ovh"}, "profile is not the name of a vendor whose settings"),
    ("a list of profiles", {"profile": [SECRET]}, "profile is not the name of a vendor"),
    ("a profile's old name", {"cloud": f"http://{SECRET}"}, "cloud is an old word for profile"),
    ("a login in a browser", {"auth_type": "v3websso"}, "asks a person to log in"),
    ("a login by a device", {"auth_plugin": "v3oidcdeviceauthz"}, "asks a person to log in"),
    ("one of several", {"auth_type": "v3multifactor", "auth_methods": ["v3password", "v3websso"]}, "asks a person"),
    ("a code typed in", {"auth": {"idp_otp_key": SECRET}}, "idp_otp_key asks somebody at a keyboard"),
    ("figures without end", {"timing": True}, "timing gathers figures without end"),
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


def test_what_is_usual_is_accepted(office: Office) -> None:
    """Even what is of no use here; and braces are nothing special in a password."""
    without = ("cacert", "image_endpoint_override")
    entry = {name: value for name, value in FULL.items() if name not in without}
    entry |= {"profile": "citycloud", "region_name": "Kna1", "auth": FULL["auth"] | {"password": "a{b}"}}
    entry |= {"compute_api_version": "2.1", "networks": [{"name": "n"}], "vendor_hook": "nobody.calls:it"}
    office.secrets["a", "openstack"] = {"clouds.yaml": yaml.safe_dump({"clouds": {"lab": entry}}).encode()}
    assert office.clouds.find("a", "openstack", "lab").name == "a/openstack/lab"


def test_a_file_of_certificates_under_another_spelling_is_not_replaced(office: Office) -> None:
    office.write("a", os_cacert="/home/me/ca.pem")
    office.secrets["a", "openstack"]["cacert"] = b"pem"
    with pytest.raises(Unavailable, match="cacert names a file that is not here"):
        office.clouds.find("a", "openstack", "lab")


def test_certificates_of_the_secret_take_the_place_of_a_file(office: Office) -> None:
    office.write("a", cacert="/home/me/ca.pem")
    office.secrets["a", "openstack"]["cacert"] = b"pem"
    assert office.clouds.find("a", "openstack", "lab").name == "a/openstack/lab"
