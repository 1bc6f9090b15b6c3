"""What is signed, whose keys these are, and what gpgv's words mean: all that needs no cryptography."""

from __future__ import annotations

import base64

import pytest

from glance_operator.core.transfer import openpgp
from glance_operator.core.transfer.outcome import Failure

SIGNED = b"""-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

# a comment
- -----not the end-----
SHA256 (a.img) = 00
-----BEGIN PGP SIGNATURE-----

iQEz
-----END PGP SIGNATURE-----
"""
BODY = b"# a comment\n-----not the end-----\nSHA256 (a.img) = 00"
FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
VALID = f"[GNUPG:] VALIDSIG AAAA 2026-01-01 1767225600 0 4 0 1 10 01 {FINGERPRINT}"
GOOD = f"[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG AAAA Somebody\n{VALID}\n"


def test_of_a_clear_signed_text_only_what_is_signed_is_read() -> None:
    assert openpgp.signed_text(b"evil  a.img\n" + SIGNED + b"more evil  a.img\n") == BODY
    assert openpgp.signed_text(SIGNED.replace(b"\n", b"\r\n")) == BODY
    assert openpgp.signed_text(b"plain\n") == b"plain\n"


@pytest.mark.parametrize(
    "text",
    [SIGNED + SIGNED, SIGNED[: SIGNED.index(b"-----BEGIN PGP SIGNATURE")], SIGNED.replace(b"\n\n", b"\n", 1)],
    ids=["two", "no end", "no empty line"],
)
def test_what_is_not_one_whole_text_is_refused(text: bytes) -> None:
    with pytest.raises(Failure, match="one whole clear-signed text") as caught:
        openpgp.signed_text(text)
    assert caught.value.reason == "ManifestUnreadable"


def armoured(key: bytes, *headers: str) -> bytes:
    body = base64.encodebytes(key).decode()
    lines = ["-----BEGIN PGP PUBLIC KEY BLOCK-----", *headers, "", body.rstrip(), "=abcd"]
    return "\n".join([*lines, "-----END PGP PUBLIC KEY BLOCK-----", ""]).encode()


def test_a_keyring_may_be_armoured_in_several_blocks_or_binary() -> None:
    one, two = b"\x99" + bytes(range(100)), b"\xc6" + bytes(50)
    assert openpgp.keyring(armoured(one) + b"\n# another\n" + armoured(two, "Version: 1", "Comment: x")) == one + two
    assert openpgp.keyring(armoured(one).replace(b"\n", b"\r\n")) == one
    assert openpgp.keyring(one) == one


@pytest.mark.parametrize("keys", [b"", b"hello", armoured(b"\x99ab").replace(b"mWFi", b"m!Fi"), armoured(b"plain")])
def test_what_is_no_keyring_is_refused(keys: bytes) -> None:
    with pytest.raises(Failure, match="keyring") as caught:
        openpgp.keyring(keys)
    assert caught.value.reason == "SignatureInvalid"


def test_a_good_signature_names_its_primary_key() -> None:
    assert openpgp.signer(GOOD) == FINGERPRINT
    unknown = "[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG BBBB 1 10 00 1767225600 9\n[GNUPG:] NO_PUBKEY BBBB\n"
    assert openpgp.signer(unknown + GOOD) == FINGERPRINT
    assert openpgp.signer(GOOD + unknown) == FINGERPRINT


WRONG = {
    "": "no signature",
    "[GNUPG:] NODATA 4": "no signature",
    "gpgv: [GNUPG:] GOODSIG AAAA\n": "no signature",
    "[GNUPG:] NEWSIG\n[GNUPG:] BADSIG AAAA Somebody": "does not fit",
    GOOD + "[GNUPG:] NEWSIG\n[GNUPG:] BADSIG AAAA Somebody": "does not fit",
    "[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG BBBB 1 10\n[GNUPG:] NO_PUBKEY BBBB": "key BBBB, which is not in the keyring",
    f"[GNUPG:] NEWSIG\n[GNUPG:] KEYEXPIRED 1\n[GNUPG:] EXPKEYSIG AAAA Somebody\n{VALID}": "AAAA, which has expired",
    f"[GNUPG:] NEWSIG\n[GNUPG:] REVKEYSIG AAAA Somebody\n{VALID}": "AAAA, which has been revoked",
    f"[GNUPG:] NEWSIG\n[GNUPG:] EXPSIG AAAA Somebody\n{VALID}": "signature by key AAAA has expired",
    "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG AAAA Somebody": "no signature",
}


@pytest.mark.parametrize(("status", "words"), WRONG.items(), ids=range(len(WRONG)))
def test_everything_else_is_refused_with_words(status: str, words: str) -> None:
    with pytest.raises(Failure, match=words) as caught:
        openpgp.signer(status)
    assert (caught.value.reason, caught.value.elsewhere) == ("SignatureInvalid", False)
