"""What all clusters have in common for those who use them, ours and others'."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

ONE, MANY = "ReadWriteOnce", "ReadWriteMany"


@dataclass(frozen=True)
class Storage:
    """A StorageClass, and the access mode by which several pods share one of its volumes."""

    name: str
    shared: str

    def claim(self, name: str, size: str, mode: str = "") -> dict[str, Any]:
        """A claim of it: shared, unless another mode is named."""
        asked = {"requests": {"storage": size}}
        spec = {"accessModes": [mode or self.shared], "storageClassName": self.name, "resources": asked}
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


class Place(Protocol):
    """A cluster where pods run.

    `host` is this machine for its pods. `prefix` comes before a command that is to find Services and pods by name, and
    `python` is a Python with `requests` there.
    """

    @property
    def kubeconfig(self) -> Path: ...
    @property
    def host(self) -> str: ...
    @property
    def prefix(self) -> Sequence[str]: ...
    @property
    def python(self) -> str: ...
    @property
    def storage(self) -> Storage: ...
    def run_kubectl(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 60) -> str: ...
