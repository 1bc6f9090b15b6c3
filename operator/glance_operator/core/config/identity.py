"""Who Glance is to Keystone, and what it asks Keystone for."""

from __future__ import annotations

from collections.abc import Mapping

from glance_operator.api.glanceapi.connections import Keystone
from glance_operator.core.config import ini
from glance_operator.core.config.service import Service

DEFAULT_DOMAIN = "default"
_APPLICATION = ("application_credential_id", "application_credential_secret")
_PASSWORD = ("username", "password", "project_name")


class IncompleteCredentialsError(ValueError):
    """Neither a password's nor an application credential's keys are all there; the message says which are missing."""


def credentials_of(secret: Mapping[str, str]) -> dict[str, str]:
    """The keys of a Secret that keystoneauth needs; IncompleteCredentialsError when some are missing.

    Domains that are not named are Keystone's default one.
    """
    if any(key in secret for key in _APPLICATION):
        return {"auth_type": "v3applicationcredential", **_wanted(secret, _APPLICATION)}
    return {
        "auth_type": "password",
        **_wanted(secret, _PASSWORD),
        **_domain(secret, "user"),
        **_domain(secret, "project"),
    }


def sections(service: Service) -> ini.Sections:
    """keystone_authtoken, and what asks Keystone for limits and keys."""
    keystone = service.spec.auth.keystone
    found: dict[str, ini.Options] = {}
    if keystone:
        found["keystone_authtoken"] = _authtoken(service, keystone)
        if service.spec.quotas:
            found["oslo_limit"] = _limits(service, keystone)
    if service.spec.signatures:
        found["key_manager"] = {"backend": "barbican"}
        found["barbican"] = {"barbican_endpoint": service.spec.signatures.barbican_endpoint}
    return found


def _authtoken(service: Service, keystone: Keystone) -> ini.Options:
    return {
        **_asking(service, keystone),
        "www_authenticate_uri": keystone.auth_url,
        "interface": keystone.interface or "internal",
        "service_type": "image",  # application credentials with access rules are checked against it
        "service_token_roles": "service",
        "service_token_roles_required": True,
        **_memcached(keystone),
    }


def _memcached(keystone: Keystone) -> ini.Options:
    """One server that is gone must not hold up every request."""
    if not keystone.memcached_servers:
        return {}
    servers = ",".join(sorted(keystone.memcached_servers))
    return {"memcached_servers": servers, "memcache_pool_dead_retry": 10, "memcache_pool_conn_get_timeout": 2}


def _limits(service: Service, keystone: Keystone) -> ini.Options:
    """Limits are read with a role on the whole system, which no application credential has."""
    asking = {name: value for name, value in _asking(service, keystone).items() if not name.startswith("project_")}
    return {**asking, "system_scope": "all", "endpoint_id": service.endpoint_id}


def _asking(service: Service, keystone: Keystone) -> dict[str, ini.Value | None]:
    return {
        **credentials_of(service.keystone),
        "auth_url": keystone.auth_url,
        "region_name": keystone.region,
        "cafile": f"{service.places.etc}/keystone.ca.crt" if keystone.ca_bundle_ref else None,
    }


def _wanted(secret: Mapping[str, str], keys: tuple[str, ...]) -> dict[str, str]:
    if missing := [key for key in keys if not secret.get(key)]:
        raise IncompleteCredentialsError(f"{', '.join(missing)} missing")
    return {key: secret[key] for key in keys}


def _domain(secret: Mapping[str, str], who: str) -> dict[str, str]:
    given = {key: secret[key] for key in (f"{who}_domain_id", f"{who}_domain_name") if secret.get(key)}
    return given or {f"{who}_domain_id": DEFAULT_DOMAIN}
