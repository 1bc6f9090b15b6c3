"""A real Glance with file stores, one class to start, stop, restart, kill and look into."""

import configparser
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox_kit import environment, ini
from sandbox_kit.loopback import answers
from sandbox_kit.uwsgi import UwsgiServer, Workers

PROJECT = "0123456789abcdef0123456789abcdef"
HEADERS_PIPELINE = "cors http_proxy_to_wsgi versionnegotiation osprofiler context rootapp"


@dataclass(frozen=True)
class GlanceConfig:
    """What tests choose. The first store is the default one; `extra` wins over everything, section by section."""

    stores: tuple[str, ...] = ("central", "dcn0", "dcn1")
    methods: tuple[str, ...] = ("glance-direct", "web-download", "copy-image", "glance-download")
    allowed_hosts: tuple[str, ...] = ("127.0.0.1",)
    allowed_ports: tuple[int, ...] = (80, 443)
    task_threads: int = 8
    workers: Workers = field(default_factory=Workers)
    debug: bool = False
    flavor: str = "headers"
    policy: Mapping[str, str] = field(default_factory=dict)
    extra: ini.Sections = field(default_factory=dict)


class Glance(UwsgiServer):
    """glance-api: `.url`, `.database`, `.log`, `.trusted_headers(...)`, `.rows(...)`, `.store_directory(...)`.

    With the flavor `headers` it believes who the caller says to be (X-User-Id, X-Project-Id, X-Roles);
    with `keystone` it asks the Keystone of `extra["keystone_authtoken"]`.
    """

    def __init__(self, directory: Path, config: GlanceConfig | None = None) -> None:
        env = environment.ensure()
        self.config = config or GlanceConfig()
        super().__init__("glance", directory, env, "glance_app:application", self.config.workers)
        self.database = directory / "glance.sqlite"
        self._etc = directory / "etc"
        self._etc.mkdir(exist_ok=True)
        env.empty_database("glance", self.database)
        self.configure(self.config)

    def configure(self, config: GlanceConfig) -> None:
        """Write the configuration; a running service reads it at its next restart (the policy at once)."""
        self.config = config
        (self._etc / "glance-api.conf").write_text(ini.text(ini.merged(self._sections(config), config.extra)))
        (self._etc / "policy.yaml").write_text("".join(f'"{k}": "{v}"\n' for k, v in config.policy.items()) or "{}\n")
        self._write_paste()

    def relocate(self) -> None:
        super().relocate()
        self.configure(self.config)  # it names our address

    def environment(self) -> Mapping[str, str]:
        return {"OS_GLANCE_CONFIG_DIR": str(self._etc), **environment.QUIET}

    def ready(self) -> bool:
        return answers(f"{self.url}/healthcheck")

    def store_directory(self, store: str) -> Path:
        """Where a store keeps its images, one file each, named by id."""
        return self.directory / "stores" / store

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """Run one SQL statement in the service's database, commit, and return its rows."""
        with closing(sqlite3.connect(self.database, timeout=60)) as connection, connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(statement, values).fetchall()

    @staticmethod
    def trusted_headers(project: str = PROJECT, roles: str = "admin,member,reader") -> dict[str, str]:
        """What a caller sends to be believed (flavor `headers` only)."""
        return {
            "X-Identity-Status": "Confirmed",
            "X-User-Id": "operator",
            "X-Project-Id": project,
            "X-Roles": roles,
        }

    def clouds(self, project: str = PROJECT) -> dict[str, Any]:
        """A clouds.yaml, as a dictionary, whose cloud `images` is this service (flavor `headers` only)."""
        cloud = {
            "auth_type": "none",
            "image_endpoint_override": self.url,
            "trusted_headers": self.trusted_headers(project),
        }
        return {"clouds": {"images": cloud}}

    def _sections(self, config: GlanceConfig) -> dict[str, dict[str, ini.Value]]:
        reserved = ("os_glance_staging_store", "os_glance_tasks_store")
        folders: dict[str, dict[str, ini.Value]] = {
            s: {"filesystem_store_datadir": self.store_directory(s)} for s in (*config.stores, *reserved)
        }
        return {
            "DEFAULT": {
                "debug": config.debug,
                "enabled_backends": ",".join(f"{s}:file" for s in config.stores),
                "enabled_import_methods": f"[{','.join(config.methods)}]",
                "worker_self_reference_url": self.url,
            },
            "glance_store": {"default_backend": config.stores[0]},
            **folders,
            "database": {"connection": f"sqlite:///{self.database}?timeout=60"},
            "oslo_concurrency": {"lock_path": self.directory / "locks"},
            "oslo_policy": {"policy_file": "policy.yaml"},
            "paste_deploy": {"flavor": config.flavor},
            "import_filtering_opts": {
                "allowed_hosts": f"[{','.join(config.allowed_hosts)}]",
                "allowed_ports": f"[{','.join(map(str, config.allowed_ports))}]",
            },
            "wsgi": {
                "python_interpreter": self._environment.program("python"),
                "task_pool_threads": config.task_threads,
            },
        }

    def _write_paste(self) -> None:
        """The shipped pipelines, and ours that takes the caller's word for who it is."""
        paste = configparser.RawConfigParser(delimiters=("=", ": "))
        paste.read(self._environment.home / "etc" / "glance" / "glance-api-paste.ini")
        paste["composite:glance-api-headers"] = dict(paste["composite:glance-api"])
        paste["composite:api"]["headers"] = HEADERS_PIPELINE
        paste["app:healthcheck"]["disable_by_file_path"] = str(self.directory / "healthcheck_disable")
        with (self._etc / "glance-api-paste.ini").open("w") as file:
            paste.write(file)
