"""Requests to one pod of a service, past the Service in front of them."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tests.e2e.lab import Service

NEW = {"name": "by hand", "disk_format": "raw", "container_format": "bare"}


class Pod:
    """One API pod by its name; `who` are the headers that say who asks."""

    def __init__(self, service: Service, name: str, who: dict[str, str] | None = None) -> None:
        self._prefix, self._who = service.cluster.prefix, who or service.headers
        self._url = f"http://{name}.{name.rpartition('-')[0]}-pods.{service.namespace}.svc.cluster.local:9292/v2"

    def curl(self, verb: str, path: str, *words: str, **headers: str) -> list[str]:
        """What makes such a request from where pods are found by name."""
        told = {**self._who, **headers}
        named = [word for name, value in told.items() for word in ("-H", f"{name}: {value}")]
        return [
            *self._prefix,
            "curl",
            "-sS",
            "--fail-with-body",
            "-m",
            "120",
            "-X",
            verb,
            *named,
            *words,
            self._url + path,
        ]

    def ask(self, verb: str, path: str, data: bytes = b"", kind: str = "application/json") -> Any:
        """The JSON of a success; AssertionError with the pod's words if it is none."""
        words = ("--data-binary", "@-") if data else ()
        command = self.curl(verb, path, *words, **{"Content-Type": kind})
        done = subprocess.run(command, input=data, capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return json.loads(done.stdout) if done.stdout else None

    def image(self, image_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/images/{image_id}")
        return found

    def new(self) -> str:
        """The id of an image without data."""
        return str(self.ask("POST", "/images", json.dumps(NEW).encode())["id"])

    def stage(self, data: bytes) -> str:
        """The id of an image whose data waits for its import."""
        made = self.new()
        self.ask("PUT", f"/images/{made}/stage", data, "application/octet-stream")
        return made

    def import_staged(self, image_id: str) -> None:
        self.ask("POST", f"/images/{image_id}/import", json.dumps({"method": {"name": "glance-direct"}}).encode())

    @contextmanager
    def uploading(self, count: int) -> Iterator[None]:
        """Slow uploads that do not end before the block does; and then all of them end well."""
        over = threading.Event()
        made = [self.new() for _ in range(count)]
        with ThreadPoolExecutor(count) as clients:
            answers = [clients.submit(self._upload_slowly, one, over) for one in made]
            try:
                yield
            finally:
                over.set()
            assert [one.result() for one in answers] == [0] * count
        assert {self.image(one)["status"] for one in made} == {"active"}

    def _upload_slowly(self, image_id: str, over: threading.Event) -> int:
        """The exit code of who brings a KiB every half second."""
        chunked = {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}
        command = self.curl("PUT", f"/images/{image_id}/file", "-T", "-", "-m", "400", **chunked)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as client:
            assert client.stdin is not None
            while not over.wait(0.5):
                client.stdin.write(bytes(1024))
                client.stdin.flush()
            client.stdin.close()
            return client.wait(60)
