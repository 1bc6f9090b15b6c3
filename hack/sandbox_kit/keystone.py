"""A real Keystone, and what the operator needs in it: a user with a password and with an application credential."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cryptography.fernet import Fernet

from sandbox_kit import environment, ini
from sandbox_kit.glance import GlanceConfig
from sandbox_kit.loopback import answers, session
from sandbox_kit.uwsgi import UwsgiServer, Workers

REGION = "RegionOne"
ADMIN_PASSWORD, GLANCE_PASSWORD, OPERATOR_PASSWORD = "admin-password", "glance-password", "operator-password"
DOMAIN = {"id": "default"}


@dataclass(frozen=True)
class ApplicationCredential:
    """Keystone's words for a password that belongs to one user and one project."""

    id: str
    secret: str


class Keystone(UwsgiServer):
    """The identity service: `.url` (…/v3), users `admin`, `glance` and `operator`, a short life of tokens if wanted."""

    def __init__(self, directory: Path, token_seconds: int = 3600, host: str = "127.0.0.1") -> None:
        """host: an address of this machine; pods reach the one that their cluster calls so."""
        env = environment.ensure()
        super().__init__("keystone", directory, env, "keystone_app:application", Workers(threads=8, host=host))
        self.database = directory / "keystone.sqlite"
        self._config = directory / "keystone.conf"
        env.empty_database("keystone", self.database)
        self._make_keys("fernet")
        self._make_keys("credential")
        self.configure(token_seconds)
        self._bootstrap()

    @property
    def url(self) -> str:
        return f"{super().url}/v3"

    def relocate(self) -> None:
        super().relocate()
        self._bootstrap()  # the catalogue names our address

    def configure(self, token_seconds: int) -> None:
        """Choose how long tokens live, in seconds; read at the next restart."""
        self._config.write_text(ini.text(self._sections(token_seconds)))

    def environment(self) -> Mapping[str, str]:
        return {"OS_KEYSTONE_CONFIG_FILES": str(self._config), **environment.QUIET}

    def ready(self) -> bool:
        return answers(self.url)

    def start(self) -> Self:
        super().start()
        if not self._get("users", name="operator"):
            self._populate()
        return self

    def offer_images(self, url: str) -> None:
        """Put an image service into the catalogue, in place of the one that was there."""
        service = self._get("services", type="image")[0]["id"]
        for old in self._get("endpoints", service_id=service):
            self._call("DELETE", f"endpoints/{old['id']}")
        for interface in ("public", "internal", "admin"):
            self._post("endpoint", service_id=service, interface=interface, region_id=REGION, url=url)

    def glance_config(self, config: GlanceConfig) -> GlanceConfig:
        """The same configuration of Glance, but asking this Keystone who its callers are."""
        extra = ini.merged(config.extra, {"keystone_authtoken": self._authtoken()})
        return GlanceConfig(**{**vars(config), "flavor": "keystone", "extra": extra})

    def password_clouds(self) -> dict[str, Any]:
        """A clouds.yaml, as a dictionary: cloud `images`, the user `operator` by password."""
        auth = {
            "auth_url": self.url,
            "username": "operator",
            "password": OPERATOR_PASSWORD,
            "project_name": "images",
            "user_domain_id": "default",
            "project_domain_id": "default",
        }
        return {"clouds": {"images": {"auth_type": "password", "region_name": REGION, "auth": auth}}}

    def application_credential_clouds(self, credential: ApplicationCredential) -> dict[str, Any]:
        """A clouds.yaml, as a dictionary: cloud `images` by an application credential."""
        auth = {
            "auth_url": self.url,
            "application_credential_id": credential.id,
            "application_credential_secret": credential.secret,
        }
        return {"clouds": {"images": {"auth_type": "v3applicationcredential", "region_name": REGION, "auth": auth}}}

    def new_application_credential(self, name: str) -> ApplicationCredential:
        """Make an application credential of the user `operator`; names are unique."""
        user = self._get("users", name="operator")[0]["id"]
        token = self.token("operator", OPERATOR_PASSWORD, "images")
        made = self._call(
            "POST", f"users/{user}/application_credentials", {"application_credential": {"name": name}}, token
        )["application_credential"]
        return ApplicationCredential(made["id"], made["secret"])

    def delete_application_credential(self, credential: ApplicationCredential) -> None:
        """Revoke it; tokens made with it end too."""
        user = self._get("users", name="operator")[0]["id"]
        token = self.token("operator", OPERATOR_PASSWORD, "images")
        self._call("DELETE", f"users/{user}/application_credentials/{credential.id}", token=token)

    def token(self, user: str = "admin", password: str = ADMIN_PASSWORD, project: str = "admin") -> str:
        """A fresh token by password."""
        identity = {
            "methods": ["password"],
            "password": {"user": {"name": user, "domain": DOMAIN, "password": password}},
        }
        scope = {"project": {"name": project, "domain": DOMAIN}}
        body = {"auth": {"identity": identity, "scope": scope}}
        with session() as direct:
            answer = direct.post(f"{self.url}/auth/tokens", json=body, timeout=30)
        answer.raise_for_status()
        return answer.headers["X-Subject-Token"]

    def _populate(self) -> None:
        roles = {role["name"]: role["id"] for role in self._get("roles")}
        for project, user, password, wanted in (
            ("service", "glance", GLANCE_PASSWORD, ("service", "admin")),
            ("images", "operator", OPERATOR_PASSWORD, ("admin", "member", "reader")),
        ):
            project_id = self._post("project", name=project, domain_id="default")["id"]
            user_id = self._post("user", name=user, password=password, domain_id="default")["id"]
            for role in wanted:
                self._call("PUT", f"projects/{project_id}/users/{user_id}/roles/{roles[role]}")
        self._post("service", name="glance", type="image")

    def _get(self, kind: str, **query: str) -> list[dict[str, Any]]:
        wanted = "&".join(f"{key}={value}" for key, value in query.items())
        found: list[dict[str, Any]] = self._call("GET", f"{kind}?{wanted}")[kind]
        return found

    def _post(self, kind: str, **fields: str) -> dict[str, Any]:
        made: dict[str, Any] = self._call("POST", f"{kind}s", {kind: fields})[kind]
        return made

    def _call(self, method: str, path: str, body: Any = None, token: str | None = None) -> dict[str, Any]:
        headers = {"X-Auth-Token": token or self.token()}
        with session() as direct:
            answer = direct.request(method, f"{self.url}/{path}", json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        result: dict[str, Any] = answer.json() if answer.content else {}
        return result

    def _bootstrap(self) -> None:
        # On the command line, but of a password that is in this file for all to read.
        urls = [f"--bootstrap-{kind}-url={self.url}" for kind in ("admin", "internal", "public")]
        words = (f"--bootstrap-password={ADMIN_PASSWORD}", f"--bootstrap-region-id={REGION}", *urls)
        self._environment.run("keystone-manage", "--config-file", self._config, "bootstrap", *words)

    def _make_keys(self, kind: str) -> None:
        """What `keystone-manage KIND_setup` does, without its seconds: a staged key 0 and a primary key 1."""
        folder = self.directory / kind
        folder.mkdir(mode=0o700)
        for index in ("0", "1"):
            (folder / index).touch(mode=0o600)
            (folder / index).write_bytes(Fernet.generate_key())

    def _sections(self, token_seconds: int) -> ini.Sections:
        return {
            "database": {"connection": f"sqlite:///{self.database}?timeout=60"},
            "token": {"provider": "fernet", "expiration": token_seconds},
            "fernet_tokens": {"key_repository": self.directory / "fernet"},
            "fernet_receipts": {"key_repository": self.directory / "fernet"},
            "credential": {"key_repository": self.directory / "credential"},
            "identity": {"password_hash_rounds": 4},
            # A token costs 200 queries without it; one process serves, so its own memory is cache enough.
            "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
        }

    def _authtoken(self) -> Mapping[str, ini.Value]:
        return {
            "www_authenticate_uri": self.url,
            "auth_url": self.url,
            "auth_type": "password",
            "username": "glance",
            "password": GLANCE_PASSWORD,
            "project_name": "service",
            "user_domain_id": "default",
            "project_domain_id": "default",
            "service_token_roles": "service",
            "service_token_roles_required": True,
        }
