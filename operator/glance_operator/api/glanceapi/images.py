"""How a GlanceAPI treats images: imports, formats, metadata, quotas, housekeeping."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from glance_operator.api.base import NULLABLE, URL, Empty, Model, NameRefs, length, line, within
from glance_operator.api.cel import NO_NULL, SET, Rule, not_both

Word = Annotated[str, line(64, pattern=r"^[A-Za-z0-9_.-]+$")]
Host = Annotated[str, line(253, pattern=r"^[A-Za-z0-9._:-]+$")]
Hosts = Annotated[tuple[Host, ...], length(128, 1), SET]
Port = Annotated[int, within(1, 65535)]
Scheme = Literal["http", "https"]
Words = Annotated[tuple[Word, ...], length(32, 1), SET]
_ONE_LIST = "with an allowed list everything else is refused anyway"


class Sources(Model):
    """Addresses that web-download may fetch from, also when it is redirected. Glance refuses addresses of loopback and
    link-local, whatever name they have, unless allowedHosts has the host; the operator adds 0.0.0.0 and ::, which are
    loopback, too."""

    rules: ClassVar[tuple[Rule, ...]] = (
        not_both("allowedSchemes", "disallowedSchemes", _ONE_LIST),
        not_both("allowedHosts", "disallowedHosts", _ONE_LIST),
        not_both("allowedPorts", "disallowedPorts", _ONE_LIST),
    )

    allowed_schemes: Annotated[tuple[Scheme, ...], length(2, 1), SET] | None = None
    """Schemes that may be used, no others; absent = http and https."""
    disallowed_schemes: Annotated[tuple[Scheme, ...], length(1), SET] | None = None
    """The scheme that must not be used. To use neither leave web-download out of methods."""
    allowed_hosts: Hosts | None = None
    """Hosts that may be asked, no others; absent = any. Names have to be those of DNS, complete."""
    disallowed_hosts: Hosts | None = None
    """Hosts that must not be asked. An address is refused under every name, a name only as it is written here: where it
    matters, use allowedHosts."""
    allowed_ports: Annotated[tuple[Port, ...], length(64, 1), SET] | None = None
    """Ports that may be named, no others; absent = 80 and 443, or any with disallowedPorts. An address that names no
    port may always be used."""
    disallowed_ports: Annotated[tuple[Port, ...], length(64), SET] | None = None
    """Ports that must not be named; all others may."""


class Conversion(Model):
    """Glance's plugin image_conversion."""

    output_format: Literal["raw", "qcow2", "vmdk"]
    """Format that every imported image is converted to."""


class InjectMetadata(Model):
    """Glance's plugin inject_image_metadata."""

    properties: Annotated[
        dict[str, Annotated[str, line(1024, least=0, pattern=r"^[^,\x00-\x1f\x7f]*$"), NULLABLE]],
        length(64),
        NO_NULL,
        Rule(
            "self.all(k, k.size() >= 1 && k.size() <= 255 && k.matches('^[^:,]+$'))",
            "property names must have 1 to 255 characters, without ':' and ','",
        ),
    ]
    """Properties that every imported image gets. Put the values in quotes: they are strings."""
    ignore_user_roles: Annotated[tuple[Word, ...], length(32), SET] | None = None
    """Roles whose imports get none; absent = admin, as in Glance, which leaves out the operator's own imports."""


class Imports(Model):
    """How images come in."""

    methods: (
        Annotated[
            tuple[Literal["glance-direct", "web-download", "copy-image", "glance-download"], ...], length(4, 1), SET
        ]
        | None
    ) = None
    """Import methods that are offered; absent = glance-direct, web-download, copy-image."""
    sources: Sources | None = None
    """Addresses that web-download may fetch from."""
    decompression: Empty | None = None
    """Decompress images at import (plugin image_decompression); absent = off."""
    conversion: Conversion | None = None
    """Convert images at import (plugin image_conversion); absent = off."""
    inject_metadata: InjectMetadata | None = None
    """Give every imported image some properties (plugin inject_image_metadata); absent = off."""
    max_parallel_stores: Annotated[int, within(1, 16)] | None = None
    """Stores that one import writes at once; absent = 1. More is quicker, but Glance then checks the format of the
    content no longer."""


class Formats(Model):
    """Formats that the service takes."""

    disk: Words | None = None
    """Disk formats; absent = Glance's own list."""
    container: Words | None = None
    """Container formats; absent = Glance's own list."""


class Metadefs(Model):
    """Metadata definitions, which other programs offer in their forms."""

    defaults: bool = True
    """Load the definitions that come with Glance, once for each image and database; what is there already stays as it
    is. With false none are loaded; those that were stay."""
    config_map_refs: NameRefs | None = None
    """ConfigMaps with further definitions: one namespace a key, as JSON in the format of Glance's own files. A
    namespace goes with its key, its ConfigMap or its entry here. Of two that define the same one the first counts."""


Quota = Annotated[int, within(-1, 2147483647)]


class Quotas(Model):
    """Limits per project that are kept registered in Keystone (unified limits); -1 = none."""

    image_size_total_mib: Quota | None = None
    """Data of all images of a project, in MiB."""
    image_stage_total_mib: Quota | None = None
    """Staged data of a project, in MiB."""
    image_count_total: Quota | None = None
    """Images of a project."""
    image_count_uploading: Quota | None = None
    """Images of a project that are being uploaded at once."""


class Signatures(Model):
    """Verification of signed images."""

    barbican_endpoint: URL
    """Key manager that has the certificates."""


class Purge(Model):
    """Removal of the records of deleted images."""

    schedule: Annotated[str, line(64, pattern=r"^(@(hourly|daily|weekly|monthly|yearly)|\S+( \S+){4})$")] = "0 1 * * *"
    """When, in the words of cron."""
    retention_days: Annotated[int, within(0, 36500)] = 30
    """Days that a record stays after its image was deleted."""
    purge_images: bool = False
    """Purge the table of images too: the ids of deleted images can then be used again."""


class Housekeeping(Model):
    """What is done regularly."""

    purge: Purge | None = None
    """Removal of the records of deleted images; absent = daily at one, after 30 days, ids stay taken."""
