"""The image service's API, one line a verb. The only module that knows OpenStack's client library.

openstacksdk reads the cloud's settings and keystoneauth holds the token; the verbs themselves go raw, because the
SDK's own add properties to images, hide answers, or cannot remove a property (measured with openstacksdk 4.22).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlencode

import openstack.exceptions
from keystoneauth1 import exceptions as ksa
from keystoneauth1.session import Session
from openstack.config.loader import OpenStackConfig

from glance_operator import __version__
from glance_operator.core.image.observed import GlanceImage, Service, Task
from glance_operator.core.plan import Phase, State
from glance_operator.runtime.errors import Refused, Unavailable
from glance_operator.runtime.gate import Gate

_PATCH = "application/openstack-images-v2.1-json-patch"
_TIMEOUT = 30.0  # seconds; no request of ours carries data
_PAGE = 1000  # the most Glance gives at once
_OVERLOADED = frozenset({429, 502, 503, 504})
_TAGS = re.compile(r"<[^>]+>")
_REQUEST_ID = re.compile(r" \(Request-ID: [^)]*\)")


T = TypeVar("T")


def _nothing(*_: object) -> None: ...


def unavailable(reason: str, message: str, retry_after: float | None = None) -> Unavailable:
    return Unavailable(State(Phase.WORKING, reason, message), retry_after=retry_after)


class Endpoint:
    """Where an image service is, and the session that may ask it. The catalog is asked at the first request."""

    def __init__(self, settings: Mapping[str, Any], ca_path: str | None) -> None:
        """``settings``: one entry of a clouds.yaml. Raises ValueError if no client can be made of it."""
        for name in ("auth", "trusted_headers"):
            if not isinstance(settings.get(name) or {}, Mapping):
                raise ValueError(f"{name} is not a mapping")  # noqa: TRY004  (a value somebody wrote)
        entry = {k: v for k, v in settings.items() if k != "trusted_headers"}
        self.headers = {str(k): str(v) for k, v in (settings.get("trusted_headers") or {}).items()}
        if ca_path:
            entry["cacert"] = ca_path
        try:
            loader = OpenStackConfig(load_yaml_config=False, load_envvars=False, app_name="glance-operator")
            self._region = loader.get_one(**entry)
            self._session: Session = self._region.get_session()
        except (ksa.ClientException, openstack.exceptions.SDKException, TypeError, ValueError, KeyError) as error:
            raise ValueError(str(error)) from error
        self._session.additional_headers.update(self.headers)
        self._session.user_agent = f"glance-operator/{__version__}"
        self._base: str | None = None

    def base(self) -> str:
        """URL of the v2 API. A catalog names the service's root or, in older clouds, the versioned address."""
        if self._base is None:
            url = self._region.get_endpoint("image") or self._session.get_endpoint(
                service_type="image",
                interface=self._region.get_interface("image"),
                region_name=self._region.get_region_name("image"),
            )
            if not url:
                raise ksa.EndpointNotFound("the service catalog has no endpoint of type image")
            root = str(url).rstrip("/")
            self._base = root if root.endswith("/v2") else f"{root}/v2"
        return self._base

    def send(self, method: str, path: str, **options: Any) -> Any:
        """A ``requests.Response``, whatever its status. Raises keystoneauth's exceptions."""
        return self._session.request(
            self.base() + path, method, raise_exc=False, timeout=_TIMEOUT, connect_retries=0, log=False, **options
        )


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
            stores = self._read("GET", "/info/stores", _stores)
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
            images, path = self._read("GET", path, _page)
            found += images
        return found

    def tasks(self, image_id: str) -> list[Task]:
        """Tasks of an image, oldest first; none once the image is gone."""
        try:
            return self._read("GET", f"/images/{image_id}/tasks", _tasks)
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
        return self._read("GET", f"/images/{image_id}/members", _members)

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
        if method != "GET":
            self._fence()
        code = "<error>"
        try:
            response = self._endpoint.send(
                method, path, headers={"Accept": "application/json", **(headers or {})}, **options
            )
            code = str(response.status_code)
        except (ksa.ClientException, openstack.exceptions.SDKException) as error:
            raise self._translated(error) from error
        finally:
            self._observe(method, code)
        if response.status_code >= 400:
            self._raise_for(method, response)
        return response

    def _raise_for(self, method: str, response: Any) -> NoReturn:
        status, said = response.status_code, _message(response)
        if status in _OVERLOADED or (status >= 500 and method == "GET"):
            wait = response.headers.get("Retry-After", "")
            text = f"the image service answers HTTP {status}"
            raise unavailable("GlanceUnavailable", text, float(wait) if wait.isdigit() else None)
        if status == 401:
            text = "the image service refuses the credentials (HTTP 401): check them in the Secret"
            raise unavailable("CredentialsRefused", text)
        raise Refused(status, said)

    def _translated(self, error: Exception) -> Unavailable:
        """keystoneauth's exceptions; their texts name URLs and status codes, never secrets."""
        if isinstance(error, ksa.Unauthorized | ksa.Forbidden):
            text = f"Keystone refuses the credentials ({_first_line(error)}): check them in the Secret"
            return unavailable("CredentialsRefused", text)
        if isinstance(error, ksa.CatalogException | ksa.EndpointNotFound):
            text = f"the service catalog offers no image service ({_first_line(error)})"
            return unavailable("EndpointNotFound", text)
        if isinstance(error, ksa.AuthPluginException):
            text = f"the credentials are incomplete ({_first_line(error)})"
            return unavailable("CredentialsInvalid", text)
        text = f"the cloud does not answer ({_cause(error)})"
        return unavailable("GlanceUnavailable", text)


def _stores(said: Any) -> tuple[tuple[str, ...], str]:
    """Ids of the stores that take data, and of the default one."""
    stores = said["stores"]
    default = next((s["id"] for s in stores if str(s.get("default")).lower() == "true"), "")
    return tuple(s["id"] for s in stores if not s.get("read-only")), default


def _page(said: Any) -> tuple[list[GlanceImage], str | None]:
    """The images, and the path of the next page."""
    path = said["next"].removeprefix("/v2") if said.get("next") else None
    return [GlanceImage.parse(raw) for raw in said["images"]], path


def _tasks(said: Any) -> list[Task]:
    """Glance gives them in no order of time."""
    tasks = [Task(t["id"], t["status"], t.get("created_at") or "", t.get("message") or "") for t in said["tasks"]]
    return sorted(tasks, key=lambda t: t.created_at)


def _members(said: Any) -> frozenset[str]:
    return frozenset(m["member_id"] for m in said["members"])


def _first_line(error: Exception) -> str:
    """Without the request's id: the same refusal has the same words each time."""
    text = _REQUEST_ID.sub("", str(error)).strip()
    return text.split("\n")[0][:300] or type(error).__name__


def _cause(error: Exception) -> str:
    """The same words for the same outage: object addresses and attempts in the library's texts would change."""
    kind = type(error).__name__
    address = re.search(r"https?://[^\s:/]+(:\d+)?", str(error))
    return f"{kind} at {address[0]}" if address else kind


def _message(response: Any) -> str:
    """Glance's own sentence, without the markup it comes in."""
    try:
        text = str(response.json().get("message") or "")
    except (ValueError, AttributeError):
        text = response.text
    return " ".join(_TAGS.sub(" ", text).split())[:500]
