"""What the Job trusts comes from the namespace of the Image: an authority, and the keys of who signs checksums."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.integration.deliveries.test_transfers import DATA, PATIENCE, SHA256, stored
from tests.integration.images.lab import Lab, Object, condition
from tests.integration.transfer.test_manifests import Signer, home, publisher, stranger

from sandbox_kit.pki import Authority
from sandbox_kit.source import Source

pytestmark = [pytest.mark.usefixtures("operator"), pytest.mark.timeout(120)]
__all__ = ["home", "publisher", "stranger"]


def put(lab: Lab, kind: str, name: str, key: str, text: str) -> Object:
    """A reference to it, once it is there."""
    data = {"stringData" if kind == "Secret" else "data": {key: text}}
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **data}
    lab.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(body))
    return {"kind": kind, "name": name, "key": key}


def test_an_authority_of_ones_own(lab: Lab, name: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "pki")
    with Source(tls=authority.server("source")) as private:
        source = {"http": {"url": private.serve(name, DATA), "method": "glance-direct"}}
        lab.apply(lab.image(name, source=source, retryLimit=0))
        body = lab.until(name, "Stalled", "True", "RetryLimitExceeded", timeout=PATIENCE)
        assert "source is not trusted" in condition(body, "Ready")["message"]
        ca = put(lab, "ConfigMap", f"{name}-ca", "corp.pem", authority.pair.cert.read_text())
        lab.patch(name, source={"http": {"caBundleRef": ca}})
        assert stored(lab, lab.ready(name, timeout=PATIENCE)) == DATA


def test_a_checksum_file_counts_if_it_is_signed_by_a_key_that_is_given(
    lab: Lab, name: str, source: Source, publisher: Signer, stranger: Signer
) -> None:
    sums = f"{SHA256} *{name}\n".encode()
    manifest = {"url": source.serve(f"{name}.sums", sums)}
    source.serve(f"{name}.sums.sign", stranger.detached(sums))
    keys = put(lab, "Secret", f"{name}-keys", "keys.asc", publisher.keys("--armor").decode())
    checksum = {"manifest": {**manifest, "keyringRef": keys}}
    wanted = {"http": {"url": source.serve(name, DATA)}, "checksum": checksum}
    lab.apply(lab.image(name, source=wanted, retryLimit=-1))
    body = lab.until(name, "Verified", "False", "SignatureInvalid", timeout=PATIENCE)
    assert "which is not in the keyring" in condition(body, "Verified")["message"]
    assert not source.requests_of(name)
    source.serve(f"{name}.sums.sign", publisher.detached(sums))
    body = lab.ready(name, timeout=PATIENCE)
    assert stored(lab, body) == DATA
    assert body["status"]["content"]["verified"]["signedBy"] == publisher.fingerprint
    assert publisher.fingerprint in condition(body, "Verified")["message"]
