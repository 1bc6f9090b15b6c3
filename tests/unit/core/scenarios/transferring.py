"""Bytes that a Job brings: when there is one, what it may say, and what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.core.builders import (
    EXPECTED_ID,
    NOW,
    URL,
    glance_image,
    later,
    marker,
    memory,
    queued,
    spec,
    task,
    view,
)
from tests.unit.core.scenarios.pods import FIRST, SECOND, STARTING, ours
from tests.unit.core.scenarios.row import Row, served

from glance_operator.api.image import ImageSpec
from glance_operator.core.image.carried import Given, Proof, Transfer
from glance_operator.core.image.content import Discard, ImportFromUrl
from glance_operator.core.image.observed import Memory, Service, View
from glance_operator.core.image.transfer import ImportStaged, RemoveTransfers, StartTransfer
from glance_operator.core.transfer.outcome import Failed, Outcome, Success

MIB = 1 << 20
SHA256, SHA512, MD5 = "a" * 64, "b" * 128, "c" * 32
ALL = Service(("central", "dcn0"), "central", frozenset({"web-download", "copy-image", "glance-direct"}))
ONLY_DIRECT = replace(ALL, methods=frozenset({"glance-direct"}))
JOB = "jammy-transfer-1"
SOURCE = {"http": {"url": URL}, "checksum": {"sha256": SHA256}}
DIGESTS = {"algorithm": "sha256", "digest": SHA256, "md5": MD5, "sha512": SHA512}
STAGED = Success.model_validate({"source": URL, "bytes": MIB, "sourceBytes": MIB, "lengthKnown": True, **DIGESTS})
MISSED = Failed(reason="SourceAnswered", message="source answered 404", retry_after=30)
WRONG = Failed(reason="ChecksumMismatch", message="not these bytes", terminal=True)
PROOF = Proof(EXPECTED_ID, URL, "sha256", SHA256, "", SHA512, MD5)
AUTH = {"http": {"url": URL, "authSecretRef": {"name": "reader"}}}
PVC = {"pvc": {"claimName": "golden", "path": "a.raw"}}


def proven(**changes: Any) -> ImageSpec:
    """A spec whose checksum somebody has to compute who sees the bytes."""
    return spec(**({"source": SOURCE} | changes))


def carried(**changes: Any) -> View:
    """An Image that needs a Job, with an operator that may start one, and nothing brought yet."""
    wish = changes.pop("spec", proven())
    changes = {"image": queued(properties=marker(wish)), **changes}
    return view(**({"spec": wish, "service": ALL, "carrier": True} | changes))


def job(outcome: Outcome | None = None, **changes: Any) -> Transfer:
    """One that was started for the image, and is over if it has told how it ended."""
    plain = Transfer(JOB, "uid-1", EXPECTED_ID, over=outcome is not None, outcome=outcome)
    return replace(plain, **changes)


def told(**changes: Any) -> Memory:
    """The Job was written down, and the attempts of this content are counted."""
    return Memory(**({"id": EXPECTED_ID, "job": JOB} | changes))


def staged(**changes: Any) -> View:
    """The Job has done its part."""
    image = queued(status="uploading", properties=marker(proven()))
    return carried(**({"image": image, "transfers": (job(STAGED),), "memory": told()} | changes))


def arrived(**changes: Any) -> View:
    """The image has its content, which the Job has proven."""
    image = glance_image(properties=marker(proven()), hash_algo="sha512", hash_value=SHA512)
    known = memory(proof=PROOF)
    return served(**({"spec": proven(), "service": ALL, "carrier": True, "image": image, "memory": known} | changes))


STARTED = [
    Row("what Glance keeps no digest of is brought by a Job", carried(), "Transferring", "InProgress", StartTransfer),
    Row(
        "so is what was asked to be",
        carried(spec=spec(source={"http": {"url": URL, "method": "glance-direct"}})),
        "Transferring",
        "InProgress",
        StartTransfer,
    ),
    Row(
        "what needs no Job gets none",
        carried(spec=spec(), image=queued()),
        "Downloading",
        "InProgress",
        ImportFromUrl,
    ),
    Row(
        "a service that offers nothing else gets it by a Job",
        carried(spec=spec(), image=queued(), service=ONLY_DIRECT),
        "Transferring",
        "InProgress",
        StartTransfer,
    ),
    Row("the service does not take what is staged", carried(service=view().service), "MethodNotEnabled", "Failed"),
    Row("nobody has said which container image", carried(carrier=False), "TransferNotConfigured", "Failed"),
    Row(
        "the Secret with the credentials is not there yet",
        carried(spec=spec(source=AUTH), image=None, given={("Secret", "reader"): None}),
        "SourceInputMissing",
        "InProgress",
    ),
    Row(
        "a Secret that is for something else is not sent anywhere",
        carried(spec=spec(source=AUTH), image=None, given={("Secret", "reader"): Given("Opaque", frozenset({"a"}))}),
        "SourceInputRefused",
        "Failed",
    ),
    Row(
        "credentials without a password",
        carried(
            spec=spec(source=AUTH),
            image=None,
            given={("Secret", "reader"): Given("kubernetes.io/basic-auth", frozenset({"username"}))},
        ),
        "SourceInputMissing",
        "InProgress",
    ),
    Row(
        "a claim that nobody has offered",
        carried(spec=spec(source=PVC), image=None, given={("PersistentVolumeClaim", "golden"): Given()}),
        "SourceInputRefused",
        "Failed",
    ),
    Row(
        "no pod takes what is to be staged",
        ours(
            spec={"source": SOURCE},
            service=ALL,
            carrier=True,
            image=queued(properties=marker(proven())),
            nodes=(STARTING,),
        ),
        "NoPodServes",
        "InProgress",
    ),
]

FOLLOWED = [
    Row("a Job at work is waited for", carried(transfers=(job(),), memory=told()), "Transferring", "InProgress"),
    Row(
        "one that does not come up says why",
        carried(transfers=(job(words="Unschedulable: no room"),), memory=told()),
        "TransferPending",
        "InProgress",
    ),
    Row(
        "while it stages the image is not Glance's to complete",
        staged(transfers=(job(moved=MIB, total=2 * MIB),)),
        "Transferring",
        "InProgress",
    ),
    Row(
        "one that stands still is stopped, and counted",
        carried(transfers=(job(silent_for=7201),), memory=told()),
        "ClearingUp",
        "InProgress",
        RemoveTransfers((JOB,)),
    ),
    Row(
        "one that has failed is left to people until the next attempt",
        carried(transfers=(job(MISSED),), memory=told()),
        "SourceAnswered",
        "InProgress",
    ),
    Row(
        "then it makes room",
        carried(transfers=(job(MISSED),), memory=told(attempts=1, next_attempt=NOW, job_uid="uid-1")),
        "ClearingUp",
        "InProgress",
        RemoveTransfers((JOB,)),
    ),
    Row(
        "one that would fail again in the same way is the last",
        carried(transfers=(job(WRONG),), memory=told()),
        "ChecksumMismatch",
        "Failed",
    ),
    Row(
        "a Job for an image that was given up",
        carried(transfers=(job(image_id="another"),), memory=told()),
        "ClearingUp",
        "InProgress",
        RemoveTransfers((JOB,)),
    ),
    Row(
        "between two attempts",
        carried(memory=told(attempts=1, next_attempt=later(9), reason="SourceStalled", cause="stalled")),
        "SourceStalled",
        "InProgress",
    ),
    Row(
        "staged by a Job that nobody finds any more",
        staged(transfers=()),
        "Recreating",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "it ended without a word, and something is staged",
        staged(transfers=(job(over=True, words="OOMKilled"),)),
        "TransferFailed",
        "InProgress",
    ),
]

ARRIVING = [
    Row("what is staged is imported", staged(), "Importing", "InProgress", ImportStaged(EXPECTED_ID, ("central",))),
    Row(
        "by the pod that has it",
        staged(
            spec=proven(cloudCredentialsRef=None, glanceAPIRef={"name": "glance"}),
            nodes=(FIRST, SECOND),
            memory=told(node="glance-1", container_id="containerd://a1"),
        ),
        "Importing",
        "InProgress",
        ImportStaged(EXPECTED_ID, ("central",), SECOND),
    ),
    Row(
        "which is waited for",
        staged(
            spec=proven(cloudCredentialsRef=None, glanceAPIRef={"name": "glance"}),
            nodes=(STARTING, SECOND),
            memory=told(node="glance-0", container_id="containerd://a0"),
        ),
        "NoPodServes",
        "InProgress",
    ),
    Row(
        "Glance is importing it",
        staged(image=queued(status="importing", lock="t1", properties=marker(proven()))),
        "Importing",
        "InProgress",
    ),
    Row(
        "an import of it that failed leaves a dead end",
        staged(image=queued(status="importing", properties=marker(proven())), task=task("failure")),
        "Recreating",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
    Row(
        "once the content is there, nothing of the Job is kept",
        arrived(transfers=(job(STAGED),), memory=memory(proof=PROOF, job=JOB)),
        "ClearingUp",
        "InProgress",
        RemoveTransfers((JOB,)),
    ),
    Row(
        "nor is the Secret of one that is gone",
        arrived(remains=(JOB,), memory=memory(proof=PROOF, job=JOB)),
        "ClearingUp",
        "InProgress",
        RemoveTransfers((JOB,)),
    ),
    Row("it is served", arrived(), "Available", "Current"),
    Row(
        "Glance has stored other bytes than were staged",
        arrived(
            image=glance_image(properties=marker(proven()), hash_algo="sha512", hash_value="d" * 128),
            memory=Memory(id=EXPECTED_ID, proof=PROOF),
        ),
        "StoredOtherwise",
        "InProgress",
        Discard(EXPECTED_ID),
    ),
]

TRANSFERS = [*STARTED, *FOLLOWED, *ARRIVING]
TRANSFERS_AT_ITS_END = [
    Row(
        "nobody writes to an image that goes",
        staged(transfers=(job(),), deleted_at=NOW),
        "Deleting",
        "Terminating",
        RemoveTransfers((JOB,)),
    ),
]
