"""Logs: each thing once, its object in fields, and no secret whatever was logged."""

import json
import logging
import sys

import pytest

from glance_operator.runtime import logs
from glance_operator.runtime.store import Key

KEY = Key("Image", "ns", "ubuntu")
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJlc2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ("authorization: basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"),
        ("X-Auth-Token: 0123abc", "0123abc"),
        ("{'X-Auth-Token': '0123abc'}", "0123abc"),
        ('{"password": "hunter2 with spaces"}', "hunter2 with spaces"),
        ("password=hunter2&user=x", "hunter2"),
        ("admin_password: hunter2", "hunter2"),
        ("application_credential_secret='hunter2'", "hunter2"),
        ("http://user:hunter2@example.org/x.qcow2", "hunter2"),
        ("token gAAAAABlZ0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx is bad", "gAAAAABlZ0"),
        (f"sent {JWT}", "c2lnbmF0dXJl"),
        ("s3_access_key = AKIA123", "AKIA123"),
    ],
)
def test_secrets_are_hidden(text: str, secret: str) -> None:
    assert secret not in logs.redacted(text)
    assert "[hidden]" in logs.redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "Image ns/ubuntu: the Secret openstack has no key clouds.yaml",
        "GET http://example.org:8080/u.qcow2 -> 404",
        "user@example.org",
        "the token has expired",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert logs.redacted(text) == text


def formatted(formatter: logging.Formatter, message: str, **kwargs: object) -> str:
    record = logging.LogRecord("glance_operator.runtime.engine", logging.WARNING, "x.py", 1, message, (), None)
    record.__dict__.update(kwargs)
    return formatter.format(record)


def test_text() -> None:
    line = formatted(logs.TextFormatter(), "waits", **logs.about(KEY))
    assert line.endswith("WARNING Image/ns/ubuntu: waits")
    assert formatted(logs.TextFormatter(), "begins").endswith("WARNING engine: begins")


def test_json() -> None:
    line = json.loads(formatted(logs.JsonFormatter(), "waits", **logs.about(KEY)))
    assert line["object"] == {"kind": "Image", "namespace": "ns", "name": "ubuntu"}
    assert (line["severity"], line["message"]) == ("warning", "waits")


@pytest.mark.parametrize("formatter", [logs.TextFormatter(), logs.JsonFormatter()])
def test_a_traceback_holds_no_secret_either(formatter: logging.Formatter) -> None:
    try:
        int("password=hunter2")
    except ValueError:
        line = formatted(formatter, "failed", exc_info=sys.exc_info())
    assert "ValueError" in line
    assert "hunter2" not in line


def test_the_same_state_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    once = logs.Once(logging.getLogger("glance_operator.test"))
    said = [once.log(KEY, logging.WARNING, text) for text in ("down", "down", "other", "down")]
    assert said == [True, False, True, True]
    assert once.log(KEY._replace(name="debian"), logging.WARNING, "down")
    once.clear(KEY)
    assert once.log(KEY, logging.WARNING, "down")
    assert {record.__dict__["object_name"] for record in caplog.records} == {"ubuntu", "debian"}
