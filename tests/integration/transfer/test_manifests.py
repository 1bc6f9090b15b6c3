"""Published checksums prove, signed ones only with the right signature; the keys are made on the spot."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.integration.transfer.lab import Lab, digest
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.source import Fault

DATA = images.raw(3 << 20, seed=9)
OTHER = images.raw(3 << 20, seed=10)


def sums(name: str, data: bytes = DATA, kind: str = "sha256") -> bytes:
    return f"{digest(kind, OTHER)}  other.img\n{digest(kind, data)} *{name}\n".encode()


def test_the_entry_is_found_by_the_name_of_the_source(lab: Lab, name: str) -> None:
    manifest = {"url": lab.source.serve(f"{name}.sums", sums(name, kind="sha512"))}
    run = lab.carry(lab.source.serve(name, DATA), manifest=manifest)
    assert run.code == 0, run.lines
    assert (run.outcome["algorithm"], run.outcome["digest"]) == ("sha512", digest("sha512", DATA))
    assert run.outcome["signedBy"] is None


def test_a_mirror_may_call_it_otherwise_and_so_may_the_manifest(lab: Lab, name: str) -> None:
    url, mirror = lab.source.url_of(name), lab.source.serve(f"mirrored-{name}", DATA)
    manifest = {"url": lab.source.serve(f"{name}.sums", sums(name))}
    assert lab.carry(url, mirror, manifest=manifest).code == 0
    named = {"url": lab.source.serve(f"{name}.sums", sums("as-published.img")), "name": "as-published.img"}
    assert lab.carry(lab.source.serve(name, DATA), manifest=named).code == 0


def test_a_large_catalogue_needs_little_memory(lab: Lab, name: str) -> None:
    others = [{"path": f"server/{n:06}.img", "sha256": f"{n:064x}", "size": n} for n in range(60_000)]
    document = json.dumps({"items": [*others, {"path": f"server/{name}", "sha256": digest("sha256", DATA)}]})
    assert 6 << 20 < len(document) < 8 << 20
    manifest = {"url": lab.source.serve(f"{name}.json", document.encode())}
    run = lab.carry(lab.source.serve(name, DATA), manifest=manifest)
    assert run.code == 0, run.lines
    assert 0 < run.peak < 150, f"{run.peak:.0f} MiB"


WRONG: dict[str, tuple[bytes, Fault, str, str]] = {
    "absent": (b"", Fault(status=404), "ManifestUnreadable", "manifest answered 404"),
    "down": (b"", Fault(status=503, retry_after=3), "ManifestUnreadable", "manifest answered 503"),
    "a page": (b"<html>", Fault(), "ManifestUnreadable", "no checksum that can be read"),
    "endless": (b"a\n" * (5 << 20), Fault(), "ManifestUnreadable", "more than 8 MiB"),
    "cut": (b"a\n" * 1000, Fault(cut_after=10), "ManifestUnreadable", "manifest was cut"),
    "others only": (sums("x"), Fault(), "NotInManifest", "2 checksum(s), but none of"),
}


@pytest.mark.parametrize(("text", "fault", "reason", "words"), WRONG.values(), ids=WRONG.keys())
def test_without_its_entry_nothing_is_fetched(
    lab: Lab, name: str, text: bytes, fault: Fault, reason: str, words: str
) -> None:
    manifest = {"url": lab.source.serve(f"{name}.sums", text, fault)}
    run = lab.carry(lab.source.serve(name, DATA), manifest=manifest)
    assert run.verdict == (1, reason), run.lines
    assert words in run.outcome["message"]
    assert lab.source.requests_of(name) == []


def test_a_manifest_that_is_published_later_is_read_once_more(lab: Lab, name: str) -> None:
    manifest = {"url": lab.source.serve(f"{name}.sums", sums(name, OTHER))}
    url = lab.source.serve(name, DATA, Fault(stall_after=2 << 20))
    run = lab.start(lab.config(lab.new_image(), url, manifest=manifest))
    eventually(lambda: lab.source.stalled(name))
    lab.source.serve(f"{name}.sums", sums(name))
    lab.source.release(name)
    assert run.wait().code == 0, run.lines
    assert run.outcome["digest"] == digest("sha256", DATA)


def test_a_digest_that_stays_wrong_is_refused(lab: Lab, name: str) -> None:
    manifest = {"url": lab.source.serve(f"{name}.sums", sums(name, OTHER))}
    run = lab.carry(lab.source.serve(name, DATA), manifest=manifest)
    assert (run.verdict, run.outcome["terminal"]) == ((1, "ChecksumMismatch"), True)
    assert len(lab.source.requests_of(f"{name}.sums")) == 2


# Signatures


@dataclass(frozen=True)
class Signer:
    """Somebody with a key."""

    home: Path
    user: str

    def gpg(self, *arguments: str, data: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--quiet", "--local-user", self.user]
        return subprocess.run([*command, *arguments], input=data, capture_output=True, check=True, timeout=60).stdout

    def keys(self, *options: str) -> bytes:
        return self.gpg(*options, "--export", self.user)

    @property
    def fingerprint(self) -> str:
        lines = self.gpg("--with-colons", "--list-keys", self.user).decode().splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))

    def detached(self, text: bytes, *options: str) -> bytes:
        return self.gpg(*options, "--detach-sign", data=text)

    def clear(self, text: bytes) -> bytes:
        return self.gpg("--clear-sign", data=text)


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """gpg's; the name of its sockets may not be long."""
    if not (shutil.which("gpg") and shutil.which("gpgv")):
        pytest.skip("gpg and gpgv are NOT INSTALLED: nothing of signed manifests is tested")
    with tempfile.TemporaryDirectory(prefix="gpg") as made:
        Path(made).chmod(0o700)
        yield Path(made)
        subprocess.run(["gpgconf", "--homedir", made, "--kill", "all"], check=False, timeout=30)


