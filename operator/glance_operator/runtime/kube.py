"""Why: the one door to the API server.

The official client brings configuration, authentication and TLS; its generated classes (tens of MiB) stay out. Every
mutating call except those on Leases and Events passes the `fence` first: a replica that lost its Lease cannot write.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import kubernetes.config
import urllib3
from kubernetes.client.configuration import Configuration
from kubernetes.client.rest import RESTClientObject

from glance_operator import __version__
from glance_operator.runtime import rest
from glance_operator.runtime.rest import ApiError, Changed, Connection, Listing, Request, Resource, Unreachable
from glance_operator.runtime.store import Body, Key, Version

__all__ = ["ApiError", "Changed", "Connection", "Kube", "Listing", "Resource", "Transport", "Unreachable"]

USER_AGENT = f"glance-operator/{__version__}"
_CONNECT_TIMEOUT = 5.0
_LEASE_TIMEOUT = 4.0  # an answer that comes later is of no use: the next renewal is due
_CONNECTIONS = 32
_PAGE = 500
_ATTEMPTS = 5
_PERHAPS_GONE = (404, 409, 422)  # also a conflict, or a failed `test` of a JSON patch

Observe = Callable[[str, str, str, float], None]


class Transport:
    """Requests to the API server that KUBECONFIG, or else the pod's service account, names. Thread-safe.

    fence: called before each fenced request, raises if this process may not write.
    observe(method, code, host, seconds): called after each request; code is "<error>" without an answer.
    """

    def __init__(self, observe: Observe = lambda *_: None) -> None:
        self._observe = observe
        self._lock = threading.Lock()
        self.fence: Callable[[], None] = lambda: None
        self._load()

    def call(self, request: Request) -> Body:
        """The answer's body. Raises ApiError or Unreachable."""
        response = self._answer(request)
        return rest.decoded(response.status, response.data)

    def text(self, request: Request) -> str:
        """The same of what is no object, such as a log."""
        return self._answer(request).data.decode(errors="replace")

    def _answer(self, request: Request) -> urllib3.BaseHTTPResponse:
        response = self._send(request)
        if response.status == 401:  # a projected token was renewed, a kubeconfig was rewritten
            self._load()
            response = self._send(request)
        if response.status >= 400:
            raise rest.api_error(response.status, response.data, response.headers.get("Retry-After"))
        return response

    def find(self, request: Request) -> Body | None:
        """The same of one object; None if there is none."""
        try:
            return self.call(request)
        except ApiError as error:
            if error.no_such_object:
                return None
            raise

    def connection(self, reload: bool = False) -> Connection:
        """How another client (kopf) reaches the same API server; reload: read the credentials again."""
        if reload:
            self._load()
        config = self._config
        files = (config.ssl_ca_cert or None, config.cert_file or None, config.key_file or None)
        return Connection(config.host.rstrip("/"), *files, self._authorization(), not config.verify_ssl)

    def _load(self) -> None:
        config = Configuration()
        try:
            if "KUBECONFIG" not in os.environ and "KUBERNETES_SERVICE_HOST" in os.environ:
                kubernetes.config.load_incluster_config(client_configuration=config)
            else:
                kubernetes.config.load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=config)
        except kubernetes.config.ConfigException as error:
            raise Unreachable(
                f"neither KUBECONFIG nor a service account tells where the API server is: {error}"
            ) from error
        config.connection_pool_maxsize = _CONNECTIONS
        pool = RESTClientObject(config).pool_manager
        pool.connection_pool_kw["block"] = True  # at most so many connections, not just so many kept
        self._config, self._pool = config, pool

    def _authorization(self) -> str | None:
        with self._lock:  # the configuration's refresh hook is not made for threads
            token = self._config.auth_settings().get("BearerToken")
        return str(token["value"]) if token else None

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Accept": request.accept, "User-Agent": USER_AGENT}
        if request.payload is not None:
            headers["Content-Type"] = request.content_type
        if authorization := self._authorization():
            headers["Authorization"] = authorization
        return headers

    def _send(self, request: Request) -> urllib3.BaseHTTPResponse:
        url, headers = self._config.host.rstrip("/") + request.path, self._headers(request)
        data = None if request.payload is None else json.dumps(request.payload).encode()
        timeout = urllib3.Timeout(connect=min(_CONNECT_TIMEOUT, request.timeout), read=request.timeout)
        began, code = time.monotonic(), "<error>"
        if request.fenced:
            self.fence()  # as late as can be: nothing happens between this look and the bytes on the wire
        try:
            response: urllib3.BaseHTTPResponse = self._pool.request(
                request.method, url, body=data, headers=headers, timeout=timeout, retries=False
            )
            code = str(response.status)
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"the Kubernetes API server does not answer: {error}") from error
        finally:
            self._observe(request.method, code, urlsplit(url).netloc, time.monotonic() - began)
        return response


