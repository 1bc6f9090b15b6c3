"""Everything that can be wrong has its reason and words, and leaves the image as it was: waiting for data."""

import gzip
import random
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.transfer.lab import Lab, digest

from sandbox_kit import images
from sandbox_kit.source import Fault

RAW, QCOW2 = images.raw(3 << 20), images.qcow2(3 << 20)
PAGE = b"<!DOCTYPE html><html><body>please log in</body></html>" + b" " * 100_000
WRONG = {"algorithm": "sha256", "digest": "0" * 64}
Case = tuple[bytes, Fault, dict[str, Any], str, str]

CASES: dict[str, Case] = {
    "no page": (PAGE, Fault(), {}, "NotAnImage", "source answered 200 with a web page"),
    "type says page": (RAW, Fault(headers={"Content-Type": "text/html"}), {}, "NotAnImage", "with text/html"),
    "compressed page": (PAGE, Fault(), {"decompress": "gz"}, "NotAnImage", "web page"),
    "empty": (b"", Fault(), {}, "SourceEmpty", "source is empty"),
    "no content": (RAW, Fault(status=204), {}, "SourceEmpty", "source answered 204"),
    "empty once decompressed": (gzip.compress(b""), Fault(), {"decompress": "gz"}, "SourceEmpty", "once it is"),
    "other format": (QCOW2, Fault(), {}, "FormatMismatch", "the content is qcow2, not raw"),
    "compressed": (gzip.compress(RAW), Fault(), {}, "FormatMismatch", "compressed (gz)"),
    "other compression": (gzip.compress(RAW), Fault(), {"decompress": "xz"}, "DecompressionFailed", "is gz, not xz"),
    "checksum": (RAW, Fault(), {"checksum": WRONG}, "ChecksumMismatch", "of the source is"),
    "checksum of few bytes": (RAW[:2000], Fault(), {"checksum": WRONG}, "ChecksumMismatch", "of the source is"),
    "no rest": (RAW, Fault(cut_after=2 << 20, ranges=False), {}, "SourceTruncated", "2 of 3 MiB, and it does not give"),
    "no way to go on": (
        RAW,
        Fault(cut_after=2 << 20, headers={"ETag": "", "Last-Modified": ""}),
        {},
        "SourceTruncated",
        "neither ETag nor Last-Modified",
    ),
    "cut where no length is told": (
        gzip.compress(RAW),
        Fault(cut_after=2 << 20, length=False),
        {"decompress": "Auto"},
        "DecompressionFailed",
        "the gz data ends too early",
    ),
    "something behind": (
        gzip.compress(RAW) + b"<html>",
        Fault(),
        {"decompress": "gz"},
        "DecompressionFailed",
        "is followed by something else",
    ),
    "too large": (RAW, Fault(), {"limits": {"maxBytes": 1 << 20}}, "TooLarge", "more than the 1 MiB"),
    "too large without a length": (
        RAW,
        Fault(length=False),
        {"limits": {"maxBytes": 2 << 20}},
        "TooLarge",
        "more than the 2 MiB",
    ),
    "a small trap": (
        gzip.compress(bytes(64 << 20)),
        Fault(),
        {"decompress": "Auto", "limits": {"maxBytes": 32 << 20}},
        "TooLarge",
        "more than the 32 MiB",
    ),
}
TERMINAL = {"FormatMismatch", "ChecksumMismatch", "TooLarge"}


@pytest.mark.parametrize(("data", "fault", "changes", "reason", "words"), CASES.values(), ids=CASES.keys())
def test_each_wrong_has_its_reason(
    lab: Lab, name: str, data: bytes, fault: Fault, changes: dict[str, Any], reason: str, words: str
) -> None:
    run = lab.carry(lab.source.serve(name, data, fault), **changes)
    assert run.verdict == (1, reason), run.lines
    assert words in run.outcome["message"]
    assert run.outcome["terminal"] == (reason in TERMINAL or "not xz" in words)


