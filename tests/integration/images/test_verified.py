"""A digest is demanded: only its bytes are ever shown to anybody, and nothing is fetched twice to find that out."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.images.killing import NAME, Mortal, Scene
from tests.integration.images.lab import Lab, Object, condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance, GlanceConfig
from sandbox_kit.source import Fault, Source

DATA, LIE, OTHER_LIE = images.raw(1 << 16), images.raw(1 << 16, seed=1), images.raw(1 << 15, seed=2)
SHA512, MD5 = hashlib.sha512(DATA).hexdigest(), hashlib.md5(DATA, usedforsecurity=False).hexdigest()


def demanding(lab: Lab, object_name: str, *urls: str, checksum: Object | None = None, **spec: object) -> Object:
    http = {"url": urls[0], "mirrors": list(urls[1:])}
    source = {"http": http, "checksum": checksum or {"sha512": SHA512}}
    return lab.image(object_name, source=source, visibility="public", **spec)


def asked(lab: Lab, *files: str) -> list[int]:
    return [len(lab.source.requests_of(file)) for file in files]


def watched(lab: Lab, name: str, kind: str, status: str, reason: str) -> tuple[Object, set[tuple[str, str]]]:
    """The object once its condition is so, and what of its images could be seen until then: visibility and digest."""
    seen: set[tuple[str, str]] = set()

    def reached() -> Object | None:
        seen.update((one["visibility"], one.get("os_hash_value") or "") for one in lab.owned(name))
        body = lab.get(name)
        found = condition(body, kind)
        return body if (found.get("status"), found.get("reason")) == (status, reason) else None

    body = eventually(reached, 60, interval=0.02)
    assert body is not None
    return body, seen


def only_the_truth_was_shown(seen: set[tuple[str, str]]) -> bool:
    return {digest for visibility, digest in seen if visibility == "public"} <= {SHA512}


@pytest.mark.usefixtures("operator")
class TestServed:
    @pytest.mark.parametrize("checksum", [{"sha512": SHA512}, {"sha512": SHA512.upper()}, {"md5": MD5}])
    def test_the_right_bytes_are_verified_and_shown(self, lab: Lab, name: str, checksum: dict[str, str]) -> None:
        lab.apply(demanding(lab, name, lab.source.serve(name, DATA), checksum=checksum))
        body = lab.ready(name)
        told = condition(body, "Verified")
        assert (told["status"], told["reason"]) == ("True", "ChecksumMatches")
        assert told["message"] == f"{next(iter(checksum))} by Glance"
        assert (lab.in_glance(body["status"]["id"]) or {})["visibility"] == "public"
        assert asked(lab, name) == [1]

    def test_without_a_checksum_nobody_knows(self, lab: Lab, name: str) -> None:
        lab.apply(lab.image(name, lab.source.serve(name, DATA)))
        told = condition(lab.ready(name), "Verified")
        assert (told["status"], told["reason"]) == ("Unknown", "NoChecksum")

    def test_a_mirror_helps_out_where_the_address_lies(self, lab: Lab, name: str) -> None:
        urls = lab.source.serve(f"{name}-lie", LIE), lab.source.serve(name, DATA)
        lab.apply(demanding(lab, name, *urls))
        body, seen = watched(lab, name, "Ready", "True", "Available")
        assert only_the_truth_was_shown(seen)
        assert condition(body, "Verified")["status"] == "True"
        assert body["status"]["content"]["source"] == urls[1]
        assert [one["source"] for one in body["status"]["attempt"]["mismatched"]] == [urls[0]]
        assert [image["id"] for image in lab.owned(name)] == [body["status"]["id"]]
        assert asked(lab, f"{name}-lie", name) == [1, 1]

    def test_another_address_of_the_same_digest_is_the_same_content(self, lab: Lab, name: str) -> None:
        lab.apply(demanding(lab, name, lab.source.serve(name, DATA)))
        image_id = lab.ready(name)["status"]["id"]
        lab.patch(name, source={"http": {"url": lab.source.serve(f"{name}-moved", DATA)}})
        assert lab.ready(name)["status"]["id"] == image_id
        assert asked(lab, name, f"{name}-moved") == [1, 0]

    def test_where_all_addresses_lie_it_says_what_came_and_asks_no_more(self, lab: Lab, name: str) -> None:
        files = [f"{name}-{n}" for n in (0, 1)]
        urls = [lab.source.serve(file, lie) for file, lie in zip(files, (LIE, OTHER_LIE), strict=True)]
        lab.apply(demanding(lab, name, *urls))
        body, seen = watched(lab, name, "Stalled", "True", "ChecksumMismatch")
        message = condition(body, "Stalled")["message"]
        for word in (SHA512, *urls, *(hashlib.sha512(lie).hexdigest() for lie in (LIE, OTHER_LIE))):
            assert word in message
        assert only_the_truth_was_shown(seen)
        assert condition(body, "Verified")["status"] == "False"
        assert lab.owned(name) == []

        lab.patch(name, tags=["new"])
        lab.until(name, "Stalled", "True", "ChecksumMismatch")
        assert asked(lab, *files) == [1, 1], "a new generation of the same digest and addresses is no reason to ask"
        lab.patch(name, source={"checksum": {"sha512": hashlib.sha512(LIE).hexdigest()}})
        assert condition(lab.ready(name), "Verified")["status"] == "True"
        assert asked(lab, *files) == [2, 1]

    def test_an_address_that_has_lied_is_believed_again_when_somebody_says_so(self, lab: Lab, name: str) -> None:
        url = lab.source.serve(name, DATA, Fault(body=LIE, times=1))
        lab.apply(demanding(lab, name, url))
        lab.until(name, "Stalled", "True", "ChecksumMismatch")
        lab.kubectl("label", "gimg", name, "touched=once")
        assert asked(lab, name) == [1], "the truth has been there since, but nobody asks"
        lab.retry(name, "mended")
        body = lab.ready(name)
        assert condition(body, "Verified")["status"] == "True"
        assert "mismatched" not in body["status"].get("attempt", {})
        assert asked(lab, name) == [2]

    def test_what_came_from_an_address_that_is_no_longer_there_is_not_held_against_the_new_one(
        self, lab: Lab, name: str
    ) -> None:
        lab.apply(demanding(lab, name, lab.source.serve(f"{name}-lie", LIE)))
        lab.until(name, "Stalled", "True", "ChecksumMismatch")
        lab.patch(name, source={"http": {"url": lab.source.serve(name, DATA)}})
        assert condition(lab.ready(name), "Verified")["status"] == "True"
        assert asked(lab, f"{name}-lie", name) == [1, 1]

    def test_the_limit_counts_lies_too(self, lab: Lab, name: str) -> None:
        urls = lab.source.serve(f"{name}-lie", LIE), lab.source.serve(name, DATA)
        lab.apply(demanding(lab, name, *urls, retryLimit=1))
        lab.until(name, "Stalled", "True", "RetryLimitExceeded")
        assert asked(lab, f"{name}-lie", name) == [1, 0]

    def test_a_digest_that_glance_does_not_keep_needs_a_job_before_anything_is_fetched(
        self, lab: Lab, name: str
    ) -> None:
        checksum = {"sha256": hashlib.sha256(DATA).hexdigest()}
        lab.apply(demanding(lab, name, lab.source.serve(name, DATA), checksum=checksum))
        message = condition(lab.until(name, "Stalled", "True", "TransferNotConfigured"), "Stalled")["message"]
        assert "GLANCE_OPERATOR_TRANSFER_IMAGE" in message
        assert asked(lab, name) == [0]


@pytest.fixture(scope="module")
def scene(crds_installed: ControlPlane, glance: Glance, source: Source, sandbox_directory: Path) -> Scene:
    return Scene(glance, source, crds_installed, sandbox_directory / "verified")


def test_what_glance_cannot_prove_stays_private_and_makes_room_for_what_it_can(
    scene: Scene, sandbox_directory: Path
) -> None:
    config = GlanceConfig(allowed_ports=(scene.source.port,), extra={"DEFAULT": {"hashing_algorithm": "sha256"}})
    with Glance(sandbox_directory / "other-digests", config) as glance:
        lab = replace(scene, glance=glance).lab()
        with scene.operator(lab):
            lab.apply(demanding(lab, NAME, scene.source.serve(lab.namespace, DATA)))
            body, seen = watched(lab, NAME, "Stalled", "True", "NoDigest")
            assert {visibility for visibility, _ in seen} == {"private"}
            assert (condition(body, "Verified")["status"], condition(body, "Ready")["status"]) == ("Unknown", "False")
            assert "set md5 instead" in condition(body, "Stalled")["message"]
            lab.patch(NAME, source={"checksum": {"sha512": None, "md5": MD5}})
            assert condition(lab.ready(NAME), "Verified")["message"] == "md5 by Glance"
            (image,) = lab.owned(NAME)
            assert (image["visibility"], image["checksum"]) == ("public", MD5)


# finalizer, create, address, import, verdict, delete, next incarnation
CALLS = 7


def test_killed_at_each_call_nobody_sees_a_lie_and_nothing_is_fetched_twice(scene: Scene) -> None:
    """Also between the arrival of the content and the verdict: the operator is dead while Glance ends the import."""
    kills = [(at, when) for at in range(1, CALLS + 1) for when in ("before", "after")]
    labs = scene.labs(len(kills))

    def kill(lab: Lab, at: int, when: str) -> None:
        with Mortal(scene, lab, at, when) as operator:
            lab.apply(demanding(lab, NAME, scene.source.serve(lab.namespace, LIE)))
            operator.dies()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: kill(one[0], *one[1]), zip(labs, kills, strict=True)))
    imported = labs[kills.index((4, "after"))]

    def arrived() -> bool:
        (image,) = imported.owned(NAME)
        return image["status"] == "active" and "os_glance_import_task" not in image

    eventually(arrived)
    assert [image["visibility"] for image in imported.owned(NAME)] == ["private"]
    with scene.operator(*labs):
        for lab in labs:
            _, seen = watched(lab, NAME, "Stalled", "True", "ChecksumMismatch")
            assert only_the_truth_was_shown(seen)
            assert lab.owned(NAME) == []
            assert asked(lab, lab.namespace) == [1]
        scene.remove(labs)
