"""kube-scheduler: finds a node for each pod."""

from collections.abc import Sequence
from pathlib import Path

from sandbox_kit.control_plane import ControlPlane, GoServer
from sandbox_kit.loopback import answers
from sandbox_kit.ports import free_port

USER = "system:kube-scheduler"


class Scheduler(GoServer):
    """On this machine's loopback, beside the other parts of the control plane."""

    def __init__(self, program: Path, control_plane: ControlPlane) -> None:
        super().__init__("kube-scheduler", control_plane.directory)
        self._program, self._control_plane = program, control_plane
        self._serving = control_plane.authority.server("kube-scheduler")
        self.relocate()

    def relocate(self) -> None:
        self._port = free_port()

    def command(self) -> Sequence[str | Path]:
        return [
            self._program,
            f"--kubeconfig={self._control_plane.kubeconfig_for(USER)}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--tls-cert-file={self._serving.cert}",
            f"--tls-private-key-file={self._serving.key}",
            "--profiling=false",
        ]

    def ready(self) -> bool:
        return answers(f"https://127.0.0.1:{self._port}/healthz", self._control_plane.authority.pair)