def test_the_code_that_the_source_answers_is_said(lab: Lab, name: str) -> None:
    code = random.choice([400, 403, 404, 410, 429, 500, 502, 503])  # noqa: S311
    run = lab.carry(lab.source.serve(name, RAW, Fault(status=code, retry_after=11)))
    assert run.verdict == (1, "SourceAnswered")
    assert run.outcome["message"].startswith(f"source answered {code}")
    assert (run.outcome["terminal"], run.outcome["retryAfter"]) == (False, 11)


def test_a_source_that_is_not_there(lab: Lab, name: str) -> None:
    run = lab.carry(lab.source.refusing_url(name))
    assert run.verdict == (1, "SourceUnreachable")
    assert run.outcome["message"] == "source does not answer: connection refused"
    run = lab.carry(lab.source.url_of(name).replace("http:", "https:"))
    assert run.outcome["message"] == "source does not speak TLS, or none that is safe"
    run = lab.carry("http://nowhere.invalid/a?s3cret")
    assert run.outcome["message"] == "source does not answer: its name does not resolve"


def test_a_source_that_falls_silent(lab: Lab, name: str) -> None:
    run = lab.carry(lab.source.serve(name, RAW, Fault(stall_after=2 << 20)), limits={"stallSeconds": 1})
    lab.source.release(name)
    assert run.verdict == (1, "SourceStalled")
    assert run.outcome["message"] == "source stalled at 2 of 3 MiB"


def test_a_transfer_that_takes_too_long(lab: Lab, name: str) -> None:
    url = lab.source.serve(name, RAW, Fault(rate=1 << 19))
    run = lab.carry(url, limits={"totalSeconds": 2})
    assert run.verdict == (1, "DeadlineExceeded")
    assert "not finished within 2 s, at " in run.outcome["message"]


def test_an_image_that_takes_no_data(lab: Lab, name: str) -> None:
    url = lab.source.serve(name, RAW)
    image_id = lab.new_image()
    assert lab.run(lab.config(image_id, url)).code == 0
    again = lab.run(lab.config(image_id, url))
    assert again.verdict == (1, "StageRefused")
    assert "does not wait for data" in again.outcome["message"]
    assert lab.imported(image_id)["os_hash_value"] == digest("sha512", RAW)

    gone = lab.run(lab.config("6f0c3a52-7c1e-4a57-9df3-0a3a4e8b6c11", url))
    assert gone.verdict == (1, "StageRefused")
    assert "does not have the image" in gone.outcome["message"]


@pytest.fixture
def small_staging(lab: Lab) -> Iterator[None]:
    """Two MiB of staging space."""
    place = lab.glance.store_directory("os_glance_staging_store")
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("file systems MUST NOT BE MOUNTED here: a full staging is not tested")
    yield
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.usefixtures("small_staging")
def test_a_staging_that_is_full(lab: Lab, name: str) -> None:
    """It fills up in the middle: the answer comes before all is sent."""
    run = lab.carry(lab.source.serve(name, images.raw(16 << 20)))
    assert run.verdict == (1, "StageRefused")
    assert "Glance's staging is full, or a quota is reached (" in run.outcome["message"]


def test_a_glance_that_is_not_there(lab: Lab, name: str) -> None:
    config = lab.config(lab.new_image(), lab.source.serve(name, RAW))
    config["glance"]["url"] = lab.source.refusing_url("").rstrip("/")
    run = lab.run(config)
    assert run.verdict == (1, "GlanceUnavailable")
    assert run.outcome["message"] == "Glance does not answer: connection refused"


def test_a_document_that_is_wrong_is_named_without_its_values(lab: Lab) -> None:
    config = {**lab.config("x", "ftp://host/a?s3cret"), "terminationLog": "unused"}
    path = lab.mounted("wrong.json", str(config).encode())
    output = lab.directory / "wrong.out"
    with output.open("wb") as said:
        code = lab.program(path, said).wait(60)
    assert code == 1
    assert "ConfigInvalid" in output.read_text()
    assert "s3cret" not in output.read_text()
