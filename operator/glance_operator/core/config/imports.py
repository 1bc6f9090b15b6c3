"""glance-image-import.conf: where web-download may fetch from, and what happens to an image on its way in."""

from __future__ import annotations

from collections.abc import Iterator

from glance_operator.api.glanceapi.images import Imports, InjectMetadata
from glance_operator.core.config import ini

METHODS = ("glance-direct", "web-download", "copy-image")


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
    if imports.sources is None:
        return {}
    lists = imports.sources.model_dump(exclude_none=True)
    return {name: ini.listed(sorted(values)) for name, values in lists.items()}
