"""Requests from this machine to one pod of a service, past the Service in front of them."""

from __future__ import annotations

from typing import Any

import requests
from tests.e2e.lab import Service

from sandbox_kit.loopback import session

# Who asks, where a service has no Keystone; anybody may say so.
TRUSTED = {
    "X-Identity-Status": "Confirmed",
    "X-User-Id": "visitor",
    "X-Project-Id": "visitors",
    "X-Roles": "admin,member,reader",
}
NEW = {"name": "by hand", "disk_format": "raw", "container_format": "bare"}
BYTES = {"Content-Type": "application/octet-stream"}


class Pod:
    """One API pod; `who` are the headers that say who asks."""

    def __init__(self, service: Service, name: str, who: dict[str, str]) -> None:
        self._url = f"http://{service.get(f'pod/{name}')['status']['podIP']}:9292/v2"
        self._who = who

    def ask(self, verb: str, path: str, headers: dict[str, str] | None = None, **body: Any) -> requests.Response:
        """A success; AssertionError with the pod's words if it is none."""
        with session() as direct:
            asked = {**self._who, **(headers or {})}
            answer = direct.request(verb, f"{self._url}{path}", headers=asked, timeout=120, **body)
        assert answer.ok, f"{answer.status_code} {answer.text}"
        return answer

    def image(self, image_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/images/{image_id}").json()
        return found

    def new(self) -> str:
        """The id of an image without data."""
        return str(self.ask("POST", "/images", json=NEW).json()["id"])

    def stage(self, data: bytes) -> str:
        """The id of an image whose data waits for its import."""
        made = self.new()
        self.ask("PUT", f"/images/{made}/stage", BYTES, data=data)
        return made

    def import_staged(self, image_id: str) -> None:
        self.ask("POST", f"/images/{image_id}/import", json={"method": {"name": "glance-direct"}})
