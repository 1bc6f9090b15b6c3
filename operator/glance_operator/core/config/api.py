"""glance-api.conf: what the spec says, and beneath it what the user adds in Glance's own words."""

from __future__ import annotations

from collections.abc import Mapping

from glance_operator.api.base import bytes_of
from glance_operator.core.config import identity, imports, ini, stores
from glance_operator.core.config.service import Service

LOGGING = "logging.conf"
IMPORT_THREADS = 16


def text(service: Service) -> str:
    """The file; what the operator owns wins over what the user adds."""
    added: Mapping[str, Mapping[str, str]] = service.spec.extra_config or {}
    return ini.text(ini.merged(added, _sections(service), stores.sections(service), identity.sections(service)))


def proof(service: Service) -> str:
    """As much of the file as the drivers of the stores read."""
    head: ini.Sections = {
        "DEFAULT": {"enabled_backends": _backends(service)},
        "glance_store": {"default_backend": service.default},
    }
    return ini.text(ini.merged(head, stores.sections(service)))


def _sections(service: Service) -> ini.Sections:
    spec, places = service.spec, service.places
    return {
        "DEFAULT": {**_default(service), **_cache(service)},
        "glance_store": {"default_backend": service.default},
        "os_glance_staging_store": {"filesystem_store_datadir": places.staging},
        "os_glance_tasks_store": {"filesystem_store_datadir": f"{places.work}/tasks"},
        "database": {"connection": _connection(service), "connection_recycle_time": 300},
        "oslo_concurrency": {"lock_path": f"{places.work}/locks"},
        "oslo_policy": {"policy_file": places.policy},
        "oslo_middleware": {"enable_proxy_headers_parsing": True},
        "paste_deploy": {"flavor": flavor(service)},
        "image_format": _formats(service),
        "oslo_messaging_notifications": _notifications(service),
        "wsgi": {
            "python_interpreter": places.python,  # without it image_conversion fails, and leaves the lock behind
            "task_pool_threads": (spec.server and spec.server.import_threads) or IMPORT_THREADS,
        },
    }


def flavor(service: Service) -> str:
    """The pipeline of glance-api-paste.ini: whom it believes, and whether it keeps images."""
    who = "keystone" if service.spec.auth.keystone else "trusted"
    return f"{who}+cachemanagement" if service.spec.cache else who


def _default(service: Service) -> ini.Options:
    return {
        "enabled_backends": _backends(service),
        "enabled_import_methods": ini.listed(imports.methods(service.spec.imports)),
        "use_keystone_limits": True if service.spec.quotas else None,
        "log_config_append": f"{service.places.etc}/{LOGGING}",
    }


def _backends(service: Service) -> str:
    offered = sorted(service.stores, key=lambda store: store.id)
    return ",".join(f"{store.id}:{stores.DRIVERS[store.spec.type]}" for store in offered)


def _cache(service: Service) -> ini.Options:
    if service.spec.cache is None:
        return {}
    return {
        "image_cache_dir": service.places.cache,
        "image_cache_driver": "centralized_db",
        "image_cache_max_size": bytes_of(service.spec.cache.max_size),
    }


def _connection(service: Service) -> str:
    """SQLite waits for its turn; a server's certificates are named in the words of its Python driver."""
    if service.connection is None:
        return f"sqlite:///{service.places.database}?timeout=60"
    if "database" not in service.cas:
        return service.connection
    option = "sslrootcert" if service.connection.startswith("postgresql") else "ssl_ca"
    joint = "&" if "?" in service.connection else "?"
    return f"{service.connection}{joint}{option}={service.places.etc}/database.ca.crt"


def _formats(service: Service) -> ini.Options:
    formats = service.spec.formats
    return {
        "disk_formats": ",".join(formats.disk) if formats and formats.disk else None,
        "container_formats": ",".join(formats.container) if formats and formats.container else None,
    }


def _notifications(service: Service) -> ini.Options:
    wanted = service.spec.notifications
    if wanted is None:
        return {}
    topics = ",".join(wanted.topics) if wanted.topics else None
    return {"driver": "messagingv2", "transport_url": service.transport_url, "topics": topics}
