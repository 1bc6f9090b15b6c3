"""The real parts side by side, each service with a log of its requests, because a figure should not count itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.cluster import Cluster
from tests.integration.images.lab import Operator

from sandbox_kit import images, ini
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance, GlanceConfig
from sandbox_kit.keystone import OPERATOR_PASSWORD, Keystone
from sandbox_kit.source import Source
from sandbox_kit.uwsgi import Workers

CRDS = Path(__file__).parents[2] / "crds"
STORES = ("central", "dcn0", "dcn1")
_LOGGED = {"log-format": "request %(tmsecs) %(method) %(uri) %(status)"}
_LINE = re.compile(r"^request (\d+) ([A-Z]+) (\S+) (\d+)$", re.MULTILINE)


class Asked(NamedTuple):
    """One request in a service's log: when it began (s since the epoch), what, and the answer's status."""

    at: float
    method: str
    path: str
    status: int


class RequestLog:
    """The requests that a service has logged, from a mark on."""

    def __init__(self, path: Path) -> None:
        self._path, self._from = path, 0
        self.mark()

    def mark(self) -> None:
        """Forget what was logged so far."""
        self._from = self._path.stat().st_size if self._path.exists() else 0

    def read(self) -> list[Asked]:
        """Requests since the mark, in the order of their ends."""
        with self._path.open(errors="replace") as file:
            file.seek(self._from)
            found = _LINE.findall(file.read())
        return [Asked(int(at) / 1000, method, path, int(status)) for at, method, path, status in found]


def by_kind(requests: list[Asked]) -> Counter[str]:
    """How many of each method, tasks, lists and imports told apart from the plain ones."""
    return Counter(_kind(one) for one in requests if one.path.startswith("/v2/"))


def _kind(one: Asked) -> str:
    path = one.path.partition("?")[0]
    if path == "/v2/images" and one.method == "GET":
        return "GET list"
    if path.startswith("/v2/info/"):
        return f"{one.method} info"
    last = path.rpartition("/")[2]
    return f"{one.method} {last}" if last in ("tasks", "import", "members") else one.method


class LoggedGlance(Glance):
    """Says every request in its log."""

    def _uwsgi(self, module: str, workers: Workers) -> dict[str, ini.Value]:
        return _logged(super()._uwsgi(module, workers))


class LoggedKeystone(Keystone):
    """Says every request in its log."""

    def _uwsgi(self, module: str, workers: Workers) -> dict[str, ini.Value]:
        return _logged(super()._uwsgi(module, workers))


def _logged(options: dict[str, ini.Value]) -> dict[str, ini.Value]:
    return {name: value for name, value in options.items() if name != "disable-logging"} | _LOGGED


@dataclass(frozen=True)
class World:
    """Everything that runs during a bench."""

    directory: Path
    control_plane: ControlPlane
    glance: Glance
    keystone: Keystone
    source: Source
    cluster: Cluster
    _numbers: Iterator[int]

    def token(self) -> str:
        """A fresh token of the user that the operator is, too."""
        return self.keystone.token("operator", OPERATOR_PASSWORD, "images")

    def requests(self) -> RequestLog:
        """Glance's requests from now on."""
        return RequestLog(self.glance.log)

    def operator(self, **settings: object) -> Operator:
        """An operator for the bench's namespace, not started; each has a log of its own."""
        directory = self.directory / f"operator-{next(self._numbers)}"
        settings = {"watch_namespaces": self.cluster.namespace, **settings}
        return Operator(directory, self.control_plane.kubeconfig, **settings)

    def offer(self, name: str, size: int) -> str:
        """The URL of a raw image of that many bytes."""
        return self.source.serve(name, images.raw(size))


@contextmanager
def running(directory: Path, say: Callable[[str], None] = lambda _: None) -> Iterator[World]:
    """Start everything; all of it is stopped at the end. `say`: told what is awaited when that takes long."""
    with (
        Source() as source,
        ControlPlane(directory / "kube") as plane,
        LoggedKeystone(directory / "keystone") as keystone,
    ):
        plane.run_kubectl("apply", "--server-side", "-f", CRDS)
        plane.run_kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", CRDS)
        config = keystone.glance_config(GlanceConfig(stores=STORES, allowed_ports=(source.port,)))
        with LoggedGlance(directory / "glance", config) as glance, Cluster(plane, "bench", say) as cluster:
            keystone.offer_images(glance.url)
            cluster.create_secret("openstack", keystone.password_clouds())
            yield World(directory, plane, glance, keystone, source, cluster, count(1))


def image(name: str, url: str, stores: tuple[str, ...]) -> dict[str, Any]:
    """An Image of the bench."""
    return {
        "apiVersion": "glance-operator.io/v1alpha1",
        "kind": "Image",
        "metadata": {"name": name},
        "spec": {
            "cloudCredentialsRef": {"secretName": "openstack", "cloudName": "images"},
            "diskFormat": "raw",
            "source": {"http": {"url": url}},
            "stores": {"names": list(stores)},
        },
    }
