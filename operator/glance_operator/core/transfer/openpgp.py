"""Signed manifests, as far as this can be told without cryptography: what is signed, by whom, and what gpgv said."""

from __future__ import annotations

import base64
import binascii
import re

from glance_operator.core.transfer.outcome import Failure

SIBLINGS = (".sign", ".gpg", ".asc", ".sig")  # by which a detached signature is told from what it signs
_SIGNED, _SIGNATURE = b"-----BEGIN PGP SIGNED MESSAGE-----", b"-----BEGIN PGP SIGNATURE-----"
_KEYS = re.compile(rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(.*?)-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL)
_STATUS = "[GNUPG:] "
# What is wrong with a signature, the worst first: gpgv's word, and ours.
_WRONG = {
    "BADSIG": "its signature does not fit its content: it was changed, or damaged on the way",
    "REVKEYSIG": "it is signed by key {}, which has been revoked",
    "EXPKEYSIG": "it is signed by key {}, which has expired: bring a newer copy of the key",
    "EXPSIG": "its signature by key {} has expired",
    "ERRSIG": "it is signed by key {}, which is not in the keyring, or in a way that is not trusted any more",
}


def wrong(words: str) -> Failure:
    return Failure("SignatureInvalid", f"the manifest is not used: {words}", elsewhere=False)


def is_clear_signed(manifest: bytes) -> bool:
    return any(line.rstrip() == _SIGNED for line in manifest.split(b"\n"))


def signed_text(manifest: bytes) -> bytes:
    """Of a clear-signed one what is signed, for whom there is no key to ask; anything else as it is.

    Raises Failure if more than one text is signed, or nothing ends the one.
    """
    if not is_clear_signed(manifest):
        return manifest
    one_signed_text(manifest)
    lines = [line.rstrip() for line in manifest.split(b"\n")]  # what ends a line is not signed either
    first, last = lines.index(b"", lines.index(_SIGNED)) + 1, lines.index(_SIGNATURE)
    return b"\n".join(line.removeprefix(b"- ") for line in lines[first:last])


def one_signed_text(manifest: bytes) -> None:
    """Raises Failure unless exactly one text is signed, with its end."""
    lines = [line.rstrip() for line in manifest.split(b"\n")]
    begin, end = ([n for n, line in enumerate(lines) if line == mark] for mark in (_SIGNED, _SIGNATURE))
    if len(begin) != 1 or len(end) != 1 or b"" not in lines[begin[0] : end[0]]:
        raise Failure("ManifestUnreadable", "the manifest is not one whole clear-signed text", elsewhere=False)


def keyring(keys: bytes) -> bytes:
    """Public keys as gpgv reads them. Raises Failure if there are none.

    keys: armoured, one block or several; or binary.
    """
    try:
        blocks = [_unarmoured(block) for block in _KEYS.findall(keys)]
    except binascii.Error:
        raise wrong("the keyring's armour is damaged") from None
    found = b"".join(blocks) if blocks else keys
    if not found or not found[0] & 0x80:  # the first bit of every OpenPGP packet
        raise wrong("the keyring holds no OpenPGP public key: give what gpg --export --armor prints")
    return found


def signer(status: str) -> str:
    """The primary key's fingerprint of the first good signature. Raises Failure, with words, if there is none.

    status: what gpgv wrote under --status-fd. Its exit code would not do: it forgives keys that have expired.
    """
    said = [line.removeprefix(_STATUS).split() for line in status.splitlines() if line.startswith(_STATUS)]
    signatures: list[dict[str, list[str]]] = [{}]
    for word, *rest in (one for one in said if one):
        if word == "NEWSIG":
            signatures.append({})
        signatures[-1][word] = rest
    good = [one["VALIDSIG"][-1] for one in signatures if "GOODSIG" in one and one.get("VALIDSIG")]
    if good and not any("BADSIG" in one for one in signatures):
        return good[0]
    for word, words in _WRONG.items():
        for one in signatures:
            if word in one:
                raise wrong(words.format((one[word] or ["?"])[0]))
    raise wrong("it carries no signature that can be read")


def _unarmoured(block: bytes) -> bytes:
    """Behind the headers and an empty line base64, and at its end a checksum that begins with ``=``."""
    lines = [line.strip() for line in block.split(b"\n")]
    body = lines[lines.index(b"") + 1 :] if b"" in lines[:-1] else lines
    return base64.b64decode(b"".join(line for line in body if not line.startswith(b"=")), validate=True)
