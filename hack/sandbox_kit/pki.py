"""A certificate authority for one sandbox: every certificate dies with it, so a day is long enough."""

import base64
import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = datetime.timedelta(days=30)
SERVER_NAMES = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
]
SERVER_ADDRESSES = ["127.0.0.1", "10.96.0.1"]


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM files."""

    cert: Path
    key: Path


def new_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Make a private key and write it, readable by its owner only."""
    key = ec.generate_private_key(ec.SECP256R1())
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    return key


class Authority:
    """Signs the certificates of one control plane, kept in one directory."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self.pair = self._paths("ca")
        self._key = new_key(self.pair.key)
        self._name = _name("sandbox-ca", None)
        self._cert = self._sign(_unsigned(self._name, self._name, self._key, authority=True))
        self._write(self.pair.cert, self._cert)

    def server(self, name: str, addresses: Sequence[str] = ()) -> Pair:
        """A certificate for the API server's names and addresses, and others on top of them."""
        names: list[x509.GeneralName] = [x509.DNSName(n) for n in SERVER_NAMES]
        names += [x509.IPAddress(ipaddress.ip_address(a)) for a in [*SERVER_ADDRESSES, *addresses]]
        return self._issue(name, name, None, x509.SubjectAlternativeName(names))

    def web(self, name: str, names: Sequence[str], valid: datetime.timedelta = VALID) -> Pair:
        """A certificate for a server with these DNS names; a name used before is issued anew."""
        extension = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        return self._issue(name, name, None, extension, valid)

    def client(self, user: str, group: str | None = None) -> Pair:
        """A certificate by which the API server knows `user` as a member of `group`."""
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        return self._issue(user.replace(":", "-"), user, group, usage)

    def kubeconfig(self, url: str, user: str, group: str | None = None) -> str:
        """A kubeconfig, self-contained, that makes its reader `user`."""
        pair = self.client(user, group)
        cluster = {"server": url, "certificate-authority-data": _inline(self.pair.cert)}
        person = {"client-certificate-data": _inline(pair.cert), "client-key-data": _inline(pair.key)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "sandbox", "cluster": cluster}],
            "users": [{"name": user, "user": person}],
            "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
            "current-context": "sandbox",
        }
        return yaml.safe_dump(content, sort_keys=False)

    def _issue(
        self,
        file: str,
        user: str,
        group: str | None,
        extension: x509.ExtensionType,
        valid: datetime.timedelta = VALID,
    ) -> Pair:
        pair = self._paths(file)
        builder = _unsigned(_name(user, group), self._name, new_key(pair.key), authority=False, valid=valid)
        self._write(pair.cert, self._sign(builder.add_extension(extension, critical=False)))
        return pair

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self._key, hashes.SHA256())

    def _paths(self, file: str) -> Pair:
        return Pair(self._directory / f"{file}.crt", self._directory / f"{file}.key")

    @staticmethod
    def _write(path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _unsigned(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
    valid: datetime.timedelta = VALID,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + valid)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )


def _name(user: str, group: str | None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
    return x509.Name(parts + ([x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []))


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
