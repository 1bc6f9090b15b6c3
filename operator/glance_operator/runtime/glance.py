"""The image service's API, one line a verb. The only module that knows OpenStack's client library.

openstacksdk reads the cloud's settings and keystoneauth holds the token; the verbs themselves go raw, because the
SDK's own add properties to images, hide answers, or cannot remove a property (measured with openstacksdk 4.22).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

import openstack.exceptions
from keystoneauth1 import exceptions as ksa
from keystoneauth1.session import Session
from openstack.config.loader import OpenStackConfig

from glance_operator import __version__
from glance_operator.core.image.observed import GlanceImage, Service, Task
from glance_operator.runtime import answers
from glance_operator.runtime.errors import Refused, Unavailable, unavailable
from glance_operator.runtime.gate import Gate

_PATCH = "application/openstack-images-v2.1-json-patch"
_TIMEOUT = 30.0  # seconds; no request of ours carries data
_PAGE = 1000  # the most Glance gives at once


T = TypeVar("T")


def _nothing(*_: object) -> None: ...


class Endpoint:
    """Where an image service is, and the session that may ask it. The catalog is asked at the first request."""

    def __init__(self, settings: Mapping[str, Any], ca_path: str | None) -> None:
        """``settings``: one entry of a clouds.yaml, as ``credentials.parse`` gives it.

        Raises ValueError if no client can be made of it; its words quote nothing of the settings.
        """
        entry = {k: v for k, v in settings.items() if k != "trusted_headers"}
        self.headers = {str(k): str(v) for k, v in (settings.get("trusted_headers") or {}).items()}
        if ca_path:
            entry["cacert"] = ca_path
        try:
            loader = OpenStackConfig(load_yaml_config=False, load_envvars=False, app_name="glance-operator")
            self._region = loader.get_one(**entry)
            self._session: Session = self._region.get_session()
        except Exception as error:
            raise ValueError(_unusable(error)) from None  # the texts of the libraries quote what is in the Secret
        self._session.timeout = _TIMEOUT  # of the requests to Keystone, which it makes by itself
        self._session.additional_headers.update(self.headers)
        self._session.user_agent = f"glance-operator/{__version__}"
        self._base: str | None = None

    def prepare(self) -> None:
        """Fetch what a request needs, token and address, so that it leaves at once. Raises Unavailable."""
        with _surprises_translated():
            self._session.get_auth_headers()
            self._found()

    def send(self, method: str, path: str, **options: Any) -> Any:
        """A ``requests.Response``, whatever its status. Raises Unavailable if there is none."""
        with _surprises_translated():
            url = self._found() + path
            try:
                return self._session.request(
                    url,
                    method,
                    raise_exc=False,
                    timeout=_TIMEOUT,
                    connect_retries=0,
                    log=False,
                    allow_reauth=False,
                    **options,
                )
            except ksa.ConnectionError:
                self._base = None
                self._session.invalidate()  # the catalog came with the token, and the service may have moved
                raise

    def renew(self) -> bool:
        """Forget the token, which was refused; whether another can be had."""
        with _surprises_translated():
            return bool(self._session.invalidate())

    def _found(self) -> str:
        """URL of the v2 API. A catalog names the service's root or, in older clouds, the versioned address."""
        if (base := self._base) is None:
            url = self._region.get_endpoint("image") or self._session.get_endpoint(
                service_type="image",
                interface=self._region.get_interface("image"),
                region_name=self._region.get_region_name("image"),
            )
            if not url:
                raise ksa.EndpointNotFound
            root = str(url).rstrip("/")
            base = self._base = root if root.endswith("/v2") else f"{root}/v2"
        return base


