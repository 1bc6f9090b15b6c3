"""What an administrator does in Keystone for these tests: users with few roles, and endpoints in other regions."""

from __future__ import annotations

from typing import Any

import requests

from sandbox_kit.keystone import Keystone

PASSWORD = "planted-Passw0rd"


class Administrator:
    """Short words for Keystone's API."""

    def __init__(self, keystone: Keystone) -> None:
        self._url, self._token = keystone.url, keystone.token()

    def make_member(self, name: str) -> None:
        """A user of the project `images` who is a member there and nothing else; its password is PASSWORD."""
        user = self._made("user", name=name, password=PASSWORD, domain_id="default")
        project, role = self._id("projects", "images"), self._id("roles", "member")
        self._call("PUT", f"projects/{project}/users/{user}/roles/{role}")

    def offer_images(self, region: str, **urls: str) -> None:
        """Endpoints of the image service in one more region, by interface."""
        self._made("region", id=region)
        service = self._call("GET", "services?type=image")["services"][0]["id"]
        for interface, url in urls.items():
            self._made("endpoint", service_id=service, interface=interface, region_id=region, url=url)

    def _id(self, kind: str, name: str) -> str:
        return str(self._call("GET", f"{kind}?name={name}")[kind][0]["id"])

    def _made(self, kind: str, **fields: str) -> str:
        return str(self._call("POST", f"{kind}s", {kind: fields})[kind]["id"])

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"X-Auth-Token": self._token}
        with requests.Session() as direct:
            direct.trust_env = False
            answer = direct.request(method, f"{self._url}/{path}", json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None
