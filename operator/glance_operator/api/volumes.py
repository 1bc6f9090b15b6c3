"""Volumes that more than one kind can name: claims and NFS exports."""

from __future__ import annotations

from typing import Annotated, ClassVar

from glance_operator.api.base import Line, Model, Name, length, line
from glance_operator.api.cel import ORDERED

AbsolutePath = Annotated[str, line(1024, pattern=r"^/[^\x00-\x1f\x7f]*$")]


class Claim(Model):
    """An existing claim."""

    atomic: ClassVar[bool] = True

    claim_name: Name
    """PersistentVolumeClaim of the same namespace. Mount options belong on its PersistentVolume."""


class InlineNfs(Model):
    """An NFS export, named in the pod itself."""

    atomic: ClassVar[bool] = True

    server: Line
    """Host name or address of the NFS server."""
    path: AbsolutePath
    """Path that the server exports."""
    read_only: bool = False
    """Mount it read-only."""


class CsiNfs(Model):
    """An NFS export, mounted by a CSI driver."""

    atomic: ClassVar[bool] = True

    driver: Name
    """Name of the CSI driver, such as nfs.csi.k8s.io."""
    server: Line
    """Host name or address of the NFS server."""
    share: AbsolutePath
    """Path that the server exports."""
    mount_options: (
        Annotated[tuple[Annotated[str, line(255, pattern=r"^[^\s,\x00-\x1f\x7f]+$")], ...], length(32), ORDERED] | None
    ) = None
    """Options of mount(8), such as nfsvers=4.1 or hard."""
