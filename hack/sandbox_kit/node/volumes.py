"""Volumes that all nodes see, declared beforehand, as an administrator would. Their files get the group of a pod.

StorageClass `local` lets no claim grow; `local-growing` says that it does, but nobody makes it so.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.node.addresses import Addresses, Seat
from sandbox_kit.node.init import DISK
from sandbox_kit.node.places import MANY, ONE

CLASSES = {"local": False, "local-growing": True}
SIZE = "10Gi"
NODES = [Seat(Addresses(0), number).name for number in range(2)]
# name -> access, class
DECLARED = {
    **{f"one-{number}": (ONE, "local") for number in range(16)},
    **{f"many-{number}": (MANY, "local") for number in range(24)},
    **{f"growing-{number}": (ONE, "local-growing") for number in range(3)},
}


class Volumes:
    """`declare` those of DECLARED, `add` another one, `renew` those whose claims are gone; `path` is where one is."""

    def __init__(self, control_plane: ControlPlane, directory: Path) -> None:
        self._control_plane, self._directory = control_plane, directory

    def declare(self) -> None:
        """Make the classes and the volumes."""
        classes = [_class(name, growing=growing) for name, growing in CLASSES.items()]
        self._apply(*classes, *(self._volume(name, *kind) for name, kind in DECLARED.items()))

    def add(self, name: str, access: str = ONE, storage_class: str = "local", size: str = SIZE) -> None:
        """Declare one more; a claim takes it for itself by `volumeName`."""
        self._apply(self._volume(name, access, storage_class, size))

    def renew(self) -> None:
        """Empty and declare anew the volumes that have lost their claims."""
        listed = self._control_plane.get("api/v1/persistentvolumes")["items"]
        lost = [volume["metadata"]["name"] for volume in listed if volume["status"].get("phase") == "Released"]
        if not lost:
            return
        self._control_plane.run_kubectl("delete", "persistentvolume", *lost)
        for name in lost:
            shutil.rmtree(self.path(name))
        self._apply(*(self._volume(name, *DECLARED[name]) for name in lost if name in DECLARED))

    def path(self, name: str) -> Path:
        """Where its files are on this machine."""
        return self._directory / name

    def _volume(self, name: str, access: str, storage_class: str, size: str = SIZE) -> dict[str, Any]:
        self.path(name).mkdir(parents=True, exist_ok=True)
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": NODES}
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": size},
                "accessModes": [access],
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": storage_class,
                "local": {"path": f"{DISK}/volumes/{name}"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
            },
        }

    def _apply(self, *objects: Mapping[str, Any]) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self._control_plane.run_kubectl("apply", "--server-side", "-f", "-", stdin=text)


def _class(name: str, *, growing: bool) -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Retain",
        "allowVolumeExpansion": growing,
    }
