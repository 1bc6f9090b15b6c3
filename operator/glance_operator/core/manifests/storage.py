"""Where a pod keeps bytes: staging, cache, the stores that are file systems, and a trial's database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glanceapi.volumes import StagingPvc
from glance_operator.api.glancestore.drivers import File, Nfs
from glance_operator.api.volumes import CsiNfs, InlineNfs
from glance_operator.core.manifests.plan import Blueprint, Object, given, labels, owned

Volume = Mapping[str, Any]


def staging_name(api: str) -> str:
    return f"{api}-staging"


def database_name(api: str) -> str:
    return f"{api}-database"


def shared_names(api: str) -> tuple[str, str]:
    """Of the claims that may be made for all pods together."""
    return staging_name(api), database_name(api)


def shared_sizes(api: str, spec: GlanceAPISpec) -> dict[str, str]:
    """Claim -> size, of those that are made for all pods together."""
    staging = spec.staging.pvc.size if spec.staging and spec.staging.pvc else None
    sqlite = spec.database.sqlite.size if spec.database.sqlite else None
    return given({staging_name(api): staging, database_name(api): sqlite})


def sizes_of_a_pod(spec: GlanceAPISpec) -> dict[str, str]:
    """Volume -> size of the claim that comes and goes with each pod, and is named after both."""
    staging = spec.staging.ephemeral.size if spec.staging and spec.staging.ephemeral else None
    return given({"staging": staging, "cache": spec.cache.volume_size if spec.cache else None})


def objects(of: Blueprint) -> Iterator[Object]:
    """The claims that all pods share. Those of one pod alone come and go with it."""
    staging, sqlite = of.spec.staging, of.spec.database.sqlite
    if staging and staging.pvc and staging.pvc.size:
        yield _staging_claim(of, staging.pvc, staging.pvc.size)
    if sqlite:
        yield _claim(of, database_name(of.name), sqlite.size, ["ReadWriteOnce"], None)


def volumes(of: Blueprint) -> Iterator[Object]:
    """By name; `mounts` says where."""
    yield {"name": "staging", **_staging(of)}
    if of.spec.cache:
        yield {"name": "cache", **_ephemeral(of, "cache", of.spec.cache.storage_class_name)}
    if of.spec.database.sqlite:
        yield {"name": "database", **_existing(database_name(of.name))}
    for number, _, block in _file_systems(of):
        yield {"name": f"store-{number}", **_file_system(block)}


def mounts(of: Blueprint) -> Iterator[Object]:
    yield {"name": "staging", "mountPath": of.places.staging}
    if of.spec.cache:
        yield {"name": "cache", "mountPath": of.places.cache}
    if of.spec.database.sqlite:
        yield {"name": "database", "mountPath": of.places.database.rpartition("/")[0]}
    for number, store_id, _ in _file_systems(of):
        yield {"name": f"store-{number}", "mountPath": of.places.store(store_id)}


def shared(of: Blueprint) -> bool:
    """Whether all pods stage in one place."""
    staging = of.spec.staging
    return bool(staging and (staging.pvc or staging.nfs))


def _file_systems(of: Blueprint) -> Iterator[tuple[int, str, File | Nfs]]:
    """Numbered: an id of a store may be longer than a volume's name, and have other letters."""
    stores = sorted(of.stores, key=lambda store: store.id)
    blocks = [(store.id, store.block) for store in stores]
    for number, (store_id, block) in enumerate(blocks):
        if isinstance(block, File | Nfs):
            yield number, store_id, block


def _file_system(block: File | Nfs) -> Volume:
    if block.pvc:
        return _existing(block.pvc.claim_name)
    assert isinstance(block, Nfs)  # noqa: S101  # for mypy: a File has a claim
    return _nfs(block.inline, block.csi)


def _staging(of: Blueprint) -> Volume:
    staging = of.spec.staging
    if staging and staging.pvc:
        return _existing(staging.pvc.claim_name or staging_name(of.name))
    if staging and staging.nfs:
        return _nfs(staging.nfs.inline, staging.nfs.csi)
    if staging and staging.ephemeral:
        return _ephemeral(of, "staging", staging.ephemeral.storage_class_name)
    limit = staging.empty_dir.size_limit if staging and staging.empty_dir else None
    return {"emptyDir": given({"sizeLimit": limit})}


def _staging_claim(of: Blueprint, wanted: StagingPvc, size: str) -> Object:
    usual = "ReadWriteMany" if of.spec.replicas > 1 else "ReadWriteOnce"
    modes = sorted(wanted.access_modes or (usual,))
    return _claim(of, staging_name(of.name), size, modes, wanted.storage_class_name)


def _claim(of: Blueprint, name: str, size: str, modes: list[str], storage_class: str | None) -> Object:
    """It outlives its GlanceAPI, as data should, unless the spec says otherwise: then it is deleted by name."""
    claim = owned(of, "PersistentVolumeClaim", "v1", name, spec=_claim_spec(size, modes, storage_class))
    del claim["metadata"]["ownerReferences"]
    return claim


def _claim_spec(size: str, modes: list[str], storage_class: str | None) -> Object:
    asked = {"requests": {"storage": size}}
    return given({"accessModes": modes, "storageClassName": storage_class, "resources": asked})


def _ephemeral(of: Blueprint, volume: str, storage_class: str | None) -> Volume:
    """A claim that comes and goes with its pod: nothing of it is immutable in the StatefulSet."""
    size = {**sizes_of_a_pod(of.spec), **of.sizes}[volume]
    spec = _claim_spec(size, ["ReadWriteOnce"], storage_class)
    return {"ephemeral": {"volumeClaimTemplate": {"metadata": {"labels": labels(of)}, "spec": spec}}}


def _existing(claim: str) -> Volume:
    return {"persistentVolumeClaim": {"claimName": claim}}


def _nfs(inline: InlineNfs | None, csi: CsiNfs | None) -> Volume:
    if inline:
        return {"nfs": given({"server": inline.server, "path": inline.path, "readOnly": inline.read_only or None})}
    assert csi  # noqa: S101  # for mypy: the API server lets no union in without a member
    attributes = {"server": csi.server, "share": csi.share}
    if csi.mount_options:
        attributes["mountOptions"] = ",".join(csi.mount_options)
    return {"csi": {"driver": csi.driver, "volumeAttributes": attributes}}
