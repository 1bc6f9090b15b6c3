"""What is remembered of a transfer: each Job is counted once, and what it has found outlives it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import EXPECTED_ID, NOW, URL, body_of, marker, memory, queued, read_again, spec, task
from tests.unit.core.scenarios.pods import AGAIN, FIRST, SECOND
from tests.unit.core.scenarios.transferring import (
    ALL,
    JOB,
    MIB,
    MISSED,
    PROOF,
    STAGED,
    WRONG,
    arrived,
    carried,
    job,
    proven,
    staged,
    told,
)

from glance_operator.core.conditions import find
from glance_operator.core.image import decide
from glance_operator.core.image.methods import needs_transfer
from glance_operator.core.image.nodes import SPARED
from glance_operator.core.image.observed import Service, View
from glance_operator.core.image.status import status
from glance_operator.core.image.transfer import StartTransfer
from glance_operator.core.transfer.outcome import Failed

DIGEST = {"sha256": "a" * 64}
MANIFEST = {"manifest": {"url": "https://images.example.org/SHA256SUMS"}}
REF = {"name": "x"}
CA = {"kind": "ConfigMap", "name": "ca", "key": "ca.crt"}


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ({"http": {"url": URL}}, False),
        ({"http": {"url": URL}, "checksum": DIGEST}, True),
        ({"http": {"url": URL}, "checksum": {"sha1": "a" * 40}}, True),
        ({"http": {"url": URL}, "checksum": MANIFEST}, True),
        ({"http": {"url": URL}, "checksum": {"sha512": "a" * 128}}, False),
        ({"http": {"url": URL}, "checksum": {"md5": "a" * 32}}, False),
        ({"http": {"url": URL, "method": "glance-direct"}}, True),
        ({"http": {"url": URL, "method": "web-download"}}, False),
        ({"http": {"url": URL, "authSecretRef": REF}}, True),
        ({"http": {"url": URL, "caBundleRef": CA}}, True),
        ({"http": {"url": URL}, "decompress": "gz"}, True),
        ({"pvc": {"claimName": "a", "path": "b"}}, True),
        ({"upload": {}}, False),
    ],
)
def test_when_a_job_brings_the_bytes(source: dict[str, Any], needed: bool) -> None:
    assert needs_transfer(spec(source=source), ALL) == needed


def test_a_service_that_offers_nothing_else_is_served_by_jobs() -> None:
    direct = Service(methods=frozenset({"glance-direct"}))
    assert needs_transfer(spec(), direct)
    assert not needs_transfer(spec(source={"http": {"url": URL, "method": "web-download"}}), direct)


def passed(view: View) -> tuple[View, dict[str, Any]]:
    """The view of the next pass in the same world, and what the status has said in this one."""
    body = body_of(view)
    body["status"] = said = status(*decide(view), body)
    return read_again(view, body), said


def test_a_failure_is_counted_once_and_its_words_outlive_the_job() -> None:
    view, said = passed(carried(transfers=(job(MISSED),), memory=told()))
    assert said["attempt"]["count"] == 1
    assert (said["attempt"]["reason"], said["attempt"]["message"]) == ("SourceAnswered", "source answered 404")
    assert (view.memory.next_attempt or NOW) >= NOW.replace(second=30), "the source wants to be left alone"
    view, again = passed(view)
    assert again == said
    _, gone = passed(replace(view, transfers=()))
    assert "source answered 404" in find(gone["conditions"], "Ready")["message"]


def test_what_would_fail_again_waits_for_the_spec_or_the_annotation() -> None:
    view, said = passed(carried(transfers=(job(WRONG),), memory=told()))
    assert find(said["conditions"], "Stalled")["reason"] == "ChecksumMismatch"
    assert find(said["conditions"], "Verified")["status"] == "False"
    later = replace(view, now=NOW.replace(day=5))
    assert decide(later)[1].step is None, "the Job stays for people to look at"
    body = body_of(replace(view, generation=2), said)
    fresh = read_again(replace(view, generation=2), body)
    assert (fresh.memory.attempts, fresh.memory.terminal, fresh.memory.job_uid) == (0, False, "uid-1")


def test_what_the_job_has_found_is_written_before_the_import() -> None:
    view, plan = decide(staged())
    assert plan.record
    said = status(view, plan, body_of(view))
    assert said["attempt"]["proof"] == PROOF.told()
    assert said["attempt"]["job"] == JOB
    assert read_again(view, body_of(view, said)).memory.proof == PROOF


def test_the_job_is_written_down_before_it_is_made() -> None:
    view, plan = decide(carried())
    assert plan.record
    assert isinstance(plan.step, StartTransfer)
    assert status(view, plan, body_of(view))["attempt"]["job"] == plan.step.name


def test_once_the_content_is_there_it_says_by_what_it_was_proven() -> None:
    view, said = passed(arrived())
    verified = find(said["conditions"], "Verified")
    assert (verified["status"], verified["reason"]) == ("True", "ChecksumMatches")
    assert said["content"]["verified"] == PROOF.told()
    assert "proof" not in said.get("attempt", {})
    assert view.memory.proof == PROOF


def test_content_of_which_nobody_knows_the_end_is_told_of() -> None:
    known = replace(PROOF, algorithm="", digest="", length_known=False)
    view, said = passed(arrived(memory=memory(proof=known)))
    verified = find(said["conditions"], "Verified")
    assert (verified["status"], verified["reason"]) == ("Unknown", "NoChecksum")
    assert "a cut" in verified["message"]
    assert view.memory.proof == known


def test_content_that_a_plugin_has_changed_is_not_called_another() -> None:
    other = replace(arrived().image or queued(), disk_format="raw", hash_value="d" * 128)
    _, said = passed(arrived(image=other))
    assert find(said["conditions"], "Verified")["reason"] == "ConvertedByGlance"
    assert find(said["conditions"], "Ready")["status"] == "True"


def test_an_import_that_failed_is_counted_once_although_the_job_went_well() -> None:
    image = queued(status="importing", properties=marker(proven()))
    view, said = passed(staged(image=image, task=task("failure")))
    assert said["attempt"]["count"] == 1
    assert said["attempt"]["judgedJob"] == "uid-1"
    assert "what the transfer Job had staged" in said["attempt"]["message"]
    assert passed(view)[1]["attempt"]["count"] == 1


def test_what_is_staged_and_gone_is_a_failed_attempt() -> None:
    _, said = passed(carried(transfers=(job(STAGED),), memory=told()))
    assert said["attempt"]["reason"] == "StagedDataLost"


def test_progress_is_of_the_bytes_of_the_source() -> None:
    _, said = passed(carried(transfers=(job(moved=MIB, total=4 * MIB),), memory=told()))
    assert said["progress"] == "25%"
    assert "1 of 4 MiB" in find(said["conditions"], "Ready")["message"]
    _, said = passed(carried(transfers=(job(moved=3 * MIB),), memory=told()))
    assert said["progress"] == "3 MiB"


def test_another_incarnation_has_another_job_and_no_proof_of_the_last() -> None:
    first = decide(carried())[1].step
    again = decide(carried(memory=told(incarnation=2, proof=PROOF), image=None))[1]
    assert isinstance(first, StartTransfer)
    assert first.image_id == EXPECTED_ID
    assert again.step is not first


def test_a_pod_that_ends_under_a_transfer_is_not_the_sources_fault_unless_it_is_each_time() -> None:
    lost = Failed(reason="GlanceUnavailable", message="Glance does not answer")
    given = told(node="glance-0", container_id="containerd://a0")
    wish = proven(cloudCredentialsRef=None, glanceAPIRef={"name": "glance"})
    one = carried(spec=wish, transfers=(job(lost),), nodes=(AGAIN, SECOND), memory=given)
    _, said = passed(one)
    assert (said["attempt"].get("count"), said["attempt"]["lost"]) == (None, 1)
    ready = find(said["conditions"], "Ready")
    assert ready["reason"] == "GlanceUnavailable"
    assert "not counted" in ready["message"]
    _, said = passed(replace(one, memory=replace(given, lost=SPARED)))
    assert (said["attempt"]["count"], said["attempt"]["lost"]) == (1, SPARED)
    _, said = passed(replace(one, nodes=(FIRST, SECOND)))
    assert said["attempt"]["count"] == 1
