"""Every way in which checksum files are written, and every way in which they are wrong."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from glance_operator.core.transfer.manifest import Expected, expected
from glance_operator.core.transfer.outcome import Failure

NAME = "noble-server-cloudimg-amd64.img"
MD5, SHA1, SHA256, SHA512 = (hashlib.new(kind, b"content").hexdigest() for kind in ("md5", "sha1", "sha256", "sha512"))
OTHER = hashlib.sha256(b"other").hexdigest()
BASE64 = base64.b64encode(bytes.fromhex(SHA512)).decode().rstrip("=")

WAYS = {
    "GNU, binary": f"{OTHER} *{NAME}.manifest\n{SHA256} *{NAME}\n",
    "GNU, text": f"{SHA256}  {NAME}\n",
    "one space": f"{SHA256} {NAME}\n",
    "a tab": f"{SHA256}\t{NAME}\n",
    "a directory": f"{SHA256}  ./images/{NAME}\n",
    "CRLF": f"# made by hand\r\n\r\n{OTHER}  other.img\r\n{SHA256}  {NAME}\r\n",
    "a byte order mark": f"\ufeff{SHA256}  {NAME}\n",
    "no line break at the end": f"{OTHER}  a\n{SHA256}  {NAME}",
    "capitals": f"{SHA256.upper()}  {NAME}\n",
    "BSD, with a comment": f"# {NAME}: 645988352 bytes\nSHA256 ({NAME}) = {SHA256}\n",
    "OpenSSL": f"SHA256({NAME})= {SHA256}\n",
    "OpenSSL 3": f"SHA2-256({NAME})= {OTHER}\nSHA-256 ({NAME}) = {SHA256}\n",
    "nothing but the digest": f"\n{SHA256}\n",
    "nothing but a comment and the digest": f"# of today\n{SHA256}\n",
    "the same twice": f"{SHA256}  a/{NAME}\n{SHA256}  b/{NAME}\n",
    "an algorithm of no use beside": f"{'a' * 96}  {NAME}\nSHA384 ({NAME}) = {'a' * 96}\n{SHA256}  {NAME}\n",
    "simplestreams": json.dumps(
        {"products": {"p": {"versions": {"v": {"items": {"disk1.img": {"path": f"server/{NAME}", "sha256": SHA256}}}}}}}
    ),
    "Fedora's releases": json.dumps([{"link": f"https://h/{NAME}", "sha256": SHA256, "size": "5"}]),
    "Fedora CoreOS": json.dumps(
        {"disk": {"location": f"https://h/b/{NAME}?x", "sha256": SHA256, "uncompressed-sha256": OTHER}}
    ),
}


@pytest.mark.parametrize("text", WAYS.values(), ids=WAYS.keys())
def test_every_way_to_write_it_is_understood(text: str) -> None:
    assert expected(text.encode(), NAME) == Expected("sha256", SHA256)


def test_the_manifests_of_debian_have_base64() -> None:
    upload = {
        "kind": "Upload",
        "data": {"provider": "cloud.debian.org", "ref": f"trixie/20260714-2537/{NAME}"},
        "metadata": {"annotations": {"cloud.debian.org/digest": f"sha512:{BASE64}"}},
    }
    other = {"kind": "Build", "data": {"info": {"arch": "amd64"}}, "metadata": {}}
    document = json.dumps({"kind": "List", "items": [other, upload]}).encode()
    assert expected(document, NAME) == Expected("sha512", SHA512)


@pytest.mark.parametrize(("kind", "digest"), [("md5", MD5), ("sha1", SHA1), ("sha256", SHA256), ("sha512", SHA512)])
def test_the_algorithm_is_told_by_the_length(kind: str, digest: str) -> None:
    assert expected(f"{digest}  {NAME}\n".encode(), NAME) == Expected(kind, digest)  # type: ignore[arg-type]
    assert expected(f"{kind.upper()} ({NAME}) = {digest}\n".encode(), NAME).algorithm == kind
    assert expected(digest.encode(), NAME).digest == digest


def test_the_strongest_is_taken_or_the_one_that_is_asked_for() -> None:
    text = f"{MD5}  {NAME}\n{SHA256}  {NAME}\n{SHA1}  {NAME}\n".encode()
    assert expected(text, NAME).algorithm == "sha256"
    assert expected(text + f"{SHA512}  {NAME}\n".encode(), NAME).algorithm == "sha512"
    assert expected(text, NAME, "md5") == Expected("md5", MD5)
    with pytest.raises(Failure, match="none of sha512") as caught:
        expected(text, NAME, "sha512")
    assert caught.value.reason == "NotInManifest"


@pytest.mark.parametrize(
    ("written", "name"),
    [(r"with\\backslash.img", "with\\backslash.img"), (r"two\nlines.img", "two\nlines.img"), (r"a\rb", "a\rb")],
)
def test_names_that_gnu_escapes(written: str, name: str) -> None:
    assert expected(f"\\{SHA256}  {written}\n".encode(), name) == Expected("sha256", SHA256)
    assert expected(f"\\SHA256 ({written}) = {SHA256}\n".encode(), name) == Expected("sha256", SHA256)


def test_a_name_with_a_backslash_that_is_not_escaped_is_taken_as_it_is() -> None:
    assert expected(f"{SHA256}  a\\nb\n".encode(), "a\\nb") == Expected("sha256", SHA256)


REFUSED = {
    "a name that only begins alike": (f"{OTHER} *{NAME}.manifest\n{OTHER}  x-{NAME}\n", "NotInManifest", "none of"),
    "two that disagree": (f"{SHA256}  a/{NAME}\n{OTHER}  b/{NAME}\n", "NotInManifest", "2 different sha256"),
    "a digest that is too short": (f"{SHA256[:-1]}  {NAME}\n", "NotInManifest", "63 hexadecimal digits"),
    "another algorithm's length": (f"SHA512 ({NAME}) = {SHA256}\n", "NotInManifest", "64 hexadecimal digits"),
    "two bare digests": (f"{SHA256}\n{OTHER}\n", "ManifestUnreadable", "no checksum"),
    "a bare digest that is too short": (SHA256[:-1], "ManifestUnreadable", "no checksum"),
    "a page": ("<!DOCTYPE html><html><body>Not here</body></html>", "ManifestUnreadable", "no checksum"),
    "nothing": ("", "ManifestUnreadable", "no checksum"),
    "what only begins like JSON": ('{"path": ', "ManifestUnreadable", "JSON"),
    "JSON without a bottom": ("[" * 100_000, "ManifestUnreadable", "JSON"),
    "more than a MiB": (f"{SHA256}  {NAME}\n" * 20_000, "ManifestUnreadable", "1 MiB"),
    "Debian's, damaged": (
        json.dumps({"data": {"ref": NAME}, "metadata": {"annotations": {"cloud.debian.org/digest": "sha512:!!"}}}),
        "ManifestUnreadable",
        "no checksum",
    ),
}


@pytest.mark.parametrize(("text", "reason", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_relied_on_is_refused(text: str, reason: str, words: str) -> None:
    with pytest.raises(Failure, match=words) as caught:
        expected(text.encode(), NAME)
    assert (caught.value.reason, caught.value.elsewhere) == (reason, False)