def new_signer(home: Path, name: str, *options: str, valid: str = "never") -> Signer:
    signer = Signer(home, f"{name}@example.org")
    signer.gpg(*options, "--passphrase", "", "--quick-generate-key", signer.user, "ed25519", "sign", valid)
    return signer


@pytest.fixture(scope="session")
def publisher(home: Path) -> Signer:
    return new_signer(home, "publisher")


@pytest.fixture(scope="session")
def stranger(home: Path) -> Signer:
    return new_signer(home, "stranger")


def carried(lab: Lab, name: str, keys: bytes) -> Any:
    """With the manifest NAME.sums, which must be signed by one of the keys."""
    manifest = {"url": lab.source.url_of(f"{name}.sums"), "keyringFile": lab.mounted("keyring", keys)}
    return lab.carry(lab.source.serve(name, DATA), manifest=manifest)


@pytest.mark.parametrize("armour", [["--armor"], []], ids=["armoured", "binary"])
@pytest.mark.parametrize("ending", [".sign", ".gpg", ".asc", ".sig"])
def test_a_detached_signature_beside_it(
    lab: Lab, name: str, publisher: Signer, stranger: Signer, ending: str, armour: list[str]
) -> None:
    text = sums(name)
    lab.source.serve(f"{name}.sums", text)
    lab.source.serve(f"{name}.sums{ending}", publisher.detached(text, *armour))
    run = carried(lab, name, stranger.keys(*armour) + publisher.keys(*armour))
    assert run.code == 0, run.lines
    assert run.outcome["signedBy"] == publisher.fingerprint


def test_a_clear_signed_one(lab: Lab, name: str, publisher: Signer) -> None:
    lab.source.serve(f"{name}.sums", publisher.clear(b"# - a comment\n- x\n" + sums(name)))
    run = carried(lab, name, publisher.keys("--armor"))
    assert run.code == 0, run.lines
    assert run.outcome["signedBy"] == publisher.fingerprint


def test_a_clear_signed_copy_beside_a_plain_one(lab: Lab, name: str, publisher: Signer) -> None:
    lab.source.serve(f"{name}.sums", sums(name, OTHER))  # what is not signed does not count
    lab.source.serve(f"{name}.sums.asc", publisher.clear(sums(name)))
    assert carried(lab, name, publisher.keys()).code == 0


