"""The bare client that the operator is measured against: threads and plain requests, nothing that is not needed.

It does by hand what an Image asks for: create, import, poll until the image is active, its lock is gone and every
store has it. It runs in a process of its own (`python -m tests.bench.bare`, a job on stdin, the result on stdout), as
the operator does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

import requests

_LIMIT = 120.0  # seconds for one image


@dataclass(frozen=True)
class Job:
    """Import `source` as so many images with so many threads; the first poll comes `first` s after the import was
    accepted, the others `interval` s apart."""

    glance: str
    token: str
    source: str
    stores: tuple[str, ...]
    count: int = 1
    threads: int = 1
    first: float = 0.15
    interval: float = 0.1

    def described(self) -> str:
        """The choices in short."""
        return f"{self.threads} threads, polls {self.first:g} + {self.interval:g} s"


@dataclass(frozen=True)
class Result:
    """Seconds from the start to each image's readiness, in order; and how many requests it took, and CPU seconds."""

    done: tuple[float, ...]
    requests: int
    cpu: float

    @property
    def wall(self) -> float:
        """Seconds until the last image was ready."""
        return self.done[-1]


def measure(job: Job) -> Result:
    """Run the job in a process of its own; the images are deleted again after the clock has stopped."""
    command = [sys.executable, "-m", "tests.bench.bare"]
    limit = 30 + _LIMIT + job.count
    done = subprocess.run(
        command, input=json.dumps(asdict(job)), capture_output=True, text=True, timeout=limit, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the bare client failed: {done.stderr[-2000:]}")
    said = json.loads(done.stdout)
    return Result(tuple(said["done"]), said["requests"], said["cpu"])


class Client:
    """A warm client: its token is known to Glance before the clock starts."""

    def __init__(self, job: Job) -> None:
        self._job, self._http = job, requests.Session()
        self._http.trust_env = False
        self._http.headers["X-Auth-Token"] = job.token
        self.requests = 0
        self.made: list[str] = []
        self._ask("GET", "/images?limit=1")

    def run(self) -> Result:
        """Raises what requests raises, and RuntimeError for an image that does not become ready."""
        self.requests, cpu = 0, time.process_time()
        began = time.monotonic()
        with ThreadPoolExecutor(self._job.threads) as pool:
            ends = list(pool.map(self._one, range(self._job.count)))
        return Result(tuple(sorted(end - began for end in ends)), self.requests, time.process_time() - cpu)

    def clean(self) -> None:
        """Delete what was made."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda image_id: self._ask("DELETE", f"/images/{image_id}"), self.made))

    def _one(self, number: int) -> float:
        body = {"name": f"bare-{number}", "disk_format": "raw", "container_format": "bare", "visibility": "private"}
        image_id = self._ask("POST", "/images", json=body).json()["id"]
        self.made.append(image_id)
        method = {"name": "web-download", "uri": self._job.source}
        must = len(self._job.stores) == 1  # as the operator asks for
        into = {"stores": list(self._job.stores), "all_stores_must_succeed": must}
        self._ask("POST", f"/images/{image_id}/import", json={"method": method, **into})
        return self._poll(image_id, time.monotonic() + _LIMIT)

    def _poll(self, image_id: str, deadline: float) -> float:
        time.sleep(self._job.first)
        while time.monotonic() < deadline:
            if self._is_ready(self._ask("GET", f"/images/{image_id}").json()):
                return time.monotonic()
            time.sleep(self._job.interval)
        raise RuntimeError(f"{image_id} is not ready within {_LIMIT:g} s")

    def _is_ready(self, image: dict[str, Any]) -> bool:
        there = set((image.get("stores") or "").split(","))
        return image["status"] == "active" and "os_glance_import_task" not in image and there >= set(self._job.stores)

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        self.requests += 1
        answer = self._http.request(method, f"{self._job.glance}/v2{path}", timeout=60, **options)
        answer.raise_for_status()
        return answer


def main() -> None:
    """One job."""
    given = json.load(sys.stdin)
    client = Client(replace(Job(**given), stores=tuple(given["stores"])))
    try:
        result = client.run()
    finally:
        client.clean()
    json.dump(asdict(result), sys.stdout)


if __name__ == "__main__":
    main()
