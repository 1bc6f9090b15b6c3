"""The files around Glance's own: its pipelines, uWSGI, its policy, its log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from glance_operator.core.config import ini
from glance_operator.core.config.service import Service

PORT = 9292
PROCESSES, THREADS = 1, 32
SILENCE = 60  # seconds of a client in the middle of an upload; uWSGI's own 4 answer a line that falters with 500
_FIRST = "cors http_proxy_to_wsgi versionnegotiation osprofiler"
_PIPELINES = {
    "keystone": f"{_FIRST} authtoken context rootapp",
    "keystone+cachemanagement": f"{_FIRST} authtoken context cache cachemanage rootapp",
    "trusted": f"{_FIRST} context rootapp",
    "trusted+cachemanagement": f"{_FIRST} context cache cachemanage rootapp",
}
_APP = "glance.api.v2.router:API.factory"
_FILTERS = {
    "versionnegotiation": "glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory",
    "cache": "glance.api.middleware.cache:CacheFilter.factory",
    "cachemanage": "glance.api.middleware.cache_manage:CacheManageFilter.factory",
    "context": "glance.api.middleware.context:ContextMiddleware.factory",
    "authtoken": "keystonemiddleware.auth_token:filter_factory",
    "osprofiler": "osprofiler.web:WsgiMiddleware.factory",
    "cors": "oslo_middleware.cors:filter_factory",
    "http_proxy_to_wsgi": "oslo_middleware:HTTPProxyToWSGI.factory",
}
LEVELS = {"root": "WARNING", "glance": "INFO", "glance_store": "INFO"}


def paste(service: Service) -> str:
    """glance-api-paste.ini; `trusted` takes the caller's word for who it is."""
    factory = "paste.composite_factory"
    sections: dict[str, ini.Options] = {
        "composite:api": {factory: "glance.api:pipeline_factory", **_PIPELINES},
        "composite:rootapp": {factory: "glance.api:root_app_factory", "/": "apiversions", "/v2": "apiv2app"},
        "app:apiversions": {"paste.app_factory": "glance.api.versions:create_resource"},
        "app:apiv2app": {"paste.app_factory": _APP},
        "app:healthcheck": {
            "paste.app_factory": "oslo_middleware:Healthcheck.app_factory",
            "backends": "disable_by_file",
            "disable_by_file_path": f"{service.places.run}/healthcheck_disable",
        },
    }
    for name in _PIPELINES:
        whole = {factory: "glance.api:root_app_factory", "/": "api", "/healthcheck": "healthcheck"}
        sections[f"composite:glance-api-{name}"] = whole
    for name, where in _FILTERS.items():
        sections[f"filter:{name}"] = {"paste.filter_factory": where}
    project = {"oslo_config_project": "glance", "oslo_config_program": "glance-api"}
    return ini.text(ini.merged(sections, {"filter:cors": project}), str)


def uwsgi(service: Service) -> str:
    """uwsgi.ini: a stopping pod finishes what it imports, and its figures answer also while all threads are busy."""
    server, places = service.spec.server, service.places
    address: ini.Options = {"http-socket": f"0.0.0.0:{PORT}"}
    if service.spec.tls:
        address = {"https-socket": f"0.0.0.0:{PORT},{places.etc}/tls.crt,{places.etc}/tls.key"}
    options: ini.Options = {
        **address,
        "module": "glance.wsgi.api:application",
        "master": True,
        "processes": (server and server.processes) or PROCESSES,
        "threads": (server and server.threads) or THREADS,
        "enable-threads": True,
        "lazy-apps": True,
        "thunder-lock": True,
        "hook-master-start": "unix_signal:15 gracefully_kill_them_all",
        "need-app": True,
        "buffer-size": 65535,
        "socket-timeout": SILENCE,
        "chunked-input-limit": 64 * 2**20,  # of one chunk; snapshots come in larger ones than uWSGI's 1 MiB
        "http-auto-chunked": True,
        "http-raw-body": True,
        "wsgi-disable-file-wrapper": True,
        "add-header": "Connection: close",  # uWSGI closes kept connections without saying so
        "stats": f"{places.run}/stats.sock",
        "stats-http": True,
        "disable-logging": True,
        "log-5xx": True,
    }
    return ini.text({"uwsgi": options}, str)


def policy(service: Service) -> str:
    """policy.yaml; never absent: Glance keeps the rules of a file that is gone."""
    rules = sorted((service.spec.policy or {}).items())
    return "".join(f"{json.dumps(name)}: {json.dumps(rule)}\n" for name, rule in rules) or "{}\n"


def logging(service: Service) -> str:
    """logging.conf: all to standard output, one formatter, the level of each logger."""
    wanted = service.spec.logging
    levels = {**LEVELS, **((wanted and wanted.levels) or {})}
    kind = "JSONFormatter" if wanted and wanted.format == "json" else "ContextFormatter"
    loggers = sorted(levels, key=lambda name: (name != "root", name))
    sections: dict[str, Mapping[str, Any]] = {
        "loggers": {"keys": ",".join(loggers)},
        "handlers": {"keys": "stdout"},
        "formatters": {"keys": "all"},
        "handler_stdout": {"class": "StreamHandler", "args": "(sys.stdout,)", "formatter": "all"},
        "formatter_all": {"class": f"oslo_log.formatters.{kind}"},
    }
    for name in loggers:
        own = {} if name == "root" else {"qualname": name}
        sections[f"logger_{name}"] = {**own, "level": levels[name], "handlers": "stdout" if not own else ""}
    return ini.text(sections, str)
