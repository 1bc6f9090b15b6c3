"""Whatever others send, the answer is a Failure with words, and never a surprise."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as some

from glance_operator.core.transfer import formats, manifest, openpgp
from glance_operator.core.transfer.outcome import Failure
from glance_operator.core.transfer.resuming import Offer

_WORDS = some.sampled_from(
    [
        "f.img",
        "a" * 64,
        "b" * 63,
        "SHA256 (f.img) = ",
        "\\",
        "*",
        "\n",
        "\r\n",
        " ",
        "#",
        "-----BEGIN PGP SIGNED MESSAGE-----\n",
        "-----BEGIN PGP SIGNATURE-----\n",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
        "-----END PGP PUBLIC KEY BLOCK-----\n",
        "[GNUPG:] GOODSIG ",
        "[GNUPG:] VALIDSIG\n",
        "[GNUPG:] NEWSIG\n",
        "[GNUPG:] ERRSIG\n",
    ]
)
_TEXTS = some.lists(_WORDS | some.text(max_size=5), max_size=12).map("".join)
_KEYS = some.sampled_from(["path", "link", "location", "sha256", "data", "ref", "metadata", "annotations"])
_LEAVES = some.none() | some.text(max_size=5) | some.integers() | some.sampled_from(["f.img", "a" * 64, "http://[x"])
_DOCUMENTS = some.recursive(
    _LEAVES,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(_KEYS, inner, max_size=4),
)


def tried(call: Callable[[], object]) -> None:
    with suppress(Failure):
        call()


@given(_TEXTS | some.binary(max_size=200))
def test_any_text(given: str | bytes) -> None:
    content = given.encode() if isinstance(given, str) else given
    tried(lambda: manifest.expected(content, "f.img"))
    tried(lambda: manifest.expected(openpgp.signed_text(content), "f.img", "sha256"))
    tried(lambda: openpgp.keyring(content))
    tried(lambda: openpgp.signer(content.decode(errors="replace")))
    tried(lambda: formats.refuse_page(content, ""))
    tried(lambda: formats.refuse_other(content, "raw", compressed_allowed=False))
    tried(lambda: formats.refuse_other_end(content, content[-512:], "vhd", compressed_allowed=False))


@given(_DOCUMENTS)
def test_any_document(document: object) -> None:
    tried(lambda: manifest.expected(json.dumps([document]).encode(), "f.img"))


@given(some.text(max_size=12), some.text(max_size=12), some.integers(0, 10))
def test_any_header(length: str, part: str, position: int) -> None:
    offer = Offer.of({"Content-Length": length, "ETag": part})
    offer.request(position)
    offer.continued_by(206, {"Content-Range": part}, position)
    offer.continued_by(206, {"Content-Range": f"bytes {part}-{length}/{length}"}, position)
