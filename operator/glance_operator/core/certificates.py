"""What a certificate says of itself: for which names it is good, until when, and who is to be trusted for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

MARK = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Certificate:
    """The first one of a chain. names: DNS names, some with a wildcard. roots: those of the chain that vouch for
    themselves (PEM), whom a client has to be told."""

    names: tuple[str, ...]
    not_after: datetime
    roots: str = ""

    def without(self, wanted: Iterable[str]) -> list[str]:
        """Names that it is not good for."""
        return [name for name in wanted if not any(_covers(own, name) for own in self.names)]


def read(chain: str) -> Certificate:
    """PEM. Raises ValueError, with words, for what is none."""
    # A twentieth of a second, which only a service with TLS has to pay.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    try:
        found = x509.load_pem_x509_certificates(chain.encode())
        extension = found[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        raise ValueError("holds a certificate without DNS names (subjectAltName)") from None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):  # their words would not help
        raise ValueError(f"holds no certificate that can be read (PEM, {MARK})") from None
    roots = [one.public_bytes(Encoding.PEM).decode() for one in found if one.issuer == one.subject]
    names = tuple(extension.value.get_values_for_type(x509.DNSName))
    return Certificate(names, found[0].not_valid_after_utc, "".join(roots))


def roots(chain: str) -> str:
    """Empty also for what is no certificate: somebody else says so."""
    try:
        return read(chain).roots
    except ValueError:
        return ""


def _covers(own: str, name: str) -> bool:
    """A wildcard stands for one whole label, the first."""
    own, name = own.lower().rstrip("."), name.lower()
    return own == name or (own.startswith("*.") and own[1:] == name[name.find(".") :])
