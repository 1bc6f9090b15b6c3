"""What is cut goes on, what fails has a second address, and what is ended or killed leaves nothing behind."""

import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.transfer.lab import Lab, digest
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.source import Fault

DATA = images.raw(3 << 20, seed=7)
OTHER = images.raw(3 << 20, seed=8)
SHA256 = {"algorithm": "sha256", "digest": digest("sha256", DATA)}
CUT = Fault(cut_after=1 << 20, times=1)
SILENT = Fault(stall_after=2 << 20)


def test_a_download_that_is_cut_goes_on_where_it_was(lab: Lab, name: str) -> None:
    run = lab.carry(lab.source.serve(name, DATA, CUT), checksum=SHA256)
    assert run.code == 0, run.lines
    whole, rest = lab.source.requests_of(name)
    assert "range" not in whole.headers
    assert rest.headers["range"] == f"bytes={1 << 20}-"
    assert rest.headers["if-range"] == run.outcome["etag"]
    assert run.outcome["sha512"] == digest("sha512", DATA)


def test_cut_again_and_again(lab: Lab, name: str) -> None:
    """Each answer brings a MiB and a half."""
    run = lab.carry(lab.source.serve(name, DATA, replace(CUT, cut_after=3 << 19, times=None)), checksum=SHA256)
    assert run.code == 0, run.lines


def test_another_file_is_never_joined_to_the_first(lab: Lab, name: str) -> None:
    image_id = lab.new_image()
    url = lab.source.serve(name, DATA, Fault(cut_after=2 << 20, rate=2 << 20))
    run = lab.start(lab.config(image_id, url))
    eventually(lambda: lab.source.requests_of(name))
    lab.source.serve(name, OTHER)
    assert run.wait().verdict == (1, "SourceTruncated")
    assert "rest of the same file" in run.outcome["message"]
    lab.queued(image_id)


BAD = {
    "absent": Fault(status=404),
    "a page": Fault(body=b"<html>"),
    "cut": Fault(cut_after=2 << 20, ranges=False),
    "silent": SILENT,
    "another": Fault(body=OTHER),
}


@pytest.mark.parametrize("fault", BAD.values(), ids=BAD.keys())
def test_the_next_address_is_taken(lab: Lab, name: str, fault: Fault) -> None:
    """Also when the first one fails at its very end, after all was sent to Glance."""
    first = lab.source.serve(f"bad-{name}", DATA, fault)
    mirror = lab.source.serve(f"good-{name}", DATA)
    run = lab.carry(first, mirror, checksum=SHA256, limits={"stallSeconds": 1})
    lab.source.release()
    assert run.code == 0, run.lines
    assert (run.outcome["source"], run.outcome["sha512"]) == (mirror, digest("sha512", DATA))


def test_it_begins_where_it_is_told_and_tells_of_each_address(lab: Lab, name: str) -> None:
    one = lab.source.serve(f"one-{name}", DATA, Fault(status=404))
    two = lab.source.serve(f"two-{name}", DATA, Fault(body=b""))
    run = lab.carry(f"{one}?s3cret", two, source={"start": 1})
    assert run.verdict == (1, "SourceAnswered")
    assert run.outcome["message"] == f"{two}: source is empty: check the address; {one}?…: source answered 404"


def test_a_long_silence_is_outlived_by_both_sides(lab: Lab, name: str) -> None:
    """uWSGI gives up on a client that says nothing for four seconds; the source says nothing for six."""
    run = lab.start(lab.config(lab.new_image(), lab.source.serve(name, DATA, SILENT), checksum=SHA256))
    eventually(lambda: lab.source.stalled(name))
    since = time.monotonic()
    eventually(lambda: time.monotonic() - since > 6)  # the silence itself is what is tested
    lab.source.release(name)
    assert run.wait().code == 0, run.lines
    assert run.outcome["sha512"] == digest("sha512", DATA)


def test_glance_s_refusal_is_told_although_the_source_is_silent(lab: Lab, name: str) -> None:
    image_id = lab.new_image()
    first = lab.start(lab.config(image_id, lab.source.serve(f"first-{name}", DATA, SILENT)))
    eventually(lambda: lab.image(image_id)["status"] == "uploading")
    second = lab.run(lab.config(image_id, lab.source.serve(f"second-{name}", DATA, SILENT)))
    assert second.verdict == (1, "StageRefused")
    lab.source.release()
    assert first.wait().code == 0
    assert lab.imported(image_id)["os_hash_value"] == digest("sha512", DATA)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_asked_to(lab: Lab, name: str, number: int) -> None:
    image_id = lab.new_image()
    run = lab.start(lab.config(image_id, lab.source.serve(name, DATA, SILENT)))
    eventually(lambda: lab.source.stalled(name))
    asked = time.monotonic()
    run.process.send_signal(number)
    run.process.wait(10)
    assert time.monotonic() - asked < 1
    assert run.wait().verdict == (1, "Interrupted")
    lab.source.release(name)
    lab.queued(image_id)


def test_a_killed_one_leaves_an_image_that_can_be_staged_again(lab: Lab, name: str) -> None:
    image_id = lab.new_image()
    run = lab.start(lab.config(image_id, lab.source.serve(name, DATA, SILENT)))
    eventually(lambda: lab.image(image_id)["status"] == "uploading")
    run.process.kill()
    run.process.wait(10)
    assert not Path(run.log).exists()
    lab.source.release(name)
    lab.queued(image_id)
    again = lab.run(lab.config(image_id, lab.source.serve(name, DATA), checksum=SHA256))
    assert again.code == 0
    assert lab.imported(image_id)["os_hash_value"] == digest("sha512", DATA)
