"""What the proof of a store leaves behind: it is read back as it was, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.unit.core.config.services import CEPH, ELSEWHERE, LOCAL, NFS, OTHER_SWIFT, S3, SWIFT

from glance_operator.core import config
from glance_operator.core.config import Store
from glance_operator.core.manifests.proofs import DOCUMENT, document, is_proof, proof_name, proven

ALL = (CEPH, ELSEWHERE, LOCAL, NFS, OTHER_SWIFT, S3, SWIFT)


@pytest.mark.parametrize("store", ALL, ids=lambda store: store.id)
def test_a_store_is_read_back_as_it_was_proven(store: Store) -> None:
    content = {DOCUMENT: document(store), "glance-api.conf": "[DEFAULT]\n"}
    assert proven(content, config.digest(content)) == store


def test_what_no_driver_hears_of_makes_no_difference() -> None:
    spec = CEPH.spec.model_copy(update={"deletion_policy": "Drain", "suspend": True})
    assert document(replace(CEPH, spec=spec)) == document(CEPH)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps({"id": "a", "spec": {"type": "rbd"}, "secret": {}}), '{"id": "a", "spec": 1}']
)
def test_what_is_not_understood_was_not_proven(text: str) -> None:
    content = {DOCUMENT: text}
    assert proven(content, config.digest(content)) is None
    assert proven({}, config.digest({})) is None


def test_what_was_changed_or_is_gone_was_not_proven() -> None:
    content = {DOCUMENT: document(CEPH)}
    assert proven(None, config.digest(content)) is None
    assert proven({**content, "more": ""}, config.digest(content)) is None


def test_proofs_of_one_store_are_not_those_of_another() -> None:
    names = ("a", "a-probe-0123456789", "a" * 41, "a" * 40 + "b", "a" * 63)
    proofs = {name: proof_name(name, "0123456789") for name in names}
    for name, proof in proofs.items():
        assert [other for other in names if is_proof(proof, other)] == [name]
        assert len(proof) <= 63, "what a label may hold"
