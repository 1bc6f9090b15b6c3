"""A real Glance that runs with the files which a GlanceAPI becomes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from tests.support import eventually
from tests.unit.core.config.services import service, store

from glance_operator.core import config
from glance_operator.core.config.places import Places
from sandbox_kit import environment
from sandbox_kit.loopback import answers
from sandbox_kit.uwsgi import UwsgiServer, Workers

DESCRIPTION = "100% of $a ${database.connection}"
STORES = (
    store("central", "file", {"pvc": {"claimName": "a"}}, description=DESCRIPTION),
    store("edge", "nfs", {"pvc": {"claimName": "b"}}, weight=7),
)
ROLES = "admin,member,reader"
HEADERS = {
    "X-Identity-Status": "Confirmed",
    "X-User-Id": "operator",
    "X-Project-Id": "0123456789abcdef0123456789abcdef",
    "X-Roles": ROLES,
}
RAW = {"name": "any", "container_format": "bare", "disk_format": "raw"}


class Configured(UwsgiServer):
    """A Glance whose files are those of a GlanceAPI, but for uwsgi.ini: that one listens to the whole world."""

    def __init__(self, directory: Path, **spec: Any) -> None:
        env = environment.ensure()
        super().__init__("glance", directory, env, "glance_app:application", Workers())
        self.places = Places(str(directory), str(env.program("python")))
        for place in (self.places.etc, self.places.work, self.places.cache, self.places.run):
            Path(place).mkdir(parents=True)
        for place in (self.places.policy, self.places.database):
            Path(place).parent.mkdir(parents=True)
        env.empty_database("glance", Path(self.places.database))
        self._spec = spec
        self.configure()

    def configure(self, **changes: Any) -> None:
        """Write all files anew, with these changes to the spec; a running Glance reads the policy alone."""
        given = service(*STORES, places=self.places, **{**self._spec, **changes})
        for name, text in config.files(given).items():
            (Path(self.places.etc) / name).write_text(text)
        Path(self.places.policy).write_text(config.policy(given))

    def environment(self) -> Mapping[str, str]:
        own = {"OS_GLANCE_CONFIG_DIR": self.places.etc, "OS_DEFAULT__WORKER_SELF_REFERENCE_URL": self.url}
        return {**own, **environment.QUIET}

    def ready(self) -> bool:
        return answers(f"{self.url}/healthcheck")

    def ask(self, verb: str, path: str, body: object = None, roles: str = ROLES) -> requests.Response:
        headers = {**HEADERS, "X-Roles": roles}
        return requests.request(verb, f"{self.url}/v2{path}", json=body, headers=headers, timeout=30)

    def new_image(self, roles: str = ROLES, **fields: object) -> requests.Response:
        return self.ask("POST", "/images", {**RAW, **fields}, roles)

    def fetch(self, uri: str, roles: str = ROLES, stores: tuple[str, ...] = ("central",), **fields: object) -> str:
        """A new image whose import from there has been taken on; AssertionError with the service's words if not."""
        image: str = self.new_image(roles, **fields).json()["id"]
        body = {"method": {"name": "web-download", "uri": uri}, "stores": stores}
        answer = self.ask("POST", f"/images/{image}/import", body, roles)
        assert answer.status_code == 202, answer.text
        return image

    def settled(self, image: str) -> dict[str, Any]:
        """The image, once no import is at work on it."""

        def unlocked() -> dict[str, Any]:
            found: dict[str, Any] = self.ask("GET", f"/images/{image}").json()
            assert "os_glance_import_task" not in found
            return found

        return eventually(unlocked)
