"""A whole cluster with a node where pods run: control plane, scheduler, node, images, volumes."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import requests

from sandbox_kit import binaries as kubernetes
from sandbox_kit.assembly import Assembly
from sandbox_kit.control_plane import CONTROLLERS, ControlPlane, Shape
from sandbox_kit.node import binaries, images, packages, recipes
from sandbox_kit.node.places import MANY, Storage
from sandbox_kit.node.recipes import Recipe
from sandbox_kit.node.scheduler import Scheduler
from sandbox_kit.node.volumes import Volumes
from sandbox_kit.node.wire import Branch, Wire
from sandbox_kit.node.worker import Worker
from sandbox_kit.parallel import side_by_side
from sandbox_kit.process import wait_until

IMAGES = (recipes.BASE, recipes.GLANCE, recipes.MARIADB, recipes.OPERATOR)
READY_SECONDS = 180
# What pods need, on top of what objects need.
FOR_PODS = """
    cronjob daemonset deployment disruption endpoints endpointslice ephemeral-volume job node-lifecycle
    persistentvolume-attach-detach persistentvolume-binder persistentvolume-expander persistentvolume-protection
    persistentvolumeclaim-protection pod-garbage-collector replicaset resourcequota statefulset taint-eviction
    ttl-after-finished
""".split()
ALL = (*CONTROLLERS, *(f"{name}-controller" for name in FOR_PODS))


def prepare(wanted: Sequence[Recipe] = IMAGES) -> tuple[dict[str, Path], dict[str, Path]]:
    """Make what takes minutes, once per user: programs, then images; return where they are, by name.

    NoNodeError says why there can be no node here.
    """
    packages.ensure()
    kubernetes.ensure()
    programs = binaries.ensure()
    return programs, images.ensure([recipes.pause(programs["pause"]), *wanted])


class Cluster(Assembly):
    """`.control_plane` (kubeconfig, run_kubectl, get), `.worker` (its node), `.wire` (the way to it), `.volumes`.

    This machine is `.host` for the pods, and reaches each of them, and each Service, by its address; who is to reach
    them by name, too, is started behind `.prefix`. Images are those of `recipes`, of sandbox.local; none is pulled.
    """

    python = sys.executable
    storage = Storage("local", MANY)

    def __init__(self, directory: Path, wanted: Sequence[Recipe] = IMAGES) -> None:
        super().__init__()
        self.programs, self._archives = prepare(wanted)
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.wire = Wire(directory / "node1")
        self.control_plane: ControlPlane
        self.scheduler: Scheduler
        self.worker: Worker
        self.volumes: Volumes

    @property
    def host(self) -> str:
        """The address of this machine for pods; what listens there, they reach."""
        return self.wire.addresses.host

    @property
    def prefix(self) -> list[str]:
        """What to put before a command that is to find Services and pods by name."""
        return self.wire.prefix

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.control_plane.kubeconfig

    def run_kubectl(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 60) -> str:
        """Run kubectl as the administrator and return what it printed; RuntimeError carries its stderr."""
        return self.control_plane.run_kubectl(*arguments, stdin=stdin, timeout=timeout)

    def get(self, path: str) -> dict[str, Any]:
        """What the API server answers to the administrator's GET of `path`."""
        return self.control_plane.get(path)

    def start(self) -> Self:
        """Start all, and wait until the node is ready; what was started is stopped again when a part fails."""
        with ExitStack() as starting:
            starting.enter_context(self.wire)
            self._assemble()
            starting.callback(self._stop_servers)
            side_by_side(self.control_plane.start, self._boot)
            self.worker.configure(self.control_plane)
            side_by_side(self.worker.join, self.scheduler.start, self.volumes.declare)
            wait_until(self.ready, READY_SECONDS, "the node")
            self._running = starting.pop_all()
        return self

    def ready(self, name: str = "node1") -> bool:
        """Whether pods can run: the node is ready, and answers those who ask for logs."""
        node = self.get(f"api/v1/nodes/{name}")
        conditions = {condition["type"]: condition["status"] for condition in node["status"].get("conditions", [])}
        if conditions.get("Ready") != "True" or node["spec"].get("taints"):
            return False
        with suppress(requests.HTTPError):  # its first request to a kubelet, the API server cuts off itself
            return bool(self.get(f"api/v1/nodes/{name}/proxy/pods"))
        return False

    @contextmanager
    def second_node(self) -> Iterator[Worker]:
        """Another node, with the same images and volumes, until the end of the block."""
        with ExitStack() as running:
            branch = running.enter_context(Branch(self.directory / "node2", self.wire, 1))
            worker = Worker(branch, self.directory / "volumes", self.programs)
            worker.prepare(list(self._archives.values()))
            worker.configure(self.control_plane)
            running.callback(shutil.rmtree, branch.directory)
            running.callback(self.run_kubectl, "delete", "node", worker.name)
            running.callback(worker.stop)
            worker.start()
            wait_until(lambda: self.ready(worker.name), READY_SECONDS, worker.name)
            yield worker

    def _assemble(self) -> None:
        """What needs to know the addresses."""
        addresses = self.wire.addresses
        shape = Shape(addresses.host, str(addresses.services), ALL, nodes=True)
        self.control_plane = ControlPlane(self.directory / "kube", shape)
        self.scheduler = Scheduler(self.programs["kube-scheduler"], self.control_plane)
        self.worker = Worker(self.wire, self.directory / "volumes", self.programs)
        self.volumes = Volumes(self.control_plane, self.directory / "volumes")

    def _boot(self) -> None:
        self.worker.prepare(list(self._archives.values()))
        self.worker.boot()

    def _stop_servers(self) -> None:
        self.scheduler.stop()
        self.worker.stop()
        self.control_plane.stop()
