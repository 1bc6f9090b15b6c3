"""glance-image-import.conf: where web-download may fetch from, and what happens to an image on its way in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any

from glance_operator.api.glanceapi.images import Imports, InjectMetadata, Sources
from glance_operator.core.config import ini

METHODS = ("glance-direct", "web-download", "copy-image")
SCHEMES = ("http", "https")
OWN = ("0.0.0.0", "::", "::ffff:0.0.0.0")  # noqa: S104  # the pod itself, which Glance takes for a host like any other


def text(imports: Imports | None) -> str:
    """The file."""
    return ini.text(_sections(imports or Imports()))


def methods(imports: Imports | None) -> tuple[str, ...]:
    """The methods that are offered."""
    return (imports and imports.methods) or METHODS


def plugins(imports: Imports) -> Iterator[str]:
    """In the order in which they have to work: what is packed cannot be converted."""
    if imports.decompression is not None:
        yield "image_decompression"
    if imports.inject_metadata:
        yield "inject_image_metadata"
    if imports.conversion:
        yield "image_conversion"


def _sections(imports: Imports) -> ini.Sections:
    return {
        "image_import_opts": {
            "image_import_plugins": ini.listed(list(plugins(imports)) or ["no_op"]),
            "max_parallel_stores": imports.max_parallel_stores,
        },
        "image_conversion": {"output_format": imports.conversion.output_format if imports.conversion else None},
        "inject_metadata_properties": _injected(imports.inject_metadata),
        "import_filtering_opts": _filter(imports),
    }


def _injected(wanted: InjectMetadata | None) -> ini.Options:
    """Without quotes: Glance would make them a part of the names."""
    if wanted is None:
        return {}
    roles = wanted.ignore_user_roles
    return {
        "inject": ",".join(f"{name}:{value}" for name, value in sorted(wanted.properties.items())),
        "ignore_user_roles": None if roles is None else ",".join(sorted(roles)),
    }


def _filter(imports: Imports) -> ini.Options:
    """Glance allows http, https, 80 and 443 by itself, and passes over a disallowed list where it has an allowed one.

    The schemes are never left open: a file has one, too.
    """
    wanted = imports.sources or Sources()
    any_port = () if wanted.disallowed_ports is not None else None
    lists: dict[str, Iterable[Any] | None] = {
        "allowed_schemes": set(wanted.allowed_schemes or SCHEMES).difference(wanted.disallowed_schemes or ()),
        "allowed_hosts": _spelt(wanted.allowed_hosts or ()) or None,
        "disallowed_hosts": {*OWN, *_spelt(wanted.disallowed_hosts or ())},
        "allowed_ports": wanted.allowed_ports or any_port,
        "disallowed_ports": wanted.disallowed_ports,
    }
    return {name: ini.listed(sorted(values)) for name, values in lists.items() if values is not None}


def _spelt(hosts: Iterable[str]) -> set[str]:
    """As Glance spells those of an address before it compares them."""
    return {_address(host) or host.lower() for host in hosts}


def _address(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return ""
