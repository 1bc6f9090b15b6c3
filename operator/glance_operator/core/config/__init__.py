"""The configuration of a GlanceAPI as files: pure, sorted, the same for the same spec, so that its hash names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from glance_operator.core.config import api, imports, server, stores
from glance_operator.core.config.service import Service, Store

__all__ = ["Service", "Store", "digest", "files", "policy", "proof"]

policy = server.policy


def files(service: Service) -> dict[str, str]:
    """Every file below /etc/glance by name, the policy apart: that one changes under running pods."""
    return {
        "glance-api.conf": api.text(service),
        "glance-image-import.conf": imports.text(service.spec.imports),
        "glance-api-paste.ini": server.paste(service),
        "uwsgi.ini": server.uwsgi(service),
        api.LOGGING: server.logging(service),
        **_authorities(service),
        **service.certificate,
        **stores.files(service),
    }


def proof(service: Service) -> dict[str, str]:
    """The files with which the one store of `service` is proven; they change when its driver would act otherwise."""
    return {"glance-api.conf": api.proof(service), **_authorities(service), **stores.files(service)}


def _authorities(service: Service) -> dict[str, str]:
    return {f"{whose}.ca.crt": pem for whose, pem in service.cas.items()}


def digest(found: Mapping[str, str]) -> str:
    """Ten letters that change with any byte of any file."""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:10]
