"""Images whose bytes a Job brings: proven, unpacked, from where Glance cannot fetch; and what becomes of failures."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.images.lab import Lab, Object, Operator, condition
from tests.integration.transfer.kubelet import Kubelet
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.source import Fault, Source

pytestmark = [pytest.mark.usefixtures("operator"), pytest.mark.timeout(120)]
DATA = images.raw(1 << 20, seed=7)
SHA256 = hashlib.sha256(DATA).hexdigest()
WRONG = "0" * 64
PATIENCE = 90.0


def jobs(lab: Lab) -> list[Object]:
    found: list[Object] = json.loads(lab.kubectl("get", "jobs", "-o", "json"))["items"]
    return found


def job_of(lab: Lab, name: str) -> str:
    """The name of its Job, once there is one."""
    found = [one["metadata"]["name"] for one in jobs(lab) if owner(one) == name]
    assert len(found) == 1, found
    return str(found[0])


def owner(one: Object) -> str:
    return str(one["metadata"]["ownerReferences"][0]["name"])


def left(lab: Lab, name: str) -> list[str]:
    """Jobs and Secrets of ours that are still there for it."""
    found = json.loads(lab.kubectl("get", "jobs,secrets,pods", "-o", "json"))["items"]
    prefix = name[:40].rstrip("-") + "-transfer-"
    return [f"{one['kind']}/{n}" for one in found if (n := one["metadata"]["name"]).startswith(prefix)]


def stored(lab: Lab, body: Object, store: str = "central") -> bytes:
    return (lab.glance.store_directory(store) / str(body["status"]["id"])).read_bytes()


def source_of(url: str, **http: Any) -> Object:
    return {"http": {"url": url, **http}}


def proven(lab: Lab, name: str, **source: Any) -> Object:
    lab.apply(lab.image(name, source=source))
    return lab.ready(name, timeout=PATIENCE)


def test_what_sha256_demands_is_proven_on_the_way(lab: Lab, source: Source, name: str) -> None:
    url = source.serve(name, DATA)
    body = proven(lab, name, **source_of(url), checksum={"sha256": SHA256.upper()})
    assert stored(lab, body) == DATA
    found = condition(body, "Verified")
    assert (found["status"], found["reason"]) == ("True", "ChecksumMatches")
    assert "sha256 by the transfer Job" in found["message"]
    content = body["status"]["content"]
    assert content["source"] == url
    assert (content["verified"]["algorithm"], content["verified"]["digest"]) == ("sha256", SHA256)
    assert content["verified"]["sha512"] == hashlib.sha512(DATA).hexdigest() == body["status"]["checksum"]["value"]
    assert len(source.requests_of(name)) == 1
    eventually(lambda: not left(lab, name))
    assert "job" not in lab.get(name)["status"].get("attempt", {})


def test_another_digest_is_final_and_nothing_is_fetched_again(lab: Lab, source: Source, name: str) -> None:
    lab.apply(lab.image(name, source={**source_of(source.serve(name, DATA)), "checksum": {"sha256": WRONG}}))
    body = lab.until(name, "Stalled", "True", "ChecksumMismatch", timeout=PATIENCE)
    ready, verified = condition(body, "Ready"), condition(body, "Verified")
    assert SHA256 in ready["message"]
    assert (verified["status"], verified["reason"]) == ("False", "ChecksumMismatch")
    assert body["status"]["attempt"]["count"] == 1
    (image,) = lab.owned(name)
    assert (image["status"], image["visibility"]) == ("queued", "private")
    fetched = len(source.requests_of(name))
    lab.patch(name, tags=["looked-at-again"])  # a new generation, so one attempt more and no loop
    eventually(lambda: len(source.requests_of(name)) > fetched)
    lab.until(name, "Stalled", "True", "ChecksumMismatch", timeout=PATIENCE)
    lab.patch(name, source={"checksum": {"sha256": SHA256}})
    assert stored(lab, lab.ready(name, timeout=PATIENCE)) == DATA


def test_a_mirror_has_what_the_first_address_lacks(lab: Lab, source: Source, name: str) -> None:
    first = source.serve(f"{name}-first", images.raw(1 << 16))
    mirror = source.serve(f"{name}-mirror", DATA)
    body = proven(lab, name, **source_of(first, mirrors=[mirror]), checksum={"sha256": SHA256})
    assert stored(lab, body) == DATA
    assert body["status"]["content"]["source"] == mirror


def test_credentials_come_from_a_secret_of_the_right_type_alone(lab: Lab, source: Source, name: str) -> None:
    password = secrets.token_hex(8)
    url = source.serve(name, DATA, Fault(credentials=("reader", password)))
    lab.apply(secret(f"{name}-a", "Opaque", username="reader", password=password))
    lab.apply(lab.image(name, source=source_of(url, authSecretRef={"name": f"{name}-a"})))
    body = lab.until(name, "Stalled", "True", "SourceInputRefused", timeout=PATIENCE)
    assert "Opaque" in condition(body, "Ready")["message"]
    assert not source.requests_of(name)
    lab.apply(secret(f"{name}-b", "kubernetes.io/basic-auth", username="reader", password=password))
    lab.patch(name, source={"http": {"authSecretRef": {"name": f"{name}-b"}}})
    body = lab.ready(name, timeout=PATIENCE)
    assert stored(lab, body) == DATA
    verified = condition(body, "Verified")
    assert (verified["status"], verified["reason"]) == ("Unknown", "NoChecksum")
    assert password not in lab.kubectl("get", "images,jobs,configmaps,events", "-o", "json")


def test_credentials_that_are_missing_are_awaited(lab: Lab, source: Source, name: str) -> None:
    header = f"Bearer {secrets.token_hex(8)}"
    url = source.serve(name, DATA)
    lab.apply(lab.image(name, source=source_of(url, authSecretRef={"name": f"{name}-h"})))
    body = lab.until(name, "Reconciling", "True", "SourceInputMissing", timeout=PATIENCE)
    assert f"Secret {name}-h (spec.source.http.authSecretRef)" in condition(body, "Ready")["message"]
    lab.apply(secret(f"{name}-h", "glance-operator.io/source-auth", header=header))
    lab.ready(name, timeout=PATIENCE)
    assert source.requests_of(name)[-1].headers["authorization"] == header


def secret(name: str, kind: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": data}


@pytest.mark.parametrize(
    ("word", "pack"), [("gz", gzip.compress), ("xz", lzma.compress), ("Auto", bz2.compress)], ids=["gz", "xz", "auto"]
)
def test_it_is_unpacked_on_the_way(
    lab: Lab, source: Source, name: str, word: str, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(DATA)
    digest = hashlib.sha256(packed).hexdigest()
    body = proven(lab, name, **source_of(source.serve(name, packed)), decompress=word, checksum={"sha256": digest})
    assert stored(lab, body) == DATA
    assert condition(body, "Verified")["status"] == "True"
    assert body["status"]["content"]["verified"]["digest"] == digest


def test_a_published_checksum_file_names_the_digest(lab: Lab, source: Source, name: str) -> None:
    manifest = source.serve(f"{name}-SHA256SUMS", f"{WRONG}  other\n{SHA256} *{name}\n".encode())
    body = proven(lab, name, **source_of(source.serve(name, DATA)), checksum={"manifest": {"url": manifest}})
    assert stored(lab, body) == DATA
    assert condition(body, "Verified")["message"].startswith("sha256 by the transfer Job")


def test_a_file_of_a_claim_that_is_offered(lab: Lab, kubelet: Kubelet, tmp_path: Path, name: str) -> None:
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden/one.raw").write_bytes(DATA)
    kubelet.claims[name] = tmp_path
    lab.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(claim(name)))
    pvc = {"claimName": name, "path": "golden/one.raw"}
    lab.apply(lab.image(name, source={"pvc": pvc, "checksum": {"sha256": SHA256}}))
    body = lab.until(name, "Stalled", "True", "SourceInputRefused", timeout=PATIENCE)
    assert "glance-operator.io/image-source" in condition(body, "Ready")["message"]
    lab.kubectl("label", "pvc", name, "glance-operator.io/image-source=true")
    lab.retry(name, "offered now")
    body = lab.ready(name, timeout=PATIENCE)
    assert stored(lab, body) == DATA
    assert condition(body, "Verified")["status"] == "True"
    assert "golden/one.raw" in body["status"]["content"]["source"]


def claim(name: str) -> Object:
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def test_what_the_source_answers_is_told_and_tried_again_in_its_time(lab: Lab, source: Source, name: str) -> None:
    code = secrets.choice((403, 404, 410, 500))
    url = source.serve(name, DATA, Fault(status=code))
    lab.apply(lab.image(name, source={**source_of(url), "checksum": {"sha256": SHA256}}, retryLimit=-1))

    def told() -> Object:
        body = lab.get(name)
        assert f"answered {code}" in condition(body, "Ready").get("message", ""), body.get("status")
        assert condition(body, "Ready")["reason"] == "SourceAnswered"
        return body

    attempt = eventually(told, PATIENCE)["status"]["attempt"]
    assert attempt["count"] >= 1
    assert attempt["method"] == "glance-direct"
    source.serve(name, DATA)
    lab.retry(name, "mended")
    assert stored(lab, lab.ready(name, timeout=PATIENCE)) == DATA
    assert "reason" not in lab.get(name)["status"].get("attempt", {})


def test_one_that_is_killed_in_the_middle_is_a_failed_attempt(
    lab: Lab, source: Source, kubelet: Kubelet, name: str
) -> None:
    url = source.serve(name, DATA, Fault(stall_after=1 << 19, times=1))
    lab.apply(lab.image(name, source={**source_of(url), "checksum": {"sha256": SHA256}}))
    eventually(lambda: source.stalled(name), PATIENCE)
    job = job_of(lab, name)

    def shown() -> bool:
        body = lab.get(name)
        assert "0 of 1 MiB" in condition(body, "Ready").get("message", ""), body.get("status")
        return bool(body["status"]["progress"].endswith("%"))

    eventually(shown, PATIENCE)
    kubelet.kill(job)
    body = lab.ready(name, timeout=PATIENCE)
    source.release(name)
    assert stored(lab, body) == DATA
    assert len(source.requests_of(name)) == 2
    told = lab.kubectl("get", "events.events.k8s.io", "-o", "json")
    assert f"Job {job} ended before it was done" in told


def test_one_that_finds_no_node_is_told_of_in_kubernetes_words(
    lab: Lab, source: Source, kubelet: Kubelet, name: str
) -> None:
    url = source.serve(name, DATA)
    lab.apply(lab.image(name, source={**source_of(url), "checksum": {"sha256": SHA256}}, suspend=True))
    uid = lab.get(name)["metadata"]["uid"]
    kubelet.hold(uid)
    lab.patch(name, suspend=False)
    body = lab.until(name, "Reconciling", "True", "TransferPending", timeout=PATIENCE)
    assert "Unschedulable: 0/1 nodes are available" in condition(body, "Ready")["message"]
    kubelet.release(uid)
    assert stored(lab, lab.ready(name, timeout=PATIENCE)) == DATA


def test_deleted_in_the_middle_it_takes_its_job_along(lab: Lab, source: Source, name: str) -> None:
    url = source.serve(name, DATA, Fault(stall_after=1 << 19))
    lab.apply(lab.image(name, source={**source_of(url), "checksum": {"sha256": SHA256}}))
    eventually(lambda: source.stalled(name), PATIENCE)
    lab.delete(name)
    lab.gone(name, timeout=PATIENCE)
    assert not lab.owned(name)
    eventually(lambda: not left(lab, name), PATIENCE)
    source.release(name)


def test_an_import_that_fails_leaves_a_dead_end_and_the_next_has_another_id(
    lab: Lab, source: Source, name: str
) -> None:
    """Glance leaves the image ``importing`` for ever, without a lock."""
    store = lab.glance.store_directory("dcn1")
    away = store.rename(store.with_name("dcn1-away"))
    try:
        wanted = {**source_of(source.serve(name, DATA)), "checksum": {"sha256": SHA256}}
        lab.apply(lab.image(name, source=wanted, stores={"names": ["dcn1"]}, retryLimit=-1))

        def failed() -> bool:
            status = lab.get(name)["status"]
            assert status.get("incarnation", 1) > 1, status
            assert status["attempt"]["message"].startswith("Glance could not import what the transfer Job had staged")
            return True

        eventually(failed, PATIENCE)
    finally:
        away.rename(store)
    body = lab.ready(name, timeout=PATIENCE)
    assert stored(lab, body, "dcn1") == DATA
    assert len(lab.owned(name)) == 1
    eventually(lambda: not left(lab, name))


def test_without_an_image_for_jobs_it_says_which_setting(
    lab: Lab, source: Source, name: str, sandbox_directory: Path
) -> None:
    lab.kubectl("create", "namespace", f"{name}-ns")
    bare = Lab(lab.kube, lab.glance, source, f"{name}-ns")
    bare.apply(bare.credentials())
    with Operator(sandbox_directory / name, lab.kube.kubeconfig, watch_namespaces=bare.namespace):
        url = source.serve(name, DATA)
        bare.apply(bare.image(name, source={**source_of(url), "checksum": {"sha256": SHA256}}))
        body = bare.until(name, "Stalled", "True", "TransferNotConfigured", timeout=PATIENCE)
        assert "GLANCE_OPERATOR_TRANSFER_IMAGE" in condition(body, "Ready")["message"]
        bare.delete(name)
        bare.gone(name)
