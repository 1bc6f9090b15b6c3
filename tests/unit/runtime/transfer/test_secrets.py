"""Mounted Secrets: read in the forms that people write, and never quoted."""

from __future__ import annotations

from pathlib import Path

import pytest

from glance_operator.core.transfer.config import Auth
from glance_operator.core.transfer.outcome import Failure
from glance_operator.runtime.transfer import secrets


def written(directory: Path, **texts: str) -> dict[str, str]:
    for name, text in texts.items():
        (directory / name).write_text(text)
    return {name: str(directory / name) for name in texts}


def test_basic_and_whole_headers(tmp_path: Path) -> None:
    files = written(tmp_path, user="ünë\n", password="s3:cret", header="Bearer abc\n")
    basic = Auth(username_file=files["user"], password_file=files["password"])
    assert secrets.authorization(basic) == "Basic w7xuw6s6czM6Y3JldA=="
    assert secrets.authorization(Auth(header_file=files["header"])) == "Bearer abc"
    assert secrets.authorization(None) == ""


def test_headers_one_a_line(tmp_path: Path) -> None:
    files = written(tmp_path, headers="X-Auth-Token: abc:def\n\nX-Roles:admin,member\n")
    assert secrets.headers(files["headers"]) == {"X-Auth-Token": "abc:def", "X-Roles": "admin,member"}


@pytest.mark.parametrize("text", ["", "s3cret", "Name : s3cret", "A: b\ns3cret\n", "s3cret\x00: x"])
def test_what_is_no_header_is_refused_without_quoting_it(text: str, tmp_path: Path) -> None:
    files = written(tmp_path, headers=text)
    with pytest.raises(Failure) as caught:
        secrets.headers(files["headers"])
    assert caught.value.reason == "ConfigInvalid"
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("text", ["", "\n", "two\nlines\n", "s3cret\x07"])
def test_what_is_no_line_is_refused_without_quoting_it(text: str, tmp_path: Path) -> None:
    files = written(tmp_path, header=text)
    with pytest.raises(Failure, match="exactly one line") as caught:
        secrets.authorization(Auth(header_file=files["header"]))
    assert "s3cret" not in caught.value.message


def test_a_secret_that_is_not_there_is_named() -> None:
    with pytest.raises(Failure, match="/nowhere/header cannot be read"):
        secrets.authorization(Auth(header_file="/nowhere/header"))
