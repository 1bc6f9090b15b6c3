"""Certificates for unit tests: chains in PEM, issued by an authority of their own or by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

END = datetime(2026, 6, 1, tzinfo=UTC)
SERVICE = "glance.images.svc.cluster.local"
PODS = "*.glance-pods.images.svc.cluster.local"


def _name(word: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, word)])


@cache
def chain(names: Sequence[str] = (SERVICE, PODS), end: datetime = END, issuer: str = "authority") -> str:
    """A certificate for these DNS names, valid until then; issuer "" = itself."""
    key = Ed25519PrivateKey.generate()
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name("glance"))
        .issuer_name(_name(issuer or "glance"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=365))
        .not_valid_after(end)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return builder.sign(key, None).public_bytes(Encoding.PEM).decode()
