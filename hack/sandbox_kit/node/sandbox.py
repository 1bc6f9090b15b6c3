"""A sandbox with a node: what a GlanceAPI needs is there, and Glance itself is the operator's to make."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

import yaml

from sandbox_kit import samples
from sandbox_kit.assembly import Assembly
from sandbox_kit.keystone import Keystone
from sandbox_kit.node.cluster import Cluster
from sandbox_kit.node.mariadb import MariaDB
from sandbox_kit.parallel import side_by_side
from sandbox_kit.sandbox import CRDS, Addresses
from sandbox_kit.source import Source

DATABASE = "database"  # the namespace of the database server


class NodeSandbox(Assembly):
    """All parts in one directory: `.cluster` with our kinds, `.source`, `.keystone` if wanted, `.mariadb`."""

    def __init__(self, directory: Path, *, with_keystone: bool = False) -> None:
        super().__init__()
        self.directory = directory
        self.cluster = Cluster(directory / "cluster")
        self.mariadb = MariaDB(self.cluster, DATABASE)
        self.source: Source
        self.keystone: Keystone | None = None
        self._with_keystone = with_keystone

    @property
    def addresses(self) -> Addresses:
        """Where everything is, for people and for pods."""
        return Addresses(
            kubeconfig=str(self.cluster.kubeconfig),
            kubectl=str(self.cluster.control_plane.kubectl),
            kubernetes=self.cluster.control_plane.url,
            glance="",
            source=self.source.url,
            clouds=str(self._clouds) if self.keystone else "",
            keystone=self.keystone.url if self.keystone else "",
            database=self.mariadb.connection,
        )

    def start(self) -> Self:
        """Start all; what was started is stopped again when a part fails."""
        with ExitStack() as starting:
            starting.enter_context(self.cluster)
            self.source = starting.enter_context(Source(self.cluster.host))
            if self._with_keystone:
                self.keystone = Keystone(self.directory / "keystone", host=self.cluster.host)
                starting.callback(self.keystone.stop)
            side_by_side(self._start_kinds, self._start_keystone, lambda: samples.serve(self.source))
            self._running = starting.pop_all()
        return self

    @property
    def _clouds(self) -> Path:
        return self.directory / "clouds.yaml"

    def _start_kinds(self) -> None:
        self.cluster.run_kubectl("create", "namespace", DATABASE)
        self.mariadb.deploy()
        self.cluster.run_kubectl("apply", "--server-side", "-f", CRDS)
        self.cluster.run_kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", CRDS)
        self.mariadb.wait()

    def _start_keystone(self) -> None:
        if self.keystone:
            self.keystone.start()
            self._clouds.touch(mode=0o600)
            self._clouds.write_text(yaml.safe_dump(self.keystone.password_clouds(), sort_keys=False))
