"""The drivers a store can have: one block of the spec each."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from glance_operator.api.base import (
    URL,
    HostPort,
    KeyRef,
    Line,
    Model,
    NameRef,
    OneOf,
    SecretKeyRef,
    length,
    line,
    within,
)
from glance_operator.api.cel import ORDERED, Rule, needs
from glance_operator.api.volumes import Claim, CsiNfs, InlineNfs

_CHUNK = Rule(
    "!has(self.largeObjectChunkSizeMB) || !has(self.largeObjectSizeMB)"
    " || self.largeObjectChunkSizeMB <= self.largeObjectSizeMB",
    "largeObjectChunkSizeMB must not exceed largeObjectSizeMB",
    field="largeObjectChunkSizeMB",
)
Megabytes = Annotated[int, within(1, 1048576)]


class Rbd(OneOf):
    """A pool of a Ceph cluster; exactly one of cephConfRef, monitors is set."""

    one_of: ClassVar[tuple[str, ...]] = ("cephConfRef", "monitors")

    pool: Line
    """Pool that holds the images."""
    user: Annotated[
        str,
        line(128, pattern=r"^[A-Za-z0-9_.-]+$"),
        Rule("!self.startsWith('client.')", "must be the name without 'client.'"),
    ]
    """Ceph user, without 'client.'."""
    ceph_conf_ref: KeyRef | None = None
    """ceph.conf of the cluster."""
    monitors: Annotated[tuple[HostPort, ...], length(16, 1), ORDERED] | None = None
    """Addresses of the monitors, from which a ceph.conf is made."""
    keyring_secret_ref: SecretKeyRef
    """Keyring of the user."""
    chunk_size_mib: Annotated[int, within(1, 1024)] = 8
    """Size of the RADOS objects an image is cut into, in MiB."""
    thin_provisioning: bool | None = None
    """Do not write runs of zeros; absent = false."""
    connect_timeout_seconds: Annotated[int, within(1, 3600)] = 5
    """How long to wait for the cluster at start, in seconds."""


class Nfs(OneOf):
    """An NFS export, mounted in the API pods; exactly one of pvc, inline, csi is set."""

    one_of: ClassVar[tuple[str, ...]] = ("pvc", "inline", "csi")

    pvc: Claim | None = None
    """An existing claim, whose PersistentVolume names the export and the mount options."""
    inline: InlineNfs | None = None
    """The export, named in the pod. Takes no mount options; needs a namespace of pod security baseline at most."""
    csi: CsiNfs | None = None
    """The export, by an inline volume of a CSI driver."""
    thin_provisioning: bool | None = None
    """Do not write runs of zeros; absent = false."""


class Swift(Model):
    """Containers of an object store that speaks Swift."""

    rules: ClassVar[tuple[Rule, ...]] = (_CHUNK,)

    auth_url: URL | None = None
    """Keystone of the object store; absent = the GlanceAPI's."""
    credentials_secret_ref: NameRef | None = None
    """Secret with username, password, project_name (user_domain_name, project_domain_name), or with
    application_credential_id and application_credential_secret; absent = the GlanceAPI's own."""
    container: Annotated[str, line(256, pattern=r"^[^/\x00-\x1f\x7f]+$")] | None = None
    """Container that holds the images; absent = glance."""
    create_container: bool | None = None
    """Make the container if it is missing; absent = false."""
    multi_tenant: bool | None = None
    """Keep each image in its owner's own account; absent = false."""
    region: Line | None = None
    """Region of the endpoint; absent = the only one."""
    interface: Literal["public", "internal", "admin"] | None = None
    """Endpoint to use; absent = public."""
    large_object_size_mb: Megabytes | None = None
    """Images larger than this, in MB, are stored in segments; absent = 5120."""
    large_object_chunk_size_mb: Megabytes | None = None
    """Size of a segment, in MB; absent = 200."""


class File(Model):
    """A file system on a claim."""

    pvc: Claim
    """An existing claim; ReadWriteMany when the GlanceAPI has more than one replica."""
    thin_provisioning: bool | None = None
    """Do not write runs of zeros; absent = false."""


class S3(Model):
    """A bucket of an object store that speaks S3."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _CHUNK,
        needs("largeObjectChunkSizeMB", "largeObjectSizeMB", "it says how what is larger is cut"),
    )

    endpoint: URL
    """Address of the object store."""
    bucket: Annotated[str, line(63, 3, pattern=r"^[a-z0-9][a-z0-9.-]+[a-z0-9]$")]
    """Bucket that holds the images."""
    region: Line | None = None
    """Region of the bucket; absent = none is sent."""
    credentials_secret_ref: NameRef
    """Secret with access_key and secret_key."""
    create_bucket: bool | None = None
    """Make the bucket if it is missing; absent = false."""
    bucket_url_format: Literal["auto", "virtual", "path"] | None = None
    """Bucket in the host name or in the path; absent = auto."""
    ca_bundle_ref: KeyRef | None = None
    """Certificates (PEM) to trust for the endpoint."""
    large_object_size_mb: Megabytes | None = None
    """Images larger than this, in MB, are uploaded in parts; absent = 100."""
    large_object_chunk_size_mb: Megabytes | None = None
    """Size of a part, in MB; absent = 10."""
