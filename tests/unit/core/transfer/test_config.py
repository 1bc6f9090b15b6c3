"""What the program may be told, and how its outcome reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from glance_operator.core.transfer.config import TransferConfig, base_name
from glance_operator.core.transfer.outcome import Failed, Failure, amount, together

PLAIN: dict[str, Any] = {
    "source": {"addresses": ["https://h/a.img"]},
    "diskFormat": "raw",
    "glance": {"url": "http://g:9292", "imageID": "abc", "headersFile": "/h"},
}


def config(**changes: Any) -> TransferConfig:
    return TransferConfig.model_validate(PLAIN | changes)


def test_what_is_left_out_has_a_meaning() -> None:
    made = config()
    assert (made.decompress, made.checksum, made.manifest, made.limits.max_bytes) == ("None", None, None, None)
    assert made.termination_log == "/dev/termination-log"
    assert made.source.base_name == "a.img"


@pytest.mark.parametrize("url", ["http://g:9292", "http://g:9292/", "http://g:9292/v2", "http://g:9292/v2/"])
def test_the_image_is_found_under_v2(url: str) -> None:
    glance = {**PLAIN["glance"], "url": url}
    assert config(glance=glance).glance.image_url == "http://g:9292/v2/images/abc"


def test_addresses_are_tried_from_the_chosen_one_on() -> None:
    source = {"addresses": ["http://a/x", "http://b/x", "http://c/x"], "start": 1}
    assert config(source=source).source.order == ("http://b/x", "http://c/x", "http://a/x")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": {}}, "give addresses, or file"),
        ({"source": {"addresses": ["http://a/x"], "file": {"root": "/r", "path": "p"}}}, "give addresses, or file"),
        ({"source": {"addresses": ["http://a/x"], "start": 1}}, "start"),
        ({"source": {"addresses": ["ftp://a/x"]}}, "addresses"),
        ({"source": {"addresses": ["http://[a/x"]}}, "addresses"),
        ({"source": {"addresses": ["http://a:b/x"]}}, "addresses"),
        ({"source": {"addresses": ["http:///x"]}}, "with a host"),
        ({"source": {"addresses": ["http://u:p@h/x"]}}, "without a user name"),
        ({"source": {"addresses": ["http://a/x"], "auth": {}}}, "headerFile"),
        ({"source": {"addresses": ["http://a/x"], "auth": {"usernameFile": "u"}}}, "headerFile"),
        (
            {
                "source": {
                    "addresses": ["http://a/x"],
                    "auth": {"usernameFile": "u", "passwordFile": "p", "headerFile": "h"},
                }
            },
            "headerFile",
        ),
        ({"checksum": {"algorithm": "sha256", "digest": "ab"}}, "length of its algorithm"),
        ({"checksum": {"algorithm": "md5", "digest": "0" * 32}, "manifest": {"url": "http://m/S"}}, "not both"),
        ({"decompress": "rar"}, "decompress"),
        ({"progressSeconds": 11}, "progressSeconds"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        config(**changes)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://h/d/a%2Bb.img?sig=/x/y", "a+b.img"),
        ("https://h/", ""),
        ("https://h", ""),
        ("https://[h/a.img#x", "a.img"),
        ("d/e/f.raw", "f.raw"),
        ("f.raw?x", "f.raw?x"),
    ],
)
def test_base_names(text: str, name: str) -> None:
    assert base_name(text) == name


def test_amounts_as_people_read_them() -> None:
    assert amount(38797312, 536870912) == "37 of 512 MiB"
    assert amount(5, 1000) == "5 of 1000 bytes"
    assert amount(3 << 20, None) == "3 MiB"
    assert amount(0, 3 << 20) == "0 of 3 MiB"


def test_an_outcome_is_one_small_document() -> None:
    failure = Failure("SourceAnswered", "x" * 5000, retry_after=7)
    said = json.loads(failure.told().model_dump_json(by_alias=True))
    assert said.pop("message") == "x" * 999 + "…"
    assert said == {"ok": False, "reason": "SourceAnswered", "terminal": False, "retryAfter": 7.0}
    assert Failed.model_validate_json(failure.told().model_dump_json(by_alias=True)).retry_after == 7


def test_of_several_addresses_each_is_told_of() -> None:
    one = Failure("SourceAnswered", "source answered 404", retry_after=9)
    two = Failure("ChecksumMismatch", "it is another", terminal=True)
    assert together([("http://a", one)]) is one
    both = together([("http://a", one), ("http://b", two)])
    assert (both.reason, both.terminal, both.retry_after) == ("ChecksumMismatch", False, 9)
    assert both.message == "http://a: source answered 404; http://b: it is another"
    assert together([("http://a", two), ("http://b", two)]).terminal
