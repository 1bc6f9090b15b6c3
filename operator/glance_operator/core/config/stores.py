"""A section of glance-api.conf for each store, and the files that its driver reads."""

from __future__ import annotations

from glance_operator.api.glancestore.drivers import S3, File, Nfs, Rbd, Swift
from glance_operator.core.config import ini
from glance_operator.core.config.identity import credentials_of
from glance_operator.core.config.service import Secrets, Service, Store

# type of the spec -> Glance's driver
DRIVERS = {"rbd": "rbd", "nfs": "file", "swift": "swift", "file": "file", "s3": "s3"}
SWIFT_FILE = "glance-swift.conf"


def sections(service: Service) -> ini.Sections:
    """One section a store, named by its id."""
    return {store.id: _section(service, store) for store in service.stores}


def files(service: Service) -> dict[str, str]:
    """What the drivers read, by name: Ceph's configuration and keyring, Swift's accounts, certificates."""
    found: dict[str, str] = {}
    accounts: dict[str, ini.Options] = {}
    for store in service.stores:
        match store.block:
            case Rbd() as rbd:
                found |= _ceph_files(service, store, rbd)
            case Swift() as swift:
                accounts[store.id] = _account(service, store, swift)
            case S3(ca_bundle_ref=ca) if ca:
                found[f"{store.id}.ca.crt"] = store.secret["ca"]
    return found | ({SWIFT_FILE: ini.text(accounts, _quoted)} if accounts else {})


def _section(service: Service, store: Store) -> ini.Options:
    common: ini.Options = {"store_description": store.spec.description, "weight": store.spec.weight}
    return {**(store.spec.extra_options or {}), **common, **_driver(service, store)}


def _driver(service: Service, store: Store) -> ini.Options:
    match store.block:
        case Rbd() as rbd:
            return _rbd(service, store, rbd)
        case Swift() as swift:
            return _swift(service, store, swift)
        case S3() as s3:
            return _s3(service, store, s3)
        case File() | Nfs() as block:
            directory = service.places.store(store.id)
            thin = block.thin_provisioning
            return {"filesystem_store_datadir": directory, "filesystem_thin_provisioning": thin}


def _rbd(service: Service, store: Store, rbd: Rbd) -> ini.Options:
    return {
        "rbd_store_pool": rbd.pool,
        "rbd_store_user": rbd.user,  # unset it becomes the word None
        "rbd_store_ceph_conf": f"{service.places.etc}/{store.id}.ceph.conf",
        "rbd_store_chunk_size": rbd.chunk_size_mib,
        "rbd_thin_provisioning": rbd.thin_provisioning,
        "rados_connect_timeout": rbd.connect_timeout_seconds,  # unset a lost cluster holds every start for ten minutes
    }


def _ceph_files(service: Service, store: Store, rbd: Rbd) -> dict[str, str]:
    """Glance has no option for the keyring: Ceph's own configuration names it."""
    monitors: ini.Options = {"mon_host": ",".join(rbd.monitors or ()), "auth_client_required": "cephx"}
    given = store.secret.get("ceph.conf") or ini.text({"global": monitors}, str)
    keyring = f"{store.id}.keyring"
    ours = f"[client.{rbd.user}]\nkeyring = {service.places.etc}/{keyring}\n"
    return {f"{store.id}.ceph.conf": f"{given.rstrip()}\n\n{ours}", keyring: store.secret["keyring"]}


def _swift(service: Service, store: Store, swift: Swift) -> ini.Options:
    return {
        "swift_store_config_file": f"{service.places.etc}/{SWIFT_FILE}",
        "default_swift_reference": store.id,  # unset, or used by two stores, data goes to the wrong account
        "swift_store_container": swift.container or "glance",
        "swift_store_create_container_on_put": swift.create_container or False,
        "swift_store_multi_tenant": swift.multi_tenant or False,
        "swift_store_region": swift.region,
        "swift_store_endpoint_type": f"{swift.interface or 'public'}URL",
        "swift_store_large_object_size": swift.large_object_size_mb,
        "swift_store_large_object_chunk_size": swift.large_object_chunk_size_mb,
    }


def _account(service: Service, store: Store, swift: Swift) -> ini.Options:
    keystone = service.spec.auth.keystone
    address = swift.auth_url or (keystone.auth_url if keystone else None)
    return {"auth_address": address, **_who(store.secret or service.keystone)}


def _quoted(value: str) -> str:
    """As the driver's parser wants it: it takes quotes off, and `%` begins something."""
    return f'"{value.replace("%", "%%")}"'


def _who(secret: Secrets) -> ini.Options:
    """The driver's own words for the same credentials: user is project and user in one."""
    told = credentials_of(secret)
    if "application_credential_id" in told:
        names = ("application_credential_id", "application_credential_secret")
        return {name: told[name] for name in names}
    domains = {name: value for name, value in told.items() if "_domain_" in name}
    return {"user": f"{told['project_name']}:{told['username']}", "key": told["password"], **domains}


def _s3(service: Service, store: Store, s3: S3) -> ini.Options:
    return {
        "s3_store_host": s3.endpoint,
        "s3_store_region_name": s3.region,
        "s3_store_access_key": store.secret["access_key"],
        "s3_store_secret_key": store.secret["secret_key"],
        "s3_store_bucket": s3.bucket,
        "s3_store_create_bucket_on_put": s3.create_bucket or False,
        "s3_store_bucket_url_format": s3.bucket_url_format or "auto",
        "s3_store_cacert": f"{service.places.etc}/{store.id}.ca.crt" if s3.ca_bundle_ref else None,
        "s3_store_large_object_size": s3.large_object_size_mb,
        "s3_store_large_object_chunk_size": s3.large_object_chunk_size_mb,
    }
