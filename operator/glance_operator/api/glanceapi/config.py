"""Glance's own files: options beyond the spec, policies, logging."""

from __future__ import annotations

from typing import Annotated, Literal

from glance_operator.api.base import INI_VALUE, NULLABLE, Model, length, line
from glance_operator.api.cel import NO_NULL, Rule

# Sections and options that the operator writes, and what to do instead of setting them.
OWNED_SECTIONS = {
    "glance_store": "use GlanceStore objects and spec.defaultStoreRef",
    "os_glance_staging_store": "use spec.staging",
    "os_glance_tasks_store": "use spec.staging",
    "keystone_authtoken": "use spec.auth.keystone",
    "paste_deploy": "use spec.auth",
    "import_filtering_opts": "use spec.imports.sources",
    "image_conversion": "use spec.imports.conversion",
    "inject_metadata_properties": "use spec.imports.injectMetadata",
    "image_format": "use spec.formats",
    "oslo_limit": "use spec.quotas",
}
OWNED_OPTIONS = {
    "DEFAULT": {
        "enabled_backends": "use GlanceStore objects",
        "enabled_import_methods": "use spec.imports.methods",
        "worker_self_reference_url": "each pod gets its own",
        "node_staging_uri": "use spec.staging",
        "image_cache_dir": "use spec.cache",
        "image_cache_driver": "use spec.cache",
        "image_cache_max_size": "use spec.cache.maxSize",
        "transport_url": "use spec.notifications",
        "use_keystone_limits": "use spec.quotas",
    },
    "database": {"connection": "use spec.database", "slave_connection": "use spec.database"},
    "image_import_opts": {
        "image_import_plugins": "use spec.imports",
        "max_parallel_stores": "use spec.imports.maxParallelStores",
    },
    "oslo_policy": {"policy_file": "use spec.policy"},
    "oslo_messaging_notifications": {
        "transport_url": "use spec.notifications",
        "driver": "use spec.notifications",
        "topics": "use spec.notifications.topics",
    },
    "barbican": {"barbican_endpoint": "use spec.signatures.barbicanEndpoint"},
    "wsgi": {"task_pool_threads": "use spec.server.importThreads", "python_interpreter": "each pod gets its own"},
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
        expression=f"'[{section}] ' + {first} + ' must not be set here: ' + {owned}[{first}]",
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
        expression=f"'section [' + {_FIRST} + '] must not be set here: ' + {_SECTIONS}[{_FIRST}]",
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
