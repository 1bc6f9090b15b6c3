"""The image service's API, one line a verb.

The verbs go raw through the endpoint's session, because openstacksdk's own add properties to images, hide answers, or
cannot remove a property (measured with openstacksdk 4.22).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from glance_operator.core.image.caches import CacheList
from glance_operator.core.image.observed import GlanceImage, Service, Task
from glance_operator.core.manifests.transfer import Access
from glance_operator.runtime import answers
from glance_operator.runtime.crowd import Crowd
from glance_operator.runtime.endpoint import Endpoint
from glance_operator.runtime.errors import Refused, Unavailable, unavailable
from glance_operator.runtime.gate import Gate

_JSON = {"Accept": "application/json"}
_PATCH = "application/openstack-images-v2.1-json-patch"
_PAGE = 1000  # the most Glance gives at once
_PROVEN_FOR = 10.0  # seconds for which an address that has answered as the image API is taken for it
_EVERYWHERE = frozenset({"/images", "/info/import"})  # no image API answers 404 here

T = TypeVar("T")
U = TypeVar("U")


class Glance:
    """An image service as one set of credentials sees it. Thread-safe.

    gate: asked before each request and told its outcome: what makes one request fail spares the others.
    Every call may raise Unavailable (the cloud), Refused (the request) or Crowded (too many wait for an answer).
    fence: called before each mutating request; raises if this process may not write.
    observe(method, code): called after each request; code is ``<error>`` without an answer.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        gate: Gate,
        fence: Callable[[], None] = lambda: None,
        observe: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        self._endpoint, self._gate, self._fence, self._observe = endpoint, gate, fence, observe
        self._proven = float("-inf")  # when the address last answered as the image API does

    def at(self, url: str) -> Glance:
        """The same service at one of its pods. Its gate is its own: that a pod is gone says nothing of the service."""
        return Glance(self._endpoint.at(url), Gate(crowd=self.crowd), self._fence, self._observe)

    def access(self) -> Access:
        """How a Job may ask it in our name for a while."""
        return self._observed("GET", self._endpoint.access)

    def resting(self) -> bool:
        """Whether it has failed of late, and is left alone for a while."""
        return self._gate.wait() > 0

    @property
    def crowd(self) -> Crowd:
        """Those who wait for an answer of the cloud."""
        return self._gate.crowd

    def service(self) -> Service:
        """Stores and import methods. A service that is not configured for several stores answers 404 for them."""
        methods = self._read("GET", "/info/import", lambda said: frozenset(said["import-methods"]["value"]))
        stores = _unless_absent(((), ""), lambda: self._read("GET", "/info/stores", answers.stores))
        return Service(*stores, methods)

    def image(self, image_id: str) -> GlanceImage | None:
        return _unless_absent(None, lambda: self._read("GET", f"/images/{image_id}", GlanceImage.parse))

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

    def some(self, limit: int, **properties: str) -> list[GlanceImage]:
        """So many of the images with these properties, at most; none that are hidden."""
        query = urlencode({"limit": str(limit), "visibility": "all", **properties})
        return self._read("GET", f"/images?{query}", answers.page)[0]

    def tasks(self, image_id: str) -> list[Task]:
        """Tasks of an image, oldest first; none once the image is gone."""
        return _unless_absent([], lambda: self._read("GET", f"/images/{image_id}/tasks", answers.tasks))

    def create(self, attributes: Mapping[str, Any]) -> GlanceImage:
        return self._read("POST", "/images", GlanceImage.parse, json=dict(attributes))

    def start_import(self, image_id: str, body: Mapping[str, Any]) -> None:
        self.call("POST", f"/images/{image_id}/import", json=dict(body))

    def patch(self, image_id: str, operations: list[dict[str, Any]]) -> GlanceImage:
        headers = {"Content-Type": _PATCH}
        return self._read("PATCH", f"/images/{image_id}", GlanceImage.parse, json=operations, headers=headers)

    def delete(self, image_id: str) -> None:
        """An image that is gone already is fine."""
        _unless_absent(None, lambda: self.call("DELETE", f"/images/{image_id}"))

    def delete_from_store(self, store: str, image_id: str) -> None:
        """One that does not hold the image is fine."""
        _unless_absent(None, lambda: self.call("DELETE", f"/stores/{store}/{image_id}"))

    def members(self, image_id: str) -> dict[str, str]:
        return self._read("GET", f"/images/{image_id}/members", answers.members)

    def add_member(self, image_id: str, project: str) -> None:
        self.call("POST", f"/images/{image_id}/members", json={"member": project})

    def remove_member(self, image_id: str, project: str) -> None:
        self.call("DELETE", f"/images/{image_id}/members/{project}")

    # The cache of whoever answers: ask one pod (`at`), each has its own.

    def cache(self) -> CacheList:
        return self._read("GET", "/cache", answers.cache)

    def cache_image(self, image_id: str) -> None:
        """Have it fetched soon. One that is there already is fetched again."""
        self.call("PUT", f"/cache/{image_id}")

    def uncache_image(self, image_id: str) -> None:
        """Neither there nor known is fine."""
        _unless_absent(None, lambda: self.call("DELETE", f"/cache/{image_id}"))

    def clear_cache(self) -> None:
        self.call("DELETE", "/cache")

    def tend_cache(self) -> int:
        """Prune and clean it; how many images had to go. Without a body: to an empty one Glance 33 answers 500."""
        pruned = self._read("POST", "/cache/prune", lambda said: int(said["total_files_pruned"]))
        self.call("POST", "/cache/clean")
        return pruned

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
        with self.crowd.inside():
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
        options["headers"] = {**_JSON, **(headers or {})}
        response = self._sent(method, path, options)
        if response.status_code == 401 and self._endpoint.renew():  # tokens end before their time
            response = self._sent(method, path, options)
        if response.status_code == 404:
            self._doubt(path, response)
        if response.status_code >= 400:
            raise answers.failure(method, response)
        self._proven = time.monotonic()
        return response

    def _doubt(self, path: str, response: Any) -> None:
        """The 404 may be of a front end that knows no image service here (any more), and no word about an image."""
        if path.partition("?")[0] not in _EVERYWHERE:
            if time.monotonic() - self._proven < _PROVEN_FOR:
                return
            response = self._sent("GET", "/info/import", {"headers": _JSON})
        if response.status_code == 404:
            self._endpoint.forget()
            raise answers.no_image_api(response)
        if response.status_code >= 400:
            raise answers.failure("GET", response)
        self._proven = time.monotonic()

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


def _unless_absent(instead: U, ask: Callable[[], T]) -> T | U:
    try:
        return ask()
    except Refused as error:
        if error.status != 404:
            raise
        return instead