class Glance:
    """An image service as one set of credentials sees it. Thread-safe.

    gate: asked before each request and told its outcome: what makes one request fail spares the others.

    Every call may raise Unavailable (the cloud) or Refused (the request).

    fence: called before each mutating request; raises if this process may not write.
    observe(method, code): called after each request; code is ``<error>`` without an answer.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        gate: Gate,
        fence: Callable[[], None] = _nothing,
        observe: Callable[[str, str], None] = _nothing,
    ) -> None:
        self.name, self._endpoint, self._gate, self._fence, self._observe = name, endpoint, gate, fence, observe

    def service(self) -> Service:
        """Stores and import methods. A service that is not configured for several stores answers 404 for them."""
        methods = self._read("GET", "/info/import", lambda said: frozenset(said["import-methods"]["value"]))
        try:
            stores = self._read("GET", "/info/stores", answers.stores)
        except Refused as error:
            if error.status != 404:
                raise
            stores = ((), "")
        return Service(*stores, methods)

    def image(self, image_id: str) -> GlanceImage | None:
        try:
            return self._read("GET", f"/images/{image_id}", GlanceImage.parse)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def images(self, hidden: bool, ids: Iterable[str] = (), **properties: str) -> list[GlanceImage]:
        """Images with one of these ids (any id if none is given) and these properties, page by page."""
        query = {"limit": str(_PAGE), "visibility": "all", "os_hidden": str(hidden).lower(), **properties}
        if ids:
            query["id"] = "in:" + ",".join(ids)
        path: str | None = "/images?" + urlencode(query)
        found: list[GlanceImage] = []
        while path:
            images, path = self._read("GET", path, answers.page)
            found += images
        return found

    def tasks(self, image_id: str) -> list[Task]:
        """Tasks of an image, oldest first; none once the image is gone."""
        try:
            return self._read("GET", f"/images/{image_id}/tasks", answers.tasks)
        except Refused as error:
            if error.status == 404:
                return []
            raise

    def create(self, attributes: Mapping[str, Any]) -> GlanceImage:
        return self._read("POST", "/images", GlanceImage.parse, json=dict(attributes))

    def start_import(self, image_id: str, body: Mapping[str, Any]) -> None:
        self.call("POST", f"/images/{image_id}/import", json=dict(body))

    def patch(self, image_id: str, operations: list[dict[str, Any]]) -> GlanceImage:
        headers = {"Content-Type": _PATCH}
        return self._read("PATCH", f"/images/{image_id}", GlanceImage.parse, json=operations, headers=headers)

    def delete(self, image_id: str) -> None:
        """An image that is gone already is fine."""
        try:
            self.call("DELETE", f"/images/{image_id}")
        except Refused as error:
            if error.status != 404:
                raise

    def members(self, image_id: str) -> frozenset[str]:
        return self._read("GET", f"/images/{image_id}/members", answers.members)

    def add_member(self, image_id: str, project: str) -> None:
        self.call("POST", f"/images/{image_id}/members", json={"member": project})

    def remove_member(self, image_id: str, project: str) -> None:
        self.call("DELETE", f"/images/{image_id}/members/{project}")

    def _read(self, method: str, path: str, read: Callable[[Any], T], **options: Any) -> T:
        """What ``read`` finds in the answer's JSON."""
        response = self.call(method, path, **options)
        try:
            return read(response.json())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            trouble = unavailable("GlanceUnavailable", "the answer is not the image API's JSON")
            self._gate.failed(trouble)
            raise trouble from error

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One request through the gate; the ``requests.Response`` of a success."""
        self._gate.enter()
        try:
            response = self._send(method, path, **options)
        except Unavailable as trouble:
            self._gate.failed(trouble)
            raise
        except Refused:
            self._gate.passed()  # it answered: only this request is refused
            raise
        self._gate.passed()
        return response

    def _send(self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        options["headers"] = {"Accept": "application/json", **(headers or {})}
        response = self._sent(method, path, options)
        if response.status_code == 401 and self._endpoint.renew():  # tokens end before their time
            response = self._sent(method, path, options)
        if response.status_code >= 400:
            raise answers.failure(method, response)
        return response

    def _sent(self, method: str, path: str, options: Mapping[str, Any]) -> Any:
        """The fence is asked last: a token may take long, and by then another process may write."""
        self._observed(method, self._endpoint.prepare)
        if method != "GET":
            self._fence()
        response = self._observed(method, lambda: self._endpoint.send(method, path, **options))
        self._observe(method, str(response.status_code))
        return response

    def _observed(self, method: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except Unavailable:
            self._observe(method, "<error>")
            raise


def _unusable(error: Exception) -> str:
    """Names of options are not secret, their values may be."""
    if isinstance(error, ksa.MissingRequiredOptions):
        return "under auth is missing: " + ", ".join(option.dest for option in error.options)
    if isinstance(error, ksa.NoMatchingPlugin):
        return "its auth_type is not one that keystoneauth knows (password, v3applicationcredential, ...)"
    return f"no client can be made of it ({type(error).__name__}): something is missing, or no text where one belongs"


@contextmanager
def _surprises_translated() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise _translated(error) from None  # its text may quote the Secret


def _translated(error: Exception) -> Unavailable:
    """Any surprise of a request. The libraries' texts may quote the Secret: of them only the address is told."""
    if isinstance(error, ksa.HttpError):
        return _keystone_says(error)
    if isinstance(error, ksa.CatalogException):
        text = "the service catalog offers no image service: check region_name and interface in the Secret"
        return unavailable("EndpointNotFound", text)
    if isinstance(error, ksa.MissingRequiredOptions | ksa.NoMatchingPlugin):
        return unavailable("CredentialsInvalid", f"the credentials are incomplete: {_unusable(error)}")
    if isinstance(error, ksa.AuthPluginException):
        return unavailable("CredentialsInvalid", f"the credentials are incomplete ({type(error).__name__})")
    if isinstance(error, ksa.ClientException | openstack.exceptions.SDKException):
        return unavailable("GlanceUnavailable", f"the cloud does not answer ({_cause(error)})")
    return unavailable("GlanceUnavailable", f"no request can be sent ({_cause(error)}): check the entry in the Secret")


def _keystone_says(error: Any) -> Unavailable:
    """An HTTP error of Keystone; Glance's own never come as exceptions."""
    status, place = error.http_status, _address(error.url)
    if status in {401, 403}:
        text = f"Keystone refuses the credentials (HTTP {status}): check them in the Secret"
        return unavailable("CredentialsRefused", text)
    text = f"Keystone answers HTTP {status}{place}"
    if status in answers.OVERLOADED or status >= 500:
        return unavailable("GlanceUnavailable", text, answers.retry_after(error.response))
    hint = "check auth_url and the entries under auth (numbers in quotes)"
    return unavailable("CredentialsRefused", f"{text}: {hint}")


def _cause(error: Exception) -> str:
    """The same words for the same outage: object addresses and attempts in the library's texts would change."""
    return type(error).__name__ + _address(error)


def _address(text: object) -> str:
    """`` at <scheme, host and port>`` of the first URL, without a user or a path; empty if there is none."""
    found = re.search(r"(https?://)([^\s/@'\"]*@)?(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d+)?(?=[\s/?#'\"),:]|$)", str(text))
    return f" at {found[1]}{found[3]}{found[4] or ''}" if found else ""
