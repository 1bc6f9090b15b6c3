"""Glance's own files: options beyond the spec, policies, logging."""

from __future__ import annotations

from typing import Annotated, Literal

from glance_operator.api.base import INI_VALUE, NULLABLE, Model, length, line
from glance_operator.api.cel import NO_NULL, Rule

# Sections and options that the operator writes, and the field that says what is in them.
OWNED_SECTIONS = {
    "glance_store": "GlanceStore objects and defaultStoreRef",
    "os_glance_staging_store": "staging",
    "os_glance_tasks_store": "staging",
    "keystone_authtoken": "auth.keystone",
    "paste_deploy": "auth",
    "import_filtering_opts": "imports.sources",
    "image_conversion": "imports.conversion",
    "inject_metadata_properties": "imports.injectMetadata",
    "image_format": "formats",
}
OWNED_OPTIONS = {
    "DEFAULT": {
        "enabled_backends": "GlanceStore objects",
        "enabled_import_methods": "imports.methods",
        "worker_self_reference_url": "the operator, for each pod",
        "node_staging_uri": "staging",
        "image_cache_dir": "cache",
        "image_cache_driver": "cache",
        "image_cache_max_size": "cache.maxSize",
        "transport_url": "notifications",
        "use_keystone_limits": "quotas",
    },
    "database": {"connection": "database"},
    "image_import_opts": {"image_import_plugins": "imports", "max_parallel_stores": "imports.maxParallelStores"},
    "oslo_policy": {"policy_file": "policy"},
}


def _cel_map(fields: dict[str, str]) -> str:
    return "{" + ", ".join(f"'{name}': '{field}'" for name, field in fields.items()) + "}"


def _owned_options(section: str) -> Rule:
    """Refuses what the operator writes into one section; the message names the first offender and its field."""
    owned, found = _cel_map(OWNED_OPTIONS[section]), f"self['{section}']"
    first = f"{found}.filter(o, o in {owned})[0]"
    return Rule(
        f"!('{section}' in self) || !{found}.exists(o, o in {owned})",
        f"[{section}] must not contain options that the spec sets: {', '.join(OWNED_OPTIONS[section])}",
        expression=f"'[{section}] ' + {first} + ' must not be set here: it is set by spec: ' + {owned}[{first}]",
    )


_SECTIONS = _cel_map(OWNED_SECTIONS)
_FIRST = f"self.filter(s, s in {_SECTIONS})[0]"
ExtraConfig = Annotated[
    dict[
        str, Annotated[dict[str, Annotated[str, line(4096, least=0, pattern=INI_VALUE), NULLABLE]], length(64), NO_NULL]
    ],
    length(32),
    Rule(
        "self.all(s, s.matches('^[A-Za-z0-9_.:-]{1,128}$') && self[s].all(o, o.matches('^[a-z0-9_]{1,128}$')))",
        "sections and options must be plain names",
    ),
    Rule(
        f"!self.exists(s, s in {_SECTIONS})",
        "must not contain a section that the operator writes",
        expression=f"'section [' + {_FIRST} + '] must not be set here: it is set by spec: ' + {_SECTIONS}[{_FIRST}]",
    ),
    *(_owned_options(section) for section in OWNED_OPTIONS),
]
Policy = Annotated[
    dict[str, Annotated[str, line(2048, least=0, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]],
    length(256),
    Rule("self.all(k, k.matches('^[a-z0-9_:.-]{1,128}$'))", "rule names are lower-case words, at most 128 characters"),
]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class Logging(Model):
    """What Glance writes to its log."""

    format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object a line."""
    levels: (
        Annotated[
            dict[str, LogLevel],
            length(64),
            Rule("self.all(k, k.matches('^[A-Za-z0-9_.]{1,128}$'))", "loggers are dotted names"),
        ]
        | None
    ) = None
    """Level of each logger by name, such as glance: DEBUG; absent = INFO for glance, WARNING for others."""