def test_a_clear_signed_one_without_a_keyring_is_read_all_the_same(lab: Lab, name: str, publisher: Signer) -> None:
    manifest = {"url": lab.source.serve(f"{name}.sums", publisher.clear(sums(name)))}
    assert lab.carry(lab.source.serve(name, DATA), manifest=manifest).code == 0


def refused(lab: Lab, name: str, keys: bytes, words: str) -> None:
    run = carried(lab, name, keys)
    assert run.verdict == (1, "SignatureInvalid"), run.lines
    assert words in run.outcome["message"]
    assert lab.source.requests_of(name) == []


def test_no_signature_is_refused(lab: Lab, name: str, publisher: Signer) -> None:
    lab.source.serve(f"{name}.sums", sums(name))
    refused(lab, name, publisher.keys(), "it is not signed, and there is none of .sign, .gpg, .asc, .sig beside it")


def test_the_signature_of_somebody_else_is_refused(lab: Lab, name: str, publisher: Signer, stranger: Signer) -> None:
    lab.source.serve(f"{name}.sums", stranger.clear(sums(name)))
    refused(lab, name, publisher.keys(), "which is not in the keyring")
    lab.source.serve(f"{name}.sums", sums(name))
    lab.source.serve(f"{name}.sums.gpg", stranger.detached(sums(name)))
    refused(lab, name, publisher.keys(), "which is not in the keyring")


def test_a_changed_manifest_is_refused(lab: Lab, name: str, publisher: Signer) -> None:
    changed, signed = sums(name), sums(name, OTHER)
    lab.source.serve(f"{name}.sums", publisher.clear(signed).replace(signed.rstrip(), changed.rstrip()))
    refused(lab, name, publisher.keys(), "does not fit its content")
    lab.source.serve(f"{name}.sums", changed)
    lab.source.serve(f"{name}.sums.sign", publisher.detached(signed))
    refused(lab, name, publisher.keys(), "does not fit its content")


def test_what_stands_beside_the_signed_text_does_not_count(lab: Lab, name: str, publisher: Signer) -> None:
    lab.source.serve(f"{name}.sums", sums(name) + publisher.clear(b"SHA256 (other.img) = " + b"0" * 64 + b"\n"))
    run = carried(lab, name, publisher.keys())
    assert run.code == 1
    assert run.outcome["reason"] in {"NotInManifest", "SignatureInvalid"}


def test_a_page_in_place_of_a_signature_is_none(lab: Lab, name: str, publisher: Signer) -> None:
    lab.source.serve(f"{name}.sums", sums(name))
    lab.source.serve(f"{name}.sums.sign", b"<html>no such file</html>")
    refused(lab, name, publisher.keys(), "no signature that can be read")
    lab.source.serve(f"{name}.sums.sig", publisher.detached(sums(name)))
    assert carried(lab, name, publisher.keys()).code == 0


def test_a_key_that_has_expired_is_refused(lab: Lab, name: str, home: Path) -> None:
    then = "20240101T000000"
    expired = new_signer(home, "expired", "--faked-system-time", then, valid="1d")
    lab.source.serve(f"{name}.sums", expired.gpg("--faked-system-time", then, "--clear-sign", data=sums(name)))
    refused(lab, name, expired.keys(), "which has expired")


def test_a_signature_by_sha1_is_refused(lab: Lab, name: str, publisher: Signer) -> None:
    text = publisher.gpg("--digest-algo", "SHA1", "--clear-sign", data=sums(name))
    lab.source.serve(f"{name}.sums", text)
    refused(lab, name, publisher.keys(), "in a way that is not trusted any more")


def test_keys_that_are_none_are_named(lab: Lab, name: str, home: Path) -> None:
    lab.source.serve(f"{name}.sums", sums(name))
    refused(lab, name, b"not a key", "the keyring holds no OpenPGP public key")
