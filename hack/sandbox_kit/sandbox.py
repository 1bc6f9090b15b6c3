"""A whole sandbox: Kubernetes with our kinds, Glance with three stores, a source of images, Keystone if wanted."""

import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from sandbox_kit import binaries, environment, samples
from sandbox_kit.assembly import Assembly
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance, GlanceConfig
from sandbox_kit.keystone import Keystone
from sandbox_kit.parallel import side_by_side
from sandbox_kit.source import Source

CRDS = Path(__file__).parent.parent.parent / "crds"


@dataclass(frozen=True)
class Addresses:
    """Where the parts of a running sandbox are; what `hack/sandbox status` shows."""

    kubeconfig: str
    kubectl: str
    kubernetes: str
    glance: str
    source: str
    clouds: str
    keystone: str = ""
    database: str = ""

    def to_json(self) -> str:
        """For a file between two processes."""
        return json.dumps(asdict(self), indent=2)


def prepare() -> None:
    """Make what takes minutes, at the same time: Kubernetes' programs and OpenStack's environment."""
    side_by_side(binaries.ensure, environment.ensure)


class Sandbox(Assembly):
    """All parts in one directory: `.control_plane`, `.glance`, `.source`, `.addresses`."""

    def __init__(self, directory: Path, *, with_keystone: bool = False) -> None:
        super().__init__()
        prepare()
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.source = Source()
        self.control_plane = ControlPlane(directory / "kube")
        self.keystone = Keystone(directory / "keystone") if with_keystone else None
        config = GlanceConfig(allowed_ports=(self.source.port, self.source.refusing_port))
        self.glance = Glance(directory / "glance", config)

    @property
    def addresses(self) -> Addresses:
        """Where everything is; `clouds` is a clouds.yaml with the cloud `images`."""
        return Addresses(
            kubeconfig=str(self.control_plane.kubeconfig),
            kubectl=str(self.control_plane.kubectl),
            kubernetes=self.control_plane.url,
            glance=self.glance.url,
            source=self.source.url,
            clouds=str(self.directory / "clouds.yaml"),
            keystone=self.keystone.url if self.keystone else "",
        )

    def start(self) -> Self:
        """Start Kubernetes and OpenStack side by side; what was started is stopped again when one of them fails."""
        with ExitStack() as starting:
            starting.enter_context(self.source)
            starting.callback(self._stop_servers)
            side_by_side(self._start_kubernetes, self._start_openstack, lambda: samples.serve(self.source))
            self._running = starting.pop_all()
        return self

    def _start_kubernetes(self) -> None:
        self.control_plane.start()
        self.control_plane.run_kubectl("apply", "--server-side", "-f", CRDS)
        self.control_plane.run_kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", CRDS)

    def _start_openstack(self) -> None:
        """One after the other: an address is certain, and may be told to the other, once its server has answered."""
        clouds: dict[str, Any]
        if self.keystone:
            self.keystone.start()
            self.glance.configure(self.keystone.glance_config(self.glance.config))
            self.glance.start()
            self.keystone.offer_images(self.glance.url)
            clouds = self.keystone.password_clouds()
        else:
            self.glance.start()
            clouds = self.glance.clouds()
        path = self.directory / "clouds.yaml"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(clouds, sort_keys=False))

    def _stop_servers(self) -> None:
        self.glance.stop()
        if self.keystone:
            self.keystone.stop()
        self.control_plane.stop()
