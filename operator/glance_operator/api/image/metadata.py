"""What is said about an image besides its content: properties, members, signature."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from glance_operator.api.base import NULLABLE, Line, Model, length, line
from glance_operator.api.cel import KEYED, NO_NULL, SET, Rule, keys, quoted

# What Glance keeps under these names is a field of the spec, computed, or forbidden; the last prefix is our marker's.
RESERVED_NAMES = (
    "id",
    "name",
    "status",
    "visibility",
    "protected",
    "owner",
    "tags",
    "size",
    "virtual_size",
    "checksum",
    "created_at",
    "updated_at",
    "self",
    "file",
    "schema",
    "direct_url",
    "locations",
    "location",
    "stores",
    "members",
    "disk_format",
    "container_format",
    "min_disk",
    "min_ram",
    "os_hidden",
    "os_hash_algo",
    "os_hash_value",
    "deleted",
    "deleted_at",
)
_FAR = r"\x{10000}-\x{10FFFF}"  # beyond the 65536 characters that Glance takes: emoji, mostly
_FAR_KEY = f"k.matches('[{_FAR}]')".replace("\\", "\\\\")
RESERVED_PREFIXES = ("os_glance_", "os_hash_", "glance_operator")
_RESERVED = " || ".join([*(f"k.startsWith('{p}')" for p in RESERVED_PREFIXES), f"k in {quoted(RESERVED_NAMES)}"])

Properties = Annotated[
    dict[str, Annotated[str, line(4096, least=0, pattern=rf"^[^\x00{_FAR}]*$"), NULLABLE]],
    length(120),
    NO_NULL,
    Rule("self.all(k, k.size() >= 1 && k.size() <= 255)", "property names must have 1 to 255 characters"),
    Rule(f"!self.exists(k, {_FAR_KEY})", "property names must not contain emoji or other characters beyond U+FFFF"),
    Rule(
        "!self.exists(k, k in ['true', 'false'])",
        "true and false are no property names but what YAML makes of yes, no, on, off, y, n: put the name in quotes",
    ),
    Rule(
        f"!self.exists(k, {_RESERVED})",
        "must not contain a name that Glance or the operator reserves",
        expression=f"'must not contain the reserved name ' + self.filter(k, {_RESERVED})[0] + "
        "': Glance or the operator keeps it; most have a field of their own in spec'",
    ),
]
GlanceLine = Annotated[str, line(255, pattern=rf"^[^\x00-\x1f\x7f{_FAR}]*$")]
Tags = Annotated[tuple[GlanceLine, ...], length(120), SET]


class Member(Model):
    """A project that may use a shared image."""

    project_id: Line
    """Id of the project."""


Members = Annotated[tuple[Member, ...], length(128), KEYED, keys("projectID")]


class Signature(Model):
    """A signature of the content, kept in Glance's four img_signature* properties."""

    atomic: ClassVar[bool] = True

    value: Annotated[str, line(2048)]
    """The signature, in base64."""
    hash_method: Literal["SHA-224", "SHA-256", "SHA-384", "SHA-512"]
    """Hash that was signed."""
    key_type: Literal[
        "RSA-PSS",
        "DSA",
        "ECC_SECT571K1",
        "ECC_SECT409K1",
        "ECC_SECT571R1",
        "ECC_SECT409R1",
        "ECC_SECP521R1",
        "ECC_SECP384R1",
    ]
    """Kind of the key that signed."""
    certificate_uuid: Annotated[str, line(64, pattern="^[0-9a-fA-F-]+$")]
    """Id of the certificate in the key manager (Barbican)."""
