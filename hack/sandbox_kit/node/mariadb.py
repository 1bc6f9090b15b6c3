"""MariaDB as a pod, with a database for Glance."""

from dataclasses import dataclass
from pathlib import Path

from sandbox_kit.node import config, recipes
from sandbox_kit.node.cluster import Cluster

MANIFEST = Path(__file__).with_suffix(".yaml")
USER, PASSWORD, DATABASE = "glance", "sandbox-password", "glance"
READY_SECONDS = 90


@dataclass(frozen=True)
class MariaDB:
    """A server in a namespace, under the name `mariadb`; its data is on a volume of its own and outlives the pod."""

    cluster: Cluster
    namespace: str

    @property
    def connection(self) -> str:
        """As SQLAlchemy has it."""
        return self._connection(DATABASE)

    def deploy(self) -> None:
        """Make it, without waiting."""
        volume = f"mariadb-{self.namespace}"
        self.cluster.volumes.add(volume)
        words = {
            "VOLUME": volume,
            "IMAGE": recipes.MARIADB.image,
            "PASSWORD": PASSWORD,
            "USER": USER,
            "DATABASE": DATABASE,
        }
        text = MANIFEST.read_text()
        for word, value in words.items():
            text = text.replace(f"${word}", value)
        self.cluster.run_kubectl("apply", "--namespace", self.namespace, "-f", "-", stdin=text)

    def wait(self) -> None:
        """Wait until it answers."""
        arguments = ("rollout", "status", "statefulset/mariadb", f"--timeout={READY_SECONDS}s")
        self.cluster.run_kubectl(*arguments, "--namespace", self.namespace, timeout=READY_SECONDS + 10)

    def make(self, database: str) -> str:
        """Make one more database; the connection to it."""
        statement = f"CREATE DATABASE {database} CHARACTER SET utf8mb3; GRANT ALL ON {database}.* TO '{USER}'@'%'"
        client = ("mariadb", "--no-defaults", "-S", "/run/mysqld/mysqld.sock", "-u", "root", "-e", statement)
        self.cluster.run_kubectl("exec", "mariadb-0", "--namespace", self.namespace, "--", *client)
        return self._connection(database)

    def scale(self, replicas: int) -> None:
        """0 is an outage, 1 its end."""
        words = ("scale", "statefulset/mariadb", f"--replicas={replicas}")
        self.cluster.run_kubectl(*words, "--namespace", self.namespace)

    def _connection(self, database: str) -> str:
        host = f"mariadb.{self.namespace}.svc.{config.DOMAIN}"
        return f"mysql+pymysql://{USER}:{PASSWORD}@{host}/{database}?charset=utf8"
