"""The Job that transfers an image's bytes, and the Secret that it reads. Both go with their Image."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from glance_operator.api.base import GROUP, VERSION, seconds
from glance_operator.api.image import ImageSpec
from glance_operator.api.image.content import Checksum as WantedChecksum
from glance_operator.core.image import ingredients
from glance_operator.core.inputs import Input
from glance_operator.core.manifests.plan import INSTANCE, TRANSFERS, Object, given
from glance_operator.core.manifests.pods import CONFINED, CONFINED_POD
from glance_operator.core.manifests.transfer_pod import TransferPod
from glance_operator.core.transfer.config import (
    Auth,
    Checksum,
    GlanceConfig,
    Limits,
    ManifestConfig,
    SourceConfig,
    TransferConfig,
    VolumeFile,
)

CONTAINER = "transfer"
IMAGE_ID = f"{GROUP}/image-id"  # label of a Job: the Glance image that it stages for
_ROOT = "/etc/glance-transfer"
_DOCUMENT, _HEADERS, _SERVICE_CA = "transfer.json", "headers", "service-ca.pem"
_UID = 65532  # of the operator's container image
_STALL = 300.0  # seconds of a source's silence after which it is asked for the rest, at most
_LEEWAY = 60  # seconds in which a Job that has had its time says so itself
_KEPT = 86400  # seconds for which a Job is there that nobody has removed
_LEAVING = 5  # seconds


@dataclass(frozen=True)
class Access:
    """How to reach an image service in the operator's name. headers: what makes it trust a request, which is secret;
    ca: certificates (PEM) to trust besides the well-known ones, or empty."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    ca: str = ""


@dataclass(frozen=True)
class Delivery:
    """All that a transfer is made of.

    owner, uid: of the Image. start: which address is tried first. secret_type: of the Secret with the credentials for
    the source. most: bytes that the service has room for, if that is known. container: the container image.
    """

    name: str
    namespace: str
    owner: str
    uid: str
    image_id: str
    spec: ImageSpec
    access: Access
    container: str
    start: int = 0
    secret_type: str = ""
    most: int | None = None
    unpacked: bool = False  # the service itself unpacks what it imports
    pod: TransferPod = field(default_factory=TransferPod)


def selector(uid: str) -> dict[str, str]:
    """The labels by which the Jobs of an Image, and their pods, are found."""
    return {**TRANSFERS, INSTANCE: uid}


def objects(of: Delivery) -> tuple[Object, Object]:
    """The Secret before the Job that mounts it."""
    return _secret(of), _job(of)


def config(of: Delivery) -> TransferConfig:
    """What the Job is told."""
    checksum = of.spec.source.checksum if of.spec.source else None
    return TransferConfig(
        source=_source(of),
        checksum=_checksum(checksum),
        manifest=_manifest(checksum),
        decompress=of.spec.source.decompress if of.spec.source else "None",
        disk_format=of.spec.disk_format,
        container_format=of.spec.container_format,
        compressed_allowed=of.unpacked,
        glance=GlanceConfig(
            url=of.access.url,
            image_id=of.image_id,
            headers_file=f"{_ROOT}/{_HEADERS}",
            ca_file=f"{_ROOT}/{_SERVICE_CA}" if of.access.ca else None,
        ),
        limits=_limits(of),
    )


def _limits(of: Delivery) -> Limits:
    stall = min(_STALL, seconds(of.spec.progress_deadline))
    return Limits(max_bytes=of.most, stall_seconds=stall, total_seconds=seconds(of.spec.download_timeout))


def _source(of: Delivery) -> SourceConfig:
    source = of.spec.source
    if source and source.pvc:
        return SourceConfig(file=VolumeFile(root=_place(ingredients.VOLUME), path=source.pvc.path))
    if source is None or source.http is None:
        raise AssertionError("only what comes by http or pvc is transferred")
    addresses = (source.http.url, *(source.http.mirrors or ()))
    ca = _file(ingredients.CA) if source.http.ca_bundle_ref else None
    auth = _auth(of) if source.http.auth_secret_ref else None
    return SourceConfig(addresses=addresses, start=of.start % len(addresses), auth=auth, ca_file=ca)


def _auth(of: Delivery) -> Auth:
    place = _place(ingredients.AUTH)
    if "header" in ingredients.KEYS.get(of.secret_type, ()):
        return Auth(header_file=f"{place}/header")
    return Auth(username_file=f"{place}/username", password_file=f"{place}/password")


