"""What is valid and may yet surprise: told beside a configuration that is in force."""

from __future__ import annotations

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glanceapi.images import Imports
from glance_operator.core.config.imports import methods

ROLES = ("admin", "member", "reader")  # the operator's, when it imports images
_WITHOUT_PLUGINS = "copy-image"


def of(spec: GlanceAPISpec) -> list[str]:
    """In sentences; none where nothing surprises."""
    if spec.imports is None:
        return []
    found = (_no_plugins(spec.imports), _not_converted(spec.imports), _not_injected(spec.imports))
    return [words for words in found if words]


def _no_plugins(imports: Imports) -> str:
    wanted = {
        "conversion": imports.conversion,
        "decompression": imports.decompression,
        "injectMetadata": imports.inject_metadata,
    }
    idle = [f"spec.imports.{name}" for name, value in wanted.items() if value is not None]
    if not idle or set(methods(imports)) != {_WITHOUT_PLUGINS}:
        return ""
    return f"{', '.join(idle)}: never takes place, as {_WITHOUT_PLUGINS} alone is in spec.imports.methods"


def _not_converted(imports: Imports) -> str:
    """Glance runs its plugins at every import but that of copy-image, and an upload is no import."""
    if imports.conversion is None or _WITHOUT_PLUGINS not in methods(imports):
        return ""
    return (
        f"spec.imports.conversion: {_WITHOUT_PLUGINS} does not convert, so what was uploaded without an import"
        " (PUT /file) keeps its format in further stores, too"
    )


def _not_injected(imports: Imports) -> str:
    if imports.inject_metadata is None:
        return ""
    ignored = imports.inject_metadata.ignore_user_roles
    ours = [role for role in ROLES if role in (("admin",) if ignored is None else ignored)]
    if not ours:
        return ""
    said = "is absent, which means admin" if ignored is None else f"has {', '.join(ours)}"
    return (
        f"spec.imports.injectMetadata: Images get nothing from it, as ignoreUserRoles {said}: the operator imports"
        f" them with the roles {', '.join(ROLES)}"
    )
