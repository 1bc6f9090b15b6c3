"""The operator of this checkout, as a process beside the sandbox."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox_kit.loopback import answers
from sandbox_kit.process import Server, free_port

SOURCES = Path(__file__).parent.parent.parent / "operator"


class Operator(Server):
    """`python -m glance_operator` on a cluster; `settings` are its settings, in lower case and without prefix."""

    def __init__(self, directory: Path, kubeconfig: Path, **settings: str) -> None:
        super().__init__("operator", directory)
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        chosen = {"health_port": str(port), **settings}
        self._environment = {
            "KUBECONFIG": str(kubeconfig),
            "PYTHONPATH": os.pathsep.join([str(SOURCES), os.environ.get("PYTHONPATH", "")]),
            **{f"GLANCE_OPERATOR_{name.upper()}": value for name, value in chosen.items()},
        }

    def command(self) -> Sequence[str | Path]:
        return [sys.executable, "-m", "glance_operator"]

    def environment(self) -> Mapping[str, str]:
        return self._environment

    def ready(self) -> bool:
        return answers(f"{self.url}/readyz")
