"""Who carries the bytes: Glance fetches what it can fetch and prove by itself, a Job of ours brings the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glance_operator.api.image import ImageSpec

if TYPE_CHECKING:
    from glance_operator.core.image.observed import Service

WEB_DOWNLOAD, GLANCE_DIRECT, GLANCE_DOWNLOAD = "web-download", "glance-direct", "glance-download"


def needed(spec: ImageSpec, service: Service) -> str:
    """The method that the service has to offer for this content, in Glance's words."""
    if needs_transfer(spec, service):
        return GLANCE_DIRECT
    return GLANCE_DOWNLOAD if spec.source and spec.source.glance else WEB_DOWNLOAD


def needs_transfer(spec: ImageSpec, service: Service) -> bool:
    """Whether a Job has to bring the bytes, as the spec asks for it or the service offers nothing else."""
    if demands_transfer(spec):
        return True
    http = spec.source.http if spec.source else None
    fallback = GLANCE_DIRECT in service.methods and WEB_DOWNLOAD not in service.methods
    return http is not None and http.method == "Auto" and fallback


def demands_transfer(spec: ImageSpec) -> bool:
    """The same as far as the spec alone tells."""
    source = spec.source
    if source is None or source.http is None:
        return source is not None and source.pvc is not None
    http = source.http
    if http.method != "Auto":
        return http.method == GLANCE_DIRECT
    seen = http.auth_secret_ref or http.ca_bundle_ref or source.decompress != "None"
    return bool(seen) or only_seen_bytes_prove(spec)


def only_seen_bytes_prove(spec: ImageSpec) -> bool:
    """A checksum that Glance, which computes sha512 and md5, keeps nothing to compare with."""
    checksum = spec.source.checksum if spec.source else None
    return checksum is not None and bool(checksum.sha1 or checksum.sha256 or checksum.manifest)
