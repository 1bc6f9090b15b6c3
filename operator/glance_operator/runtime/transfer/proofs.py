"""What the bytes must be: a digest that is given, or one that is published, perhaps signed."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import requests

from glance_operator.core.transfer import manifest, openpgp
from glance_operator.core.transfer.config import ManifestConfig
from glance_operator.core.transfer.manifest import Expected
from glance_operator.core.transfer.outcome import Failure
from glance_operator.runtime.answers import retry_after
from glance_operator.runtime.transfer import gpgv, secrets
from glance_operator.runtime.transfer.web import Unreached, Web

_PIECE = 1 << 16
Verified = tuple[bytes, str | None]  # what may be believed of a manifest, and the fingerprint of who signed it


class Manifest:
    """A published checksum file, fetched at each ``read``."""

    def __init__(self, config: ManifestConfig, name: str, web: Web, authorization: str) -> None:
        """``name``: the file that is looked for."""
        self._config, self._name, self._web, self._authorization = config, name, web, authorization
        self._keys = openpgp.keyring(secrets.content(config.keyring_file)) if config.keyring_file else None
        self.signed_by: str | None = None

    def read(self, algorithm: str | None = None) -> Expected:
        """What it says of the file at this moment. Raises Failure."""
        fetched = self._fetched(self._config.url, manifest.LARGEST)
        if fetched is None:
            raise _unreadable("answered 404")
        text, self.signed_by = self._verified(fetched)
        return manifest.expected(text, self._name, algorithm)

    def _verified(self, fetched: bytes) -> Verified:
        if self._keys is None:
            return openpgp.signed_text(fetched), None
        if openpgp.is_clear_signed(fetched):
            return gpgv.clear_signed(fetched, self._keys)
        return self._by_sibling(fetched, self._keys)

    def _by_sibling(self, fetched: bytes, keys: bytes) -> Verified:
        """By the first signature beside it that is good; some servers have a page for what they do not have."""
        first: Failure | None = None
        for ending in openpgp.SIBLINGS:
            parts = urlsplit(self._config.url)
            signature = self._fetched(parts._replace(path=parts.path + ending).geturl(), manifest.LARGEST_TEXT)
            if signature is None:
                continue
            try:
                if openpgp.is_clear_signed(signature):  # a copy, with its signature around it
                    return gpgv.clear_signed(signature, keys)
                return fetched, gpgv.detached(fetched, signature, keys)
            except Failure as failure:
                first = first or failure
        raise first or openpgp.wrong(
            f"it is not signed, and there is none of {', '.join(openpgp.SIBLINGS)} beside it; "
            "without a signature remove the keyring"
        )

    def _fetched(self, url: str, most: int) -> bytes | None:
        """None if there is no such file. Raises Failure."""
        try:
            with self._web.get(url, authorization=self._authorization) as response:
                if response.status_code == 404:
                    return None
                if response.status_code != 200:
                    raise _unreadable(f"answered {response.status_code}", retry_after(response))
                return _content(response, most)
        except Unreached as error:
            raise _unreadable(str(error)) from None
        except (requests.RequestException, OSError):
            raise _unreadable("was cut, or cannot be decoded") from None


class Proof:
    """What is expected of the source's bytes; a published digest is looked up once more before they are refused."""

    def __init__(self, wanted: Expected | None, again: Callable[[str], Expected] | None = None) -> None:
        self._wanted, self._again = wanted, again

    @property
    def algorithm(self) -> str | None:
        """None = nothing is expected."""
        return self._wanted.algorithm if self._wanted else None

    def judge(self, digest: str) -> None:
        """Raises Failure if it is another."""
        if not self._wanted or digest == self._wanted.digest:
            return
        if self._again and self._published_meanwhile() == digest:
            return
        algorithm, wanted = self._wanted.algorithm, self._wanted.digest
        words = (
            f"the {algorithm} of the source is {digest}, expected was {wanted}: it is another file, or a damaged one"
        )
        raise Failure("ChecksumMismatch", words, terminal=True)

    def _published_meanwhile(self) -> str | None:
        """Whoever renews a file may renew its manifest a moment later."""
        try:
            return self._again(self._wanted.algorithm).digest if self._again and self._wanted else None
        except Failure:
            return None


def _content(response: requests.Response, most: int) -> bytes:
    found = b""
    for piece in response.iter_content(_PIECE):
        found += piece
        if len(found) > most:
            raise _unreadable(f"has more than {most >> 20} MiB: is it the right address?")
    return found


def _unreadable(words: str, wait: float | None = None) -> Failure:
    return Failure("ManifestUnreadable", f"manifest {words}", retry_after=wait, elsewhere=False)
