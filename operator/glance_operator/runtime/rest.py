"""Why: what the API server speaks (paths, requests, errors), said once and without any client library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

from glance_operator.runtime.store import Body, Key, Version

JSON, JSON_PATCH = "application/json", "application/json-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Unreachable(Exception):  # noqa: N818  (a state of the world, and callers read it as one)
    """No usable answer from the API server: refused, reset, timed out or not JSON."""


class ApiError(Exception):
    """The API server answered with an error: status (HTTP code), reason, message; retry_after in seconds or None."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status, self.reason, self.message, self.retry_after = status, reason, message, retry_after

    @property
    def no_such_object(self) -> bool:
        """Said by the API server itself: the 404 of a proxy on the way tells nothing about an object."""
        return self.status == 404 and self.reason == "NotFound"


class Changed(ApiError):  # noqa: N818  (a state of the world, and callers read it as one)
    """The object is not what it was when it was read; ``body`` is what it is now."""

    def __init__(self, error: ApiError, body: Body) -> None:
        super().__init__(error.status, error.reason, error.message)
        self.body = body


class Connection(NamedTuple):
    """How to reach the API server; paths are of PEM files, authorization is a whole header value."""

    server: str
    ca_path: str | None
    certificate_path: str | None
    key_path: str | None
    authorization: str | None
    insecure: bool


class Request(NamedTuple):
    """One request. fenced: it changes something that only the leader may change. timeout: seconds for the answer."""

    method: str
    path: str
    payload: Any = None
    content_type: str = JSON
    accept: str = JSON
    fenced: bool = False
    timeout: float = 15.0  # a silent request and the pause after it (workers.py) must fit into half a minute


class Listing(NamedTuple):
    """All objects of a kind as of resource_version: what is not in it and not newer does not exist."""

    resource_version: int
    versions: dict[Key, Version]


@dataclass(frozen=True)
class Resource:
    """Where a kind lives in the API: group ("" = core), version, plural."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """URL path of the collection, or of one object, or of its subresource."""
        root = ["apis", self.group] if self.group else ["api"]
        parts = [*root, self.version, *(["namespaces", namespace] if namespace else []), self.plural, name, subresource]
        return "/" + "/".join(quote(part, safe="") for part in parts if part)


def decoded(status: int, data: bytes) -> Body:
    """The object in a good answer, without managedFields. Raises Unreachable if it is no JSON object."""
    try:
        body = dict(json.loads(data))
    except (ValueError, TypeError) as error:
        raise Unreachable(f"the Kubernetes API server's answer is not a JSON object (HTTP {status})") from error
    body.get("metadata", {}).pop("managedFields", None)
    return body


def api_error(status: int, data: bytes, retry_after: str | None) -> ApiError:
    """The error in a bad answer; proxies in between may answer with anything but a Status object."""
    try:
        told = dict(json.loads(data))
    except (ValueError, TypeError):
        told = {}
    message = told.get("message") or data.decode(errors="replace")[:300]
    wait = float(retry_after) if retry_after and retry_after.isdigit() else None
    return ApiError(status, told.get("reason") or "Unknown", message, wait)
