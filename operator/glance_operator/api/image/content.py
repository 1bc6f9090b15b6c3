"""Where an image's bytes come from, and what they must be."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from glance_operator.api.base import URL, UUID, Empty, KeyRef, Line, Model, Name, NameRef, OneOf, Period, length, line
from glance_operator.api.cel import ORDERED, Rule


class HttpSource(Model):
    """A file on a web server."""

    atomic: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.method) || self.method != 'web-download' || !(has(self.authSecretRef) || has(self.caBundleRef))",
            "web-download knows neither credentials nor a private CA: use method Auto or glance-direct",
            field="method",
        ),
    )

    url: URL
    """Address of the file, http or https. Glance itself fetches it, so it is Glance that must reach it."""
    mirrors: Annotated[tuple[URL, ...], length(8), ORDERED] | None = None
    """Further addresses of the same file, tried in this order after url."""
    method: Literal["Auto", "web-download", "glance-direct"] = "Auto"
    """Who carries the bytes. web-download: Glance fetches them. glance-direct: a Job of the operator fetches, checks
    and stages them. Auto takes web-download unless checksum, authSecretRef, caBundleRef or decompress need the bytes
    to be seen."""
    auth_secret_ref: NameRef | None = None
    """Secret with credentials for the server: type kubernetes.io/basic-auth, or glance-operator.io/source-auth with
    the key header (a whole Authorization header)."""
    ca_bundle_ref: KeyRef | None = None
    """Certificates (PEM) to trust for this server besides the well-known ones."""
    refresh: Period | None = None
    """How often to look whether the content under the address has changed (ETag, Last-Modified or the manifest);
    absent = never."""


class PvcSource(Model):
    """A file on a volume."""

    atomic: ClassVar[bool] = True

    claim_name: Name
    """PersistentVolumeClaim of the same namespace; it must carry the label glance-operator.io/image-source: "true"."""
    path: Annotated[
        str,
        line(1024),
        Rule(
            "!self.startsWith('/') && !self.split('/').exists(p, p == '..')",
            "must be relative to the volume and must not contain '..'",
        ),
    ]
    """The file, relative to the root of the volume."""


class GlanceSource(Model):
    """An image of another region, fetched by Glance's own method glance-download."""

    atomic: ClassVar[bool] = True

    region: Line
    """Region whose Glance has the image."""
    image_id: UUID
    """Id of the image there."""
    interface: Literal["public", "internal", "admin"] = "public"
    """Endpoint of that Glance to use."""


class Manifest(Model):
    """A checksum file as distributions publish it."""

    atomic: ClassVar[bool] = True

    url: URL
    """Address of the file, such as …/SHA256SUMS; the entry is found by the exact base name of the source."""
    keyring_ref: KeyRef | None = None
    """OpenPGP public keys; if given, the file must be signed by one of them."""


class Checksum(OneOf):
    """What the source's bytes must be; exactly one of the fields is set."""

    one_of: ClassVar[tuple[str, ...]] = ("md5", "sha1", "sha256", "sha512", "manifest")

    md5: Annotated[str, line(32, 32, pattern="^[0-9a-fA-F]{32}$")] | None = None
    """MD5 in hexadecimal. Guards against accidents only."""
    sha1: Annotated[str, line(40, 40, pattern="^[0-9a-fA-F]{40}$")] | None = None
    """SHA-1 in hexadecimal. Guards against accidents only."""
    sha256: Annotated[str, line(64, 64, pattern="^[0-9a-fA-F]{64}$")] | None = None
    """SHA-256 in hexadecimal."""
    sha512: Annotated[str, line(128, 128, pattern="^[0-9a-fA-F]{128}$")] | None = None
    """SHA-512 in hexadecimal."""
    manifest: Manifest | None = None
    """A published checksum file that names the source."""


_DECOMPRESSED = "has(self.decompress) && self.decompress != 'None'"


class Source(OneOf):
    """Where the content comes from; exactly one of http, pvc, upload, glance is set."""

    one_of: ClassVar[tuple[str, ...]] = ("http", "pvc", "upload", "glance")
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"!({_DECOMPRESSED} && has(self.http) && has(self.http.method) && self.http.method == 'web-download')",
            "web-download cannot decompress: use method Auto or glance-direct",
            field="decompress",
        ),
        Rule(
            f"!({_DECOMPRESSED}) || has(self.http) || has(self.pvc)",
            "only what comes by http or pvc passes the operator and can be decompressed",
            field="decompress",
        ),
    )

    http: HttpSource | None = None
    """A file on a web server."""
    pvc: PvcSource | None = None
    """A file on a volume of this namespace."""
    upload: Empty | None = None
    """Somebody stages the bytes (kubectl glance upload, or PUT …/stage); until then the reason is AwaitingUpload."""
    glance: GlanceSource | None = None
    """An image of another region."""
    checksum: Checksum | None = None
    """What the source's bytes must be, before any decompression. Until they are, nobody else sees the image. This
    version compares sha512 and md5, which Glance computes of what it stores."""
    decompress: Literal["None", "Auto", "gz", "bz2", "xz", "zst"] = "None"
    """Decompress on the way, in the operator's Job. Auto tells by the first bytes."""
