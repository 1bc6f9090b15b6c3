"""The spec of a GlanceStore, and the rules between its fields."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from glance_operator.api.base import INI_VALUE, NULLABLE, Line, Model, NameRef, StoreID, length, line, within
from glance_operator.api.cel import NO_NULL, Rule, immutable, quoted
from glance_operator.api.glancestore.drivers import S3, File, Nfs, Rbd, Swift

TYPES = ("rbd", "nfs", "swift", "file", "s3")

# A store's id is the name of its section in glance-api.conf, so it must not be the name of another section.
RESERVED_IDS = (
    "DEFAULT",
    "barbican",
    "barbican_service_user",
    "cors",
    "database",
    "glance_store",
    "healthcheck",
    "image_format",
    "image_import_opts",
    "import_filtering_opts",
    "inject_metadata_properties",
    "image_conversion",
    "key_manager",
    "keystone_authtoken",
    "os_brick",
    "oslo_concurrency",
    "oslo_limit",
    "oslo_messaging_amqp",
    "oslo_messaging_kafka",
    "oslo_messaging_notifications",
    "oslo_messaging_rabbit",
    "oslo_middleware",
    "oslo_policy",
    "oslo_reports",
    "paste_deploy",
    "profiler",
    "service_user",
    "store_type_location_strategy",
    "task",
    "taskflow_executor",
    "vault",
    "wsgi",
)


def not_reserved(value: str) -> str:
    """CEL: the value is free to be a store's id."""
    return f"!({value}.startsWith('os_glance_') || {value} in {quoted(RESERVED_IDS)})"


# Option of a driver -> what sets it.
OWNED_OPTIONS = {
    "rbd_store_pool": "rbd.pool",
    "rbd_store_user": "rbd.user",
    "rbd_store_ceph_conf": "rbd.cephConfRef",
    "rbd_store_chunk_size": "rbd.chunkSizeMiB",
    "rbd_thin_provisioning": "rbd.thinProvisioning",
    "rados_connect_timeout": "rbd.connectTimeoutSeconds",
    "swift_store_auth_version": "swift.authURL",
    "swift_store_auth_address": "swift.authURL",
    "swift_store_user": "swift.credentialsSecretRef",
    "swift_store_key": "swift.credentialsSecretRef",
    "swift_store_application_credential_id": "swift.credentialsSecretRef",
    "swift_store_application_credential_secret": "swift.credentialsSecretRef",
    "swift_store_project_name": "swift.credentialsSecretRef",
    "swift_store_project_id": "swift.credentialsSecretRef",
    "swift_store_config_file": "swift.credentialsSecretRef",
    "swift_store_container": "swift.container",
    "swift_store_create_container_on_put": "swift.createContainer",
    "swift_store_multi_tenant": "swift.multiTenant",
    "swift_store_region": "swift.region",
    "swift_store_endpoint_type": "swift.interface",
    "swift_store_large_object_size": "swift.largeObjectSizeMB",
    "swift_store_large_object_chunk_size": "swift.largeObjectChunkSizeMB",
    "filesystem_store_datadir": "nfs or file",
    "filesystem_store_datadirs": "nfs or file",
    "filesystem_store_metadata_file": "nfs or file",
    "filesystem_thin_provisioning": "nfs.thinProvisioning or file.thinProvisioning",
    "s3_store_host": "s3.endpoint",
    "s3_store_region_name": "s3.region",
    "s3_store_access_key": "s3.credentialsSecretRef",
    "s3_store_secret_key": "s3.credentialsSecretRef",
    "s3_store_bucket": "s3.bucket",
    "s3_store_create_bucket_on_put": "s3.createBucket",
    "s3_store_bucket_url_format": "s3.bucketURLFormat",
    "s3_store_cacert": "s3.caBundleRef",
    "s3_store_large_object_size": "s3.largeObjectSizeMB",
    "s3_store_large_object_chunk_size": "s3.largeObjectChunkSizeMB",
}
_OWNED = "{" + ", ".join(f"'{option}': '{field}'" for option, field in OWNED_OPTIONS.items()) + "}"
_PREFIXES = {
    "rbd": ("rbd_", "rados_"),
    "nfs": ("filesystem_",),
    "swift": ("swift_",),
    "file": ("filesystem_",),
    "s3": ("s3_",),
}
_ITS_OWN = " || ".join(
    f"self.type == '{name}' && o.startsWith('{prefix}')" for name, prefixes in _PREFIXES.items() for prefix in prefixes
)

ExtraOptions = Annotated[
    dict[str, Annotated[str, line(1024, least=0, pattern=INI_VALUE), NULLABLE]],
    length(32),
    NO_NULL,
    Rule("self.all(o, o.matches('^[a-z0-9_]{1,128}$'))", "option names are lower-case words with underscores"),
    Rule(
        f"!self.exists(o, o in {_OWNED})",
        "must not contain an option that a field of the spec sets",
        expression=f"'must not contain ' + self.filter(o, o in {_OWNED})[0] + ': it is set by spec.' + "
        f"{_OWNED}[self.filter(o, o in {_OWNED})[0]]",
    ),
]


class GlanceStoreSpec(Model):
    """What is wanted: a driver, and how it reaches the storage. The block that type names is set, and no other."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "[" + ", ".join(f"has(self.{name}) == (self.type == '{name}')" for name in TYPES) + "].all(t, t)",
            "the block named by type must be set, and no other",
            expression="'the block ' + self.type + ' must be set (as spec.type says), and no other'",
        ),
        Rule(
            f"!has(self.extraOptions) || self.extraOptions.all(o, {_ITS_OWN})",
            "extraOptions takes only options of the driver that type names",
            field="extraOptions",
        ),
        immutable("type", "create another GlanceStore and move the images"),
        immutable("storeID", "create another GlanceStore and move the images"),
        immutable("glanceAPIRef", "create another GlanceStore"),
    )

    glance_api_ref: NameRef
    """GlanceAPI that the store belongs to. Immutable."""
    store_id: (
        Annotated[StoreID, Rule(not_reserved("self"), "is reserved by Glance: choose another id for the store")] | None
    ) = None
    """Glance's id of the store, which images name; absent = metadata.name. Immutable."""
    description: Line | None = None
    """What Glance tells its users about the store."""
    weight: Annotated[int, within(-2147483648, 2147483647)] | None = None
    """Of several copies of an image Glance reads the one in the store of the greatest weight first; absent = 0."""
    type: Literal["rbd", "nfs", "swift", "file", "s3"]
    """Kind of storage; the block of the same name describes it. Immutable."""
    rbd: Rbd | None = None
    """A pool of a Ceph cluster."""
    nfs: Nfs | None = None
    """An NFS export, mounted in the API pods."""
    swift: Swift | None = None
    """Containers of an object store that speaks Swift."""
    file: File | None = None
    """A file system on a claim."""
    s3: S3 | None = None
    """A bucket of an object store that speaks S3."""
    extra_options: ExtraOptions | None = None
    """Further options of the driver, in the words of glance_store. Put values in quotes: they are strings."""
    deletion_policy: Literal["Wait", "Drain"] = "Wait"
    """When this object is deleted: Wait until no image lives in the store, or Drain: the image of every Image object is
    copied to the other stores that it names, or to the default store if it names no other, and then removed from this
    one. What no Image object manages stays, and is waited for."""
    suspend: bool = False
    """Touch nothing for this object."""