class Kube:
    """The few things this operator asks of Kubernetes. Thread-safe; each call may raise ApiError or Unreachable.

    ours: where our own kinds live, by kind. cluster: by which this cluster is known; empty = it tells itself.
    """

    def __init__(self, transport: Transport, ours: Mapping[str, Resource], cluster: str = "") -> None:
        self.transport = transport
        self._resources = {
            "Event": Resource("events.k8s.io", "v1", "events"),
            "Lease": Resource("coordination.k8s.io", "v1", "leases"),
            "Namespace": Resource("", "v1", "namespaces"),
            "Secret": Resource("", "v1", "secrets"),
            **ours,
        }
        self._cluster_id = cluster

    def get(self, kind: str, namespace: str | None, name: str) -> Body | None:
        """The object without managedFields, None if there is none."""
        return self.transport.find(Request("GET", self._resources[kind].path(namespace, name)))

    def get_secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        """The Secret's data, decoded."""
        body = self.get("Secret", namespace, name)
        return None if body is None else {key: base64.b64decode(text) for key, text in (body.get("data") or {}).items()}

    def list_metadata(self, kind: str, namespace: str | None = None) -> Listing:
        """All objects as of one moment, read in pages and without their bodies."""
        return self._listing(kind, namespace, rest.METADATA_ONLY, lambda _: None)

    def list_bodies(self, kind: str, namespace: str | None, receive: Callable[[Body], None]) -> Listing:
        """The same; each body is given to ``receive`` as it comes, some of them twice if a page expires meanwhile."""
        return self._listing(kind, namespace, rest.JSON, receive)

    def _listing(self, kind: str, namespace: str | None, accept: str, receive: Callable[[Body], None]) -> Listing:
        for _ in range(_ATTEMPTS):
            try:
                return self._pages(kind, namespace, accept, receive)
            except ApiError as error:
                if error.status != 410:  # the continue token expired: the pages so far belong to another moment
                    raise
        raise ApiError(410, "Expired", f"the list of {kind} expires faster than its pages can be read")

    def cluster_id(self) -> str:
        """uid of the namespace kube-system, read once, unless something else was given: what tells this cluster from
        others."""
        if not self._cluster_id:
            body = self.transport.call(Request("GET", self._resources["Namespace"].path(None, "kube-system")))
            self._cluster_id = str(body["metadata"]["uid"])
        return self._cluster_id

    def patch_status(self, body: Body, status: dict[str, Any]) -> Body | None:
        """Replace the whole status of exactly this state of this object; the new body, None if it is no more.

        Raises Changed: so the late write of a leader that was stopped undoes nothing that its successor wrote.
        """
        read = {"op": "replace", "path": "/metadata/resourceVersion", "value": body["metadata"]["resourceVersion"]}
        return self._patch(body, [read, {"op": "add", "path": "/status", "value": status}], "status")

    def add_finalizer(self, body: Body, finalizer: str) -> Body | None:
        """The object with the finalizer; None if it is no more."""
        return self._edit_finalizers(body, lambda names: names if finalizer in names else [*names, finalizer])

    def remove_finalizer(self, body: Body, finalizer: str) -> Body | None:
        """The object's (perhaps last) state without the finalizer; None if it was no more."""
        return self._edit_finalizers(body, lambda names: [name for name in names if name != finalizer])

    def create_event(self, namespace: str, event: Body) -> None:
        """Post an events.k8s.io/v1 Event."""
        self.transport.call(Request("POST", self._resources["Event"].path(namespace), event))

    def get_lease(self, namespace: str, name: str) -> Body | None:
        """The Lease, None if there is none."""
        return self.transport.find(
            Request("GET", self._resources["Lease"].path(namespace, name), timeout=_LEASE_TIMEOUT)
        )

    def create_lease(self, namespace: str, lease: Body) -> Body:
        """ApiError 409 if somebody else was first."""
        path = self._resources["Lease"].path(namespace)
        return self.transport.call(Request("POST", path, lease, timeout=_LEASE_TIMEOUT))

    def update_lease(self, lease: Body) -> Body:
        """Replace the Lease read before; ApiError 409 if it has changed since (its resourceVersion is checked)."""
        meta = lease["metadata"]
        path = self._resources["Lease"].path(meta["namespace"], meta["name"])
        return self.transport.call(Request("PUT", path, lease, timeout=_LEASE_TIMEOUT))

    def _patch(self, body: Body, operations: list[Body], subresource: str | None = None) -> Body | None:
        meta = body["metadata"]
        path = self._resources[body["kind"]].path(meta["namespace"], meta["name"], subresource)
        same = {"op": "test", "path": "/metadata/uid", "value": meta["uid"]}
        try:
            return self.transport.call(Request("PATCH", path, [same, *operations], rest.JSON_PATCH, fenced=True))
        except ApiError as error:
            if error.status not in _PERHAPS_GONE:
                raise
            fresh = self._fresh(body)  # gone is for ever: it is asked twice
            if fresh and fresh["metadata"]["resourceVersion"] == meta["resourceVersion"]:
                raise
            if fresh:
                raise Changed(error, fresh) from error
            return None

    def _fresh(self, body: Body) -> Body | None:
        """The same object as it is now; None if it is gone, or another one carries its name."""
        meta = body["metadata"]
        fresh = self.get(body["kind"], meta["namespace"], meta["name"])
        return fresh if fresh and fresh["metadata"]["uid"] == meta["uid"] else None

    def _edit_finalizers(self, body: Body, edit: Callable[[list[str]], list[str]]) -> Body | None:
        current: Body | None = body
        for attempt in range(_ATTEMPTS):
            if current is None:
                return None
            names = current["metadata"].get("finalizers") or []
            if edit(names) == names:
                return current
            try:
                return self._patch(current, _finalizers(current, edit(names)))
            except Changed as change:
                if attempt == _ATTEMPTS - 1:
                    raise
                current = change.body
        return current

    def served(self, group: str, version: str) -> set[str]:
        """The plurals the API server serves of a group; empty before its CRDs are there."""
        try:
            found = self.transport.call(Request("GET", f"/apis/{group}/{version}"))
        except ApiError as error:
            if error.status == 404:  # a group that is not known has no Status either
                return set()
            raise
        return {resource["name"] for resource in found["resources"]}

    def _pages(self, kind: str, namespace: str | None, accept: str, receive: Callable[[Body], None]) -> Listing:
        versions: dict[Key, Version] = {}
        token = ""
        while True:
            query = urlencode({"limit": _PAGE, **({"continue": token} if token else {})})
            path = f"{self._resources[kind].path(namespace)}?{query}"
            page = self.transport.call(Request("GET", path, accept=accept))
            for item in page["items"] or ():
                meta = item["metadata"]
                key = Key(kind, meta.get("namespace", ""), meta["name"])
                versions[key] = Version(meta["uid"], int(meta["resourceVersion"]))
                receive(item)
            token = page["metadata"].get("continue") or ""
            if not token:
                return Listing(int(page["metadata"]["resourceVersion"]), versions)


def _finalizers(body: Body, names: list[str]) -> list[Body]:
    """Others edit this list too: the patch holds only for the state that was read."""
    version = body["metadata"]["resourceVersion"]
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        {"op": "add", "path": "/metadata/finalizers", "value": names},
    ]
