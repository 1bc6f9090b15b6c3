"""MariaDB as a pod, with a database for Glance."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox_kit.node import config, recipes
from sandbox_kit.node.places import ONE, Place

MANIFEST = Path(__file__).with_suffix(".yaml")
USER, PASSWORD, DATABASE = "glance", "sandbox-password", "glance"
READY_SECONDS = 180


@dataclass(frozen=True)
class MariaDB:
    """A server in a namespace, under the name `mariadb`; its data is on a volume of its own and outlives the pod."""

    cluster: Place
    namespace: str

    @property
    def connection(self) -> str:
        """To the database that is there from the beginning, as SQLAlchemy has it."""
        return self._url(DATABASE)

    def database(self, name: str) -> str:
        """Make another one if need be, and return the way to it."""
        self.execute(f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb3")
        return self._url(name)

    def execute(self, statement: str) -> None:
        """As its administrator."""
        client = ("mariadb", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--user=root", "-e", statement)
        self.cluster.run_kubectl("--namespace", self.namespace, "exec", "mariadb-0", "--", *client)

    def _url(self, database: str) -> str:
        host = f"mariadb.{self.namespace}.svc.{config.DOMAIN}"
        return f"mysql+pymysql://{USER}:{PASSWORD}@{host}/{database}?charset=utf8"

    def deploy(self) -> None:
        """Make it, without waiting."""
        words = {"IMAGE": recipes.MARIADB.image, "PASSWORD": PASSWORD, "USER": USER, "DATABASE": DATABASE}
        text = MANIFEST.read_text()
        for word, value in words.items():
            text = text.replace(f"${word}", value)
        claim = self.cluster.storage.claim("mariadb", "1Gi", ONE)
        for document in (json.dumps(claim), text):
            self.cluster.run_kubectl("apply", "--namespace", self.namespace, "-f", "-", stdin=document)

    def wait(self) -> None:
        """Wait until it answers."""
        arguments = ("rollout", "status", "statefulset/mariadb", f"--timeout={READY_SECONDS}s")
        self.cluster.run_kubectl(*arguments, "--namespace", self.namespace, timeout=READY_SECONDS + 10)

    @contextmanager
    def gone(self) -> Iterator[None]:
        """An outage, which ends whatever happens in it."""
        self._scale(0)
        try:
            yield
        finally:
            self._scale(1)
            self.wait()

    def _scale(self, replicas: int) -> None:
        words = ("scale", "statefulset/mariadb", f"--replicas={replicas}")
        self.cluster.run_kubectl(*words, "--namespace", self.namespace)
