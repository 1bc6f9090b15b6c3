"""What a transfer is told: one JSON document without a secret in it; secrets are in files that it names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from glance_operator.api.base import Model

Algorithm = Literal["md5", "sha1", "sha256", "sha512"]
Compression = Literal["gz", "bz2", "xz", "zst"]
LENGTHS: dict[int, Algorithm] = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}  # hexadecimal digits


def _parted(address: str) -> str:
    """Raises ValueError, without quoting it, for what has no host or port that could be, or holds credentials."""
    try:
        parts = urlsplit(address)
        usable = parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None:
        raise ValueError("must be an address with a host, and without a user name")
    return address


_Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1f\x7f]+$"), AfterValidator(_parted)]
_Text = Annotated[str, StringConstraints(min_length=1)]


class _Part(Model):
    """A part of the document. What is not known here is refused: it would have been meant to matter."""

    model_config = ConfigDict(extra="forbid")


class Auth(_Part):
    """Credentials for the server of the first address, read when they are needed: basic, or a whole header."""

    username_file: str | None = None
    """File with the user name."""
    password_file: str | None = None
    """File with the password."""
    header_file: str | None = None
    """File with the value of the Authorization header."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        basic = self.username_file is not None, self.password_file is not None
        if basic not in {(True, True), (False, False)} or (self.header_file is not None) == all(basic):
            raise ValueError("give usernameFile and passwordFile, or headerFile")
        return self


class VolumeFile(_Part):
    """A file below a directory where a volume is mounted."""

    root: _Text
    """The directory."""
    path: _Text
    """The file, relative to it. No part of it may be a symbolic link."""


class SourceConfig(_Part):
    """Where the bytes come from: addresses, or a file."""

    addresses: tuple[_Address, ...] = ()
    """Of the same file: the url first, then the mirrors. Credentials go to the origin of the first one only."""
    start: Annotated[int, Field(ge=0)] = 0
    """Which of them is tried first; the others follow in their order, those before it last."""
    file: VolumeFile | None = None
    """The file."""
    auth: Auth | None = None
    """Credentials; absent = none."""
    ca_file: str | None = None
    """File with certificates (PEM) to trust besides the well-known ones."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.addresses) == (self.file is not None):
            raise ValueError("give addresses, or file")
        if self.addresses and self.start >= len(self.addresses):
            raise ValueError("start is not the place of an address")
        return self

    @property
    def order(self) -> tuple[str, ...]:
        """The addresses in the order in which they are tried."""
        return self.addresses[self.start :] + self.addresses[: self.start]

    @property
    def base_name(self) -> str:
        """By which a manifest knows the file."""
        return PurePosixPath(self.file.path).name if self.file else base_name(self.addresses[0])


class Checksum(_Part):
    """What the source's bytes must be, before any decompression."""

    algorithm: Algorithm
    """How the digest is computed."""
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]+$", to_lower=True)]
    """In hexadecimal."""

    @model_validator(mode="after")
    def _of_its_length(self) -> Self:
        if LENGTHS.get(len(self.digest)) != self.algorithm:
            raise ValueError("digest does not have the length of its algorithm")
        return self


class ManifestConfig(_Part):
    """A published checksum file that names the source."""

    url: _Address
    """Address of the file."""
    keyring_file: str | None = None
    """File with OpenPGP public keys, armoured or binary: the manifest must be signed by one of them."""
    name: _Text | None = None
    """By which the file is looked for in it; absent = the base name of the first address, or of the file."""


class GlanceConfig(_Part):
    """Where the bytes go."""

    url: _Address
    """Address of the image service, with or without /v2."""
    image_id: _Text
    """An image that is ``queued``."""
    headers_file: str
    """File with the headers that make Glance trust the request, one ``Name: value`` a line. Read at each request."""
    ca_file: str | None = None
    """File with certificates (PEM) to trust besides the well-known ones."""

    @property
    def image_url(self) -> str:
        """Of the image, under /v2."""
        return f"{self.url.rstrip('/').removesuffix('/v2')}/v2/images/{self.image_id}"


class Limits(_Part):
    """When to give up."""

    max_bytes: Annotated[int, Field(ge=1)] | None = None
    """Bytes that are staged, at most; absent = any number."""
    ratio: Annotated[int, Field(ge=1)] = 2000
    """Bytes that one byte may become by decompression, once there are more than a GiB of them."""
    stall_seconds: Annotated[float, Field(gt=0)] = 300.0
    """A source that sends nothing for so long has stalled."""
    total_seconds: Annotated[float, Field(gt=0)] | None = None
    """For all of it; absent = no end."""


class TransferConfig(_Part):
    """The whole document."""

    source: SourceConfig
    """Where the bytes come from."""
    checksum: Checksum | None = None
    """What they must be."""
    manifest: ManifestConfig | None = None
    """Where it is published what they must be."""
    decompress: Literal["None", "Auto"] | Compression = "None"
    """What to undo on the way. Auto tells by the first bytes, and leaves alone what is not compressed."""
    disk_format: _Text
    """Glance's disk_format of the image: what is staged must begin like it."""
    container_format: _Text = "bare"
    """Glance's container_format of the image; within a container other than bare the disk is not looked for."""
    compressed_allowed: bool = False
    """The image service itself decompresses what it imports: compressed content is then no wrong content."""
    glance: GlanceConfig
    """Where the bytes go."""
    limits: Limits = Limits()
    """When to give up."""
    termination_log: str = "/dev/termination-log"
    """File for the outcome."""
    progress_seconds: Annotated[float, Field(gt=0, le=10)] = 5.0
    """Between two lines about the progress."""

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if self.checksum and self.manifest:
            raise ValueError("give checksum or manifest, not both")
        return self


def base_name(text: str) -> str:
    """The last part of an address's path, or of a path, as it reads: "https://h/a%2Bb.img?x=/y" -> "a+b.img"."""
    address = re.fullmatch(r"https?://[^/?#]*([^?#]*).*", text, re.DOTALL)
    return (unquote(address[1]) if address else text).rpartition("/")[2]
