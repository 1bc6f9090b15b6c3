"""The API server as the bench sees it: an object is made by one POST, and Ready is told by a watch, not asked for."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Self

import requests

from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.process import wait_until

Object = dict[str, Any]
_GROUP = "apis/glance-operator.io/v1alpha1"
_SAMPLE = re.compile(r"^apiserver_request_total\{([^}]*)\} ([0-9.e+]+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_TELL = 20.0  # seconds of waiting after which it is said what is awaited
_WRITES = ("PATCH", "POST", "PUT", "APPLY", "DELETE")


class Cluster:
    """One namespace, and a watch of its Images that runs from the beginning to the end."""

    def __init__(self, control_plane: ControlPlane, namespace: str, say: Callable[[str], None]) -> None:
        self.kube, self.namespace, self._say = control_plane, namespace, say
        self._http = _session(control_plane)
        self._images = f"{control_plane.url}/{_GROUP}/namespaces/{namespace}/images"
        self._core = f"{control_plane.url}/api/v1/namespaces"
        self._news = threading.Condition()
        self._ready: dict[str, float] = {}
        self._present: set[str] = set()
        self._watcher = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._ended = False

    def __enter__(self) -> Self:
        self._send("POST", self._core, {"metadata": {"name": self.namespace}})
        wait_until(lambda: self._http.get(self._images, timeout=10).ok, 30, "the API server's Images")
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._http.close()

    def create_secret(self, name: str, clouds: Object) -> None:
        """A Secret with this clouds.yaml."""
        body = {"metadata": {"name": name}, "stringData": {"clouds.yaml": json.dumps(clouds)}}
        self._send("POST", f"{self._core}/{self.namespace}/secrets", body)

    def create(self, image: Object) -> None:
        """One POST of an Image."""
        self._send("POST", self._images, image)

    def delete_all(self, timeout: float = 600) -> None:
        """Delete every Image and wait until the watch has seen all of them go."""
        self._send("DELETE", self._images)
        self._await(lambda: not self._present, timeout, lambda: f"{len(self._present)} Images are still there")

    def count(self) -> int:
        """How many Images the watch knows."""
        with self._news:
            return len(self._present)

    def await_ready(self, names: Iterable[str], timeout: float) -> list[float]:
        """When (time.monotonic()) the watch saw each of them Ready, earliest first."""
        wanted = set(names)

        def missing() -> str:
            left = sorted(wanted - self._ready.keys())
            return f"{len(left)} of {len(wanted)} are not Ready yet, such as {left[0]}" if left else "all are Ready"

        self._await(lambda: wanted <= self._ready.keys(), timeout, missing)
        return sorted(self._ready[name] for name in wanted)

    def writes(self) -> Counter[str]:
        """Mutating requests the API server has answered so far: of Images, their status, and Events."""
        text = self._send("GET", f"{self.kube.url}/metrics").text
        found: Counter[str] = Counter()
        for labels, value in _SAMPLE.findall(text):
            said = dict(_LABEL.findall(labels))
            if said["resource"] in ("images", "events") and said["verb"] in _WRITES:
                found["/".join(filter(None, (said["verb"], said["resource"], said["subresource"])))] += int(
                    float(value)
                )
        return found

    def _await(self, done: Callable[[], bool], timeout: float, what: Callable[[], str]) -> None:
        deadline = time.monotonic() + timeout
        with self._news:
            while not self._news.wait_for(done, min(_TELL, timeout)):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not within {timeout:g} s: {what()}")
                self._say(what())

    def _send(self, method: str, url: str, body: Object | None = None) -> requests.Response:
        answer = self._http.request(method, url, json=body, timeout=60)
        answer.raise_for_status()
        return answer

    def _watch(self) -> None:
        try:
            self._follow()
        except requests.RequestException:
            if not self._ended:  # the API server's end ends the watch, too
                raise

    def _follow(self) -> None:
        with _session(self.kube) as http:
            while not self._ended:
                query = {"watch": "true", "timeoutSeconds": "3600"}
                with http.get(self._images, params=query, stream=True, timeout=(10, None)) as answer:
                    answer.raise_for_status()
                    for line in answer.iter_lines(chunk_size=None):
                        self._learn(json.loads(line), time.monotonic())

    def _learn(self, event: Object, now: float) -> None:
        body = event["object"]
        name, status = body["metadata"].get("name", ""), body.get("status") or {}
        with self._news:
            if event["type"] == "DELETED":
                self._present.discard(name)
                self._ready.pop(name, None)
            else:
                self._present.add(name)
                if any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ()):
                    self._ready.setdefault(name, now)
            self._news.notify_all()


def _session(control_plane: ControlPlane) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify, session.cert = str(control_plane.authority.pair.cert), control_plane.api.admin
    return session