def _checksum(wanted: WantedChecksum | None) -> Checksum | None:
    if wanted is None or wanted.manifest:
        return None
    found = {name: getattr(wanted, name) for name in ("md5", "sha1", "sha256", "sha512")}
    return next(Checksum.model_validate({"algorithm": a, "digest": d}) for a, d in found.items() if d)


def _manifest(wanted: WantedChecksum | None) -> ManifestConfig | None:
    if wanted is None or wanted.manifest is None:
        return None
    keyring = _file(ingredients.KEYRING) if wanted.manifest.keyring_ref else None
    return ManifestConfig(url=wanted.manifest.url, keyring_file=keyring)


def _place(word: str) -> str:
    """Where the ingredient of that name is mounted."""
    return f"{_ROOT}-{word}"


def _file(word: str) -> str:
    """The one file of an ingredient of which one key is needed."""
    return f"{_place(word)}/{word}"


# The objects


def _secret(of: Delivery) -> Object:
    headers = "".join(f"{name}: {value}\n" for name, value in of.access.headers)
    document = config(of).model_dump_json(by_alias=True, exclude_none=True)
    files = {_DOCUMENT: document, _HEADERS: headers, **({_SERVICE_CA: of.access.ca} if of.access.ca else {})}
    data = {name: base64.b64encode(text.encode()).decode() for name, text in files.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": _meta(of), "type": "Opaque", "data": data}


def _job(of: Delivery) -> Object:
    spec = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": math.ceil(seconds(of.spec.download_timeout)) + _LEEWAY,
        "ttlSecondsAfterFinished": _KEPT,
        "template": {"metadata": _pod_meta(of), "spec": _pod(of)},
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": _meta(of), "spec": spec}


def _meta(of: Delivery) -> Object:
    owner = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Image",
        "name": of.owner,
        "uid": of.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "name": of.name,
        "namespace": of.namespace,
        "labels": _labels(of),
        "annotations": {f"{GROUP}/image": of.owner},
        "ownerReferences": [owner],
    }


def _labels(of: Delivery) -> dict[str, str]:
    return {**selector(of.uid), IMAGE_ID: of.image_id, "app.kubernetes.io/managed-by": "glance-operator"}


def _pod_meta(of: Delivery) -> Object:
    labels = {**of.pod.labels, **_labels(of)}
    return given({"labels": labels, "annotations": dict(of.pod.annotations) or None})


def _pod(of: Delivery) -> Object:
    pod = of.pod
    return given(
        {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": _LEAVING,
            "securityContext": {**CONFINED_POD, "runAsUser": _UID, "runAsGroup": _UID, "fsGroup": _UID},
            "imagePullSecrets": [{"name": name} for name in pod.image_pull_secrets] or None,
            "nodeSelector": dict(pod.node_selector) or None,
            "tolerations": [dict(one) for one in pod.tolerations] or None,
            "runtimeClassName": pod.runtime_class_name,
            "priorityClassName": pod.priority_class_name,
            "containers": [_container(of)],
            "volumes": list(_volumes(of)),
        }
    )


def _container(of: Delivery) -> Object:
    mounts = {"transfer": _ROOT, **{one.word: _place(one.word) for one in ingredients.of(of.spec)}}
    volume_mounts: list[Object] = [{"name": n, "mountPath": path, "readOnly": True} for n, path in mounts.items()]
    return given(
        {
            "name": CONTAINER,
            "image": of.container,
            "imagePullPolicy": of.pod.image_pull_policy,
            "command": ["glance-operator", "transfer", f"{_ROOT}/{_DOCUMENT}"],
            "env": [{"name": name, "value": value} for name, value in sorted(of.pod.env.items())] or None,
            "resources": {kind: dict(amounts) for kind, amounts in of.pod.resources.items()},
            "securityContext": CONFINED,
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": [*volume_mounts, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  (of the pod alone)
        }
    )


def _volumes(of: Delivery) -> Iterator[Object]:
    yield {"name": "transfer", "secret": {"secretName": of.name, "defaultMode": 0o440}}
    for one in ingredients.of(of.spec):
        yield {"name": one.word, **_volume(of, one)}
    yield {"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}}


def _volume(of: Delivery, one: Input) -> Object:
    """Only the keys that are needed."""
    if one.word == ingredients.VOLUME:
        return {"persistentVolumeClaim": {"claimName": one.name, "readOnly": True}}
    keys = {one.key: one.word} if one.key else {key: key for key in ingredients.KEYS.get(of.secret_type, ())}
    items = [{"key": key, "path": path} for key, path in keys.items()]
    if one.kind == "ConfigMap":
        return {"configMap": {"name": one.name, "items": items, "defaultMode": 0o440}}
    return {"secret": {"secretName": one.name, "items": items, "defaultMode": 0o440}}
