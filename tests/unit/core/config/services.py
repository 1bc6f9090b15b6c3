"""Services whose configuration is compared with the files in golden/, from the plainest to one with everything."""

from __future__ import annotations

from typing import Any

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.core.config import Service, Store

PASSWORD = {"username": "glance", "password": "pa$$ %word", "project_name": "service"}
APPLICATION = {"application_credential_id": "0a1b", "application_credential_secret": "s3cret"}
KEYSTONE = {"authURL": "https://keystone.example.org/v3", "credentialsSecretRef": {"name": "glance-keystone"}}
CA = {"kind": "ConfigMap", "name": "ca", "key": "ca.crt"}


def store(store_id: str, kind: str, block: dict[str, Any], secret: dict[str, str] | None = None, **spec: Any) -> Store:
    body = {"glanceAPIRef": {"name": "glance"}, "type": kind, kind: block, **spec}
    return Store(store_id, GlanceStoreSpec.model_validate(body), secret or {})


def service(*stores: Store, default: str = "", keystone: dict[str, str] | None = None, **spec: Any) -> Service:
    """The spec's database and auth are a trial's unless given; connection, cas and the like are of Service."""
    outer = {
        name: spec.pop(name)
        for name in ("connection", "cas", "transport_url", "certificate", "endpoint_id", "places")
        if name in spec
    }
    body = {"database": {"sqlite": {}}, "auth": {"trusted": {}}, **spec}
    parsed = GlanceAPISpec.model_validate(body)
    return Service(parsed, stores, default or stores[0].id, keystone=keystone or {}, **outer)


LOCAL = store("local", "file", {"pvc": {"claimName": "images"}})
CEPH = store(
    "ceph",
    "rbd",
    {
        "pool": "images",
        "user": "glance",
        "monitors": ["10.0.0.1:6789", "10.0.0.2:6789"],
        "keyringSecretRef": {"name": "ceph", "key": "keyring"},
        "thinProvisioning": True,
    },
    {"keyring": "[client.glance]\n\tkey = AQ==\n"},
    description="Main cluster: 100% flash, $5 a month",
    weight=10,
    extraOptions={"rbd_store_chunk_size_hint": "1"},
)
ELSEWHERE = store(
    "elsewhere",
    "rbd",
    {
        "pool": "images",
        "user": "edge",
        "cephConfRef": {"kind": "ConfigMap", "name": "ceph", "key": "ceph.conf"},
        "keyringSecretRef": {"name": "edge", "key": "keyring"},
    },
    {"keyring": "[client.edge]\n\tkey = AR==\n", "ceph.conf": "[global]\nfsid = 1\nmon_host = 10.1.0.1\n"},
)
SWIFT = store("objects", "swift", {"createContainer": True, "region": "RegionOne", "interface": "internal"})
OTHER_SWIFT = store(
    "archive", "swift", {"authURL": "https://other.example.org/v3", "container": "old"}, {**APPLICATION}
)
S3 = store(
    "bucket",
    "s3",
    {
        "endpoint": "https://s3.example.org",
        "bucket": "images",
        "credentialsSecretRef": {"name": "s3"},
        "caBundleRef": CA,
        "largeObjectSizeMB": 200,
        "largeObjectChunkSizeMB": 50,
    },
    {"access_key": "AK", "secret_key": "SK$", "ca": "PEM\n"},
)
NFS = store("share", "nfs", {"inline": {"server": "nfs.example.org", "path": "/export"}, "thinProvisioning": True})

SERVICES = {
    "trial": service(LOCAL),
    "production": service(
        CEPH,
        ELSEWHERE,
        SWIFT,
        OTHER_SWIFT,
        S3,
        NFS,
        default="ceph",
        keystone=PASSWORD,
        connection="mysql+pymysql://glance:pa$$@mariadb/glance?charset=utf8",
        cas={"database": "PEM\n", "keystone": "PEM\n", "tls": "PEM\n"},
        certificate={"tls.crt": "PEM\n", "tls.key": "PEM\n"},
        transport_url="rabbit://glance:s3cret@rabbit:5672/",
        endpoint_id="e4d909c2",
        replicas=3,
        database={"connectionSecretRef": {"name": "db", "key": "connection"}, "caBundleRef": CA},
        auth={
            "keystone": {
                **KEYSTONE,
                "region": "RegionOne",
                "caBundleRef": CA,
                "memcachedServers": ["m1:11211", "m2:11211"],
                "adminCredentialsRef": {"secretName": "admin", "cloudName": "admin"},
            }
        },
        imports={
            "methods": ["web-download", "copy-image"],
            "sources": {"allowedHosts": ["b.example.org", "a.example.org"], "allowedPorts": [443, 8443]},
            "decompression": {},
            "conversion": {"outputFormat": "raw"},
            "injectMetadata": {"properties": {"site": "central", "by": "$us"}, "ignoreUserRoles": []},
            "maxParallelStores": 2,
        },
        cache={"maxSize": "20Gi", "volumeSize": "24Gi"},
        formats={"disk": ["qcow2", "raw"], "container": ["bare"]},
        policy={"publicize_image": "role:admin", "copy_image": "@"},
        quotas={"imageCountTotal": 10},
        signatures={"barbicanEndpoint": "https://barbican.example.org"},
        server={"processes": 2, "threads": 64, "importThreads": 8},
        tls={"secretName": "tls"},
        logging={"format": "json", "levels": {"glance": "DEBUG", "oslo_db.sqlalchemy": "ERROR"}},
        notifications={"transportURLSecretRef": {"name": "rabbit", "key": "url"}, "topics": ["glance", "audit"]},
        extraConfig={"DEFAULT": {"image_tag_quota": "64"}, "wsgi": {"foo": "bar"}},
    ),
}
