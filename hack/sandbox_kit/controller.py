"""The operator of this checkout, as a process beside the sandbox."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox_kit.loopback import answers
from sandbox_kit.ports import free_port
from sandbox_kit.process import Server

SOURCES = Path(__file__).parent.parent.parent / "operator"


class Operator(Server):
    """`python -m glance_operator` on a cluster; `settings` are its settings, in lower case and without prefix."""

    def __init__(self, directory: Path, kubeconfig: Path, **settings: object) -> None:
        super().__init__("operator", directory)
        self._kubeconfig, self._settings = kubeconfig, settings
        self.relocate()

    def relocate(self) -> None:
        self.port = free_port()

    def command(self) -> Sequence[str | Path]:
        return [sys.executable, "-m", "glance_operator"]

    def environment(self) -> Mapping[str, str]:
        chosen = {"health_port": self.port, **self._settings}
        return {
            "KUBECONFIG": str(self._kubeconfig),
            "PYTHONPATH": os.pathsep.join([str(SOURCES), os.environ.get("PYTHONPATH", "")]),
            **{f"GLANCE_OPERATOR_{name.upper()}": str(value) for name, value in chosen.items()},
        }

    def ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/readyz")
