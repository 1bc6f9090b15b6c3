"""Room that a GlanceAPI needs besides its stores: staging and cache."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from glance_operator.api.base import Duration, Model, Name, OneOf, Quantity, length
from glance_operator.api.cel import SET, Rule, at_most_one, no_shrink, not_both
from glance_operator.api.volumes import CsiNfs, InlineNfs

_ANOTHER = "move to a claim of your own (claimName)"


class StagingPvc(OneOf):
    """A claim that all pods share; exactly one of size (a claim is made), claimName (one that exists) is set."""

    one_of: ClassVar[tuple[str, ...]] = ("size", "claimName")
    rules: ClassVar[tuple[Rule, ...]] = (
        no_shrink("size", "a volume cannot; " + _ANOTHER),
        Rule(
            "!has(self.size) || !has(oldSelf.size) || (has(self.storageClassName) == has(oldSelf.storageClassName)"
            " && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName))",
            f"storageClassName is immutable: a claim keeps its class; {_ANOTHER}",
            field="storageClassName",
        ),
        not_both("claimName", "storageClassName", "an existing claim has its class"),
        not_both("claimName", "accessModes", "an existing claim has its modes"),
    )

    size: Quantity | None = None
    """Size of the claim to be made; it may grow, never shrink."""
    storage_class_name: Name | None = None
    """StorageClass of the claim; absent = the cluster's default. Immutable."""
    access_modes: (
        Annotated[tuple[Literal["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"], ...], length(3, 1), SET] | None
    ) = None
    """Access modes of the claim; absent = ReadWriteMany with more than one replica, else ReadWriteOnce."""
    claim_name: Name | None = None
    """An existing PersistentVolumeClaim of the same namespace."""


class StagingNfs(OneOf):
    """An NFS export that all pods share; exactly one of inline, csi is set."""

    one_of: ClassVar[tuple[str, ...]] = ("inline", "csi")

    inline: InlineNfs | None = None
    """The export, named in the pod. Takes no mount options; needs a namespace of pod security baseline at most."""
    csi: CsiNfs | None = None
    """The export, by an inline volume of a CSI driver."""


class StagingEphemeral(Model):
    """A claim per pod, which goes with it."""

    rules: ClassVar[tuple[Rule, ...]] = (no_shrink("size", "a volume cannot; take staging away and set it again"),)

    size: Quantity
    """Size of each claim; it may grow."""
    storage_class_name: Name | None = None
    """StorageClass of the claims; absent = the cluster's default."""


class StagingEmptyDir(Model):
    """A directory of the node, per pod."""

    size_limit: Quantity | None = None
    """A pod that stages more is evicted; absent = no limit of its own."""


class Staging(Model):
    """Where an import's bytes wait for their stores; at most one of pvc, nfs, ephemeral, emptyDir is set."""

    atomic: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (at_most_one("pvc", "nfs", "ephemeral", "emptyDir"),)

    pvc: StagingPvc | None = None
    """A claim that all pods share."""
    nfs: StagingNfs | None = None
    """An NFS export that all pods share."""
    ephemeral: StagingEphemeral | None = None
    """A claim per pod, which goes with it."""
    empty_dir: StagingEmptyDir | None = None
    """A directory of the node, per pod."""


_QUANTITIES = "!isQuantity(self.volumeSize) || !isQuantity(self.maxSize)"


class Cache(Model):
    """A cache of images on a volume of each pod."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"{_QUANTITIES} || quantity(self.volumeSize).compareTo(quantity(self.maxSize)) >= 0",
            "volumeSize must be at least maxSize",
            field="volumeSize",
        ),
        no_shrink("volumeSize", "a volume cannot; take the cache away and set it again"),
    )

    max_size: Quantity
    """Size that the cache is pruned to."""
    volume_size: Quantity
    """Size of the volume: at least maxSize, and room for what comes in between two prunings. It may grow."""
    storage_class_name: Name | None = None
    """StorageClass of the volumes; absent = the cluster's default."""
    maintenance_interval: Annotated[
        Duration,
        Rule("duration(self) >= duration('10s') && duration(self) <= duration('24h')", "must be from 10s to 24h"),
    ] = "10m"
    """How often each cache is pruned and cleaned."""


class PersistentVolumeClaimRetentionPolicy(Model):
    """What becomes of claims, in the words of a StatefulSet. Claims of a store are never touched."""

    when_deleted: Literal["Retain", "Delete"] = "Retain"
    """What happens to the claims made for staging and for a trial's database when the GlanceAPI is deleted."""
