"""The API server as the tests of this directory talk to it: plain HTTP, for hundreds of dry runs in seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import requests

from glance_operator.api import GROUP, KINDS, VERSION
from sandbox_kit.control_plane import ADMIN, ADMINS, ControlPlane

Body = dict[str, Any]
PLURALS = {kind.kind: kind.plural for kind in KINDS}
MERGE, SSA = "application/merge-patch+json", "application/apply-patch+yaml"


@dataclass(frozen=True)
class Refusal:
    """One cause of a refusal; ``field`` is empty for the object as a whole."""

    field: str
    text: str

    @property
    def place(self) -> str:
        """The field without indices and keys, as the schema knows it."""
        return re.sub(r"\[[^]]*\]", "", self.field)


@dataclass(frozen=True)
class Answer:
    """What the API server said: the object, or why not."""

    code: int
    body: Body

    @property
    def refusals(self) -> list[Refusal]:
        """Every cause it gave."""
        causes = self.body.get("details", {}).get("causes", []) if self.code >= 400 else []
        return [Refusal(c.get("field", "").replace("<nil>", ""), c["message"]) for c in causes]

    def taken(self) -> Body:
        """The object; fails with the server's words if it was refused."""
        assert self.code < 300, self.body.get("message")
        return self.body


class Server:
    """One namespace of a running API server, as its administrator."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self._root = f"{control_plane.url}/apis/{GROUP}/{VERSION}/namespaces/{namespace}"
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = str(control_plane.authority.pair.cert)
        pair = control_plane.authority.client(ADMIN, ADMINS)
        self._http.cert = (str(pair.cert), str(pair.key))

    def create(self, body: Body, *, dry: bool = True) -> Answer:
        """POST the object; a field that the schema does not know is refused; by default nothing is kept."""
        query = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry else {})
        return self._send("POST", self._url(body, ""), body, "application/json", query)

    def patch(self, body: Body, change: Body, part: str) -> Answer:
        """Merge ``change`` into a part (/status, /scale) of the object named by ``body``."""
        return self._send("PATCH", self._url(body, part=part), change, MERGE)

    def replace(self, body: Body) -> Answer:
        """PUT the object over the one that is there, whatever its version."""
        there = self._send("GET", self._url(body)).taken()
        newer = {**body, "metadata": {**body["metadata"], "resourceVersion": there["metadata"]["resourceVersion"]}}
        return self._send("PUT", self._url(body), newer, "application/json")

    def apply(self, body: Body, manager: str, *, force: bool = False) -> Answer:
        """Server-side apply by one of several managers."""
        options = {"fieldManager": manager, "force": str(force).lower()}
        return self._send("PATCH", self._url(body), body, SSA, options)

    def get(self, body: Body, part: str = "") -> Answer:
        """The object (or its ``part``, such as /scale) as it is now."""
        return self._send("GET", self._url(body, part=part))

    def delete(self, body: Body) -> Answer:
        """Delete the object of that name."""
        return self._send("DELETE", self._url(body))

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _url(self, body: Body, name: str | None = None, part: str = "") -> str:
        name = body["metadata"]["name"] if name is None else name
        return f"{self._root}/{PLURALS[body['kind']]}/{name}{part}".rstrip("/")

    def _send(self, verb: str, url: str, body: Body | None = None, kind: str = "", query: Body | None = None) -> Answer:
        headers = {"Content-Type": kind} if kind else {}
        answer = self._http.request(verb, url, json=body, headers=headers, params=query, timeout=30)
        return Answer(answer.status_code, answer.json())
