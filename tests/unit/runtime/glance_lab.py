"""A client of the tiny image service, and what it tells the rest of the operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.runtime.image_service import ImageService

from glance_operator.runtime.endpoint import Endpoint
from glance_operator.runtime.gate import Gate
from glance_operator.runtime.glance import Glance

HEADERS = {"X-Identity-Status": "Confirmed", "X-Roles": "admin", "X-Project-Id": "p1"}
IMAGE = {"id": "i1", "name": "n", "status": "queued"}


class Lab:
    """A service, a client of it, and what the client told the rest of the operator."""

    def __init__(self, service: ImageService) -> None:
        self.service = service
        self.codes: list[tuple[str, str]] = []
        self.fenced = 0
        self.may_write = True
        self.on_fence: Callable[[], None] = lambda: None
        self.gate = Gate()
        self.glance = self.client({"auth_type": "none", "image_endpoint_override": service.url})

    def client(self, entry: dict[str, Any], headers: dict[str, str] | None = None) -> Glance:
        endpoint = Endpoint(entry | {"trusted_headers": HEADERS if headers is None else headers}, None)
        return Glance(endpoint, self.gate, self.fence, lambda *told: self.codes.append(told))

    def fence(self) -> None:
        self.fenced += 1
        self.on_fence()
        if not self.may_write:
            raise PermissionError("not the leader")
