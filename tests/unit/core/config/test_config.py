"""The configuration files: compared byte by byte with what was once looked at, and their traps one by one."""

from __future__ import annotations

import configparser
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core.config.services import APPLICATION, CEPH, KEYSTONE, LOCAL, PASSWORD, S3, SERVICES, SWIFT, service

from glance_operator.core import config
from glance_operator.core.config import Service, ini
from glance_operator.core.config.identity import IncompleteCredentialsError

GOLDEN = Path(__file__).parent / "golden"


def everything(given: Service) -> dict[str, str]:
    return {**config.files(given), "policy.yaml": config.policy(given)}


@pytest.mark.parametrize("name", SERVICES)
def test_the_files_are_those_that_were_looked_at(name: str) -> None:
    """After a change that is meant: UPDATE_GOLDEN=1 writes them anew; then read the diff."""
    found, folder = everything(SERVICES[name]), GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
        for file_name, text in found.items():
            (folder / file_name).write_text(text)
    assert found == {file.name: file.read_text() for file in folder.iterdir()}


def test_the_order_in_which_stores_are_found_makes_no_difference() -> None:
    one, other = service(CEPH, S3, LOCAL, default="ceph"), service(LOCAL, S3, CEPH, default="ceph")
    assert config.files(one) == config.files(other)
    assert config.digest(config.files(one)) == config.digest(config.files(other))


@pytest.mark.parametrize("change", [{"server": {"threads": 33}}, {"drainTimeout": "11m"}, {"policy": {"a": "@"}}])
def test_only_what_is_in_the_files_changes_their_name(change: dict[str, Any]) -> None:
    before, after = (config.digest(config.files(service(LOCAL, **spec))) for spec in ({}, change))
    assert (before != after) == ("server" in change)


def test_a_dollar_stays_a_dollar_for_oslo_and_a_percent_for_swift() -> None:
    files = config.files(service(SWIFT, keystone=PASSWORD, auth={"keystone": KEYSTONE}))
    assert "password = pa$$$$ %word\n" in files["glance-api.conf"]
    accounts = configparser.ConfigParser()
    accounts.read_string(files["glance-swift.conf"])
    assert accounts["objects"]["key"] == '"pa$$ %word"'
    assert accounts["objects"]["user"] == '"service:glance"'


def test_what_the_operator_owns_wins_over_what_the_user_adds() -> None:
    files = config.files(service(LOCAL, extraConfig={"DEFAULT": {"enabled_backends": "mine:file", "debug": "true"}}))
    assert "enabled_backends = local:file\n" in files["glance-api.conf"]
    assert "debug = true\n" in files["glance-api.conf"]


def test_a_line_break_in_a_secret_opens_no_section() -> None:
    broken = service(replace(S3, secret={**S3.secret, "secret_key": "x\n[DEFAULT]\ndebug = true"}))
    with pytest.raises(ini.RefusedValueError, match=r"\[bucket\] s3_store_secret_key: .* line break") as refusal:
        config.files(broken)
    assert "debug" not in str(refusal.value), "the message shows nothing of a secret"


@pytest.mark.parametrize(
    ("secret", "missing"),
    [
        ({}, "username, password, project_name missing"),
        ({**PASSWORD, "password": ""}, "password missing"),
        ({"application_credential_id": "1"}, "application_credential_secret missing"),
    ],
)
def test_credentials_that_are_not_complete_are_named(secret: dict[str, str], missing: str) -> None:
    with pytest.raises(IncompleteCredentialsError, match=missing):
        config.files(service(LOCAL, keystone=secret, auth={"keystone": KEYSTONE}))


def test_domains_are_the_default_one_unless_named() -> None:
    named = {**PASSWORD, "user_domain_name": "Staff"}
    text = config.files(service(LOCAL, keystone=named, auth={"keystone": KEYSTONE}))["glance-api.conf"]
    assert "user_domain_name = Staff\n" in text
    assert "project_domain_id = default\n" in text
    assert "user_domain_id" not in text


def test_an_application_credential_needs_no_project() -> None:
    text = config.files(service(LOCAL, keystone=APPLICATION, auth={"keystone": KEYSTONE}))["glance-api.conf"]
    assert "auth_type = v3applicationcredential\n" in text
    assert "project" not in text


@pytest.mark.parametrize(
    ("connection", "written"),
    [
        ("mysql+pymysql://g@db/glance", "mysql+pymysql://g@db/glance?ssl_ca=/etc/glance/database.ca.crt"),
        ("postgresql://g@db/glance?a=b", "postgresql://g@db/glance?a=b&sslrootcert=/etc/glance/database.ca.crt"),
    ],
)
def test_a_databases_certificates_are_named_in_its_drivers_words(connection: str, written: str) -> None:
    given = service(LOCAL, connection=connection, cas={"database": "PEM"})
    assert f"connection = {written}\n" in config.files(given)["glance-api.conf"]


def test_no_secret_is_shown_with_the_service() -> None:
    shown = repr(SERVICES["production"])
    assert not [word for word in ("pa$$", "s3cret", "SK$", "AQ==") if word in shown]
