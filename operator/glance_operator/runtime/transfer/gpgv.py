"""OpenPGP signatures, verified by the system's gpgv; nothing is written to a disk."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from glance_operator.core.transfer import openpgp

_SECONDS = 30.0


def clear_signed(manifest: bytes, keys: bytes) -> tuple[bytes, str]:
    """What is signed, as gpgv itself read it, and the fingerprint of the key. Raises Failure.

    keys: as ``openpgp.keyring`` gives them.
    """
    openpgp.one_signed_text(manifest)
    return _run(manifest, keys, None)


def detached(manifest: bytes, signature: bytes, keys: bytes) -> str:
    """The fingerprint of the key that signed exactly these bytes. Raises Failure."""
    return _run(manifest, keys, signature)[1]


def _run(data: bytes, keys: bytes, signature: bytes | None) -> tuple[bytes, str]:
    with ExitStack() as files:
        keyring = files.enter_context(_file(keys))
        signed = [files.enter_context(_file(signature))] if signature is not None else []
        # SHA-1 can be forged by now, and gpgv would take it
        command = ["gpgv", "--status-fd", "2", "--log-file", os.devnull, "--weak-digest", "SHA1"]
        command += ["--keyring", _path(keyring), *(["--output", "-"] if not signed else [])]
        command += [*map(_path, signed), "-"]
        try:
            ended = subprocess.run(
                command,
                input=data,
                capture_output=True,
                timeout=_SECONDS,
                check=False,  # what it says is judged, not how it ends
                pass_fds=(keyring, *signed),
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            )
        except FileNotFoundError:
            raise openpgp.wrong("gpgv, which verifies signatures, is not installed here") from None
        except subprocess.TimeoutExpired:
            raise openpgp.wrong(f"gpgv took more than {_SECONDS:g} s over it") from None
    return ended.stdout, openpgp.signer(ended.stderr.decode(errors="replace"))


@contextmanager
def _file(content: bytes) -> Iterator[int]:
    """A descriptor of a file in memory."""
    number = os.memfd_create("openpgp", 0)
    try:
        with os.fdopen(number, "wb", closefd=False) as file:
            file.write(content)
        yield number
    finally:
        os.close(number)


def _path(number: int) -> str:
    return f"/proc/self/fd/{number}"
