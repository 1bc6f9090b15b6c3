"""Images to stage into, and the program as the process that a Job would run."""

import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import requests
from tests.support import eventually

from sandbox_kit.glance import Glance
from sandbox_kit.source import Source

Object = dict[str, Any]
LIMIT = 120.0  # seconds for one run


@dataclass
class Run:
    """One transfer: its process and, when it has ended, what it said. peak: MiB of memory, at most."""

    process: subprocess.Popen[bytes]
    output: Path
    log: Path
    code: int = -1
    peak: float = 0.0
    lines: list[Object] = field(default_factory=list)

    def wait(self) -> "Run":
        """Until it has ended. Standard error must have stayed empty: there is no other place for an unforeseen one."""
        end = time.monotonic() + LIMIT
        while self.process.poll() is None:
            assert time.monotonic() < end, self.output.read_text()
            self.peak = max(self.peak, _peak(self.process.pid))
            time.sleep(0.02)
        self.code, text = self.process.returncode, self.output.read_text()
        self.lines = [json.loads(line) for line in text.splitlines()]
        assert json.loads(self.log.read_text()) == self.lines[-1]
        return self

    @property
    def outcome(self) -> Object:
        return self.lines[-1]

    @property
    def verdict(self) -> tuple[int, str]:
        """Exit code and reason."""
        return self.code, self.outcome.get("reason", "")


class Lab:
    """One Glance, one source of files, one directory for what a Job would have mounted."""

    def __init__(self, glance: Glance, source: Source, directory: Path) -> None:
        self.glance, self.source, self.directory = glance, source, directory
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers.update(glance.trusted_headers())
        lines = (f"{name}: {value}\n" for name, value in glance.trusted_headers().items())
        self.headers = self.mounted("glance-headers", "".join(lines).encode())

    def mounted(self, name: str, content: bytes) -> str:
        """A file, as of a mounted Secret; its path."""
        path = self.directory / f"{uuid.uuid4().hex[:8]}-{name}"
        path.write_bytes(content)
        return str(path)

    def new_image(self, disk_format: str = "raw") -> str:
        body = {"name": "transfer", "disk_format": disk_format, "container_format": "bare"}
        answer = self._http.post(f"{self.glance.url}/v2/images", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def image(self, image_id: str) -> Object:
        found: Object = self._http.get(f"{self.glance.url}/v2/images/{image_id}", timeout=30).json()
        return found

    def imported(self, image_id: str) -> Object:
        """The image once what is staged is in its store."""
        body = {"method": {"name": "glance-direct"}}
        answer = self._http.post(f"{self.glance.url}/v2/images/{image_id}/import", json=body, timeout=30)
        assert answer.status_code == 202, answer.text

        def done() -> Object | None:
            image = self.image(image_id)
            return image if image["status"] == "active" and "os_glance_import_task" not in image else None

        found = eventually(done)
        assert found is not None
        return found

    def queued(self, image_id: str) -> None:
        """Glance has noticed that nothing whole has come, and keeps nothing of it."""
        eventually(lambda: self.image(image_id)["status"] == "queued", 20)
        staged = self.glance.store_directory("os_glance_staging_store") / image_id
        eventually(lambda: not staged.exists(), 20)

    def config(self, image_id: str, *urls: str, disk_format: str = "raw", **changes: Any) -> Object:
        """A plain transfer of these addresses; ``changes``: parts of the document, in its own names."""
        given = {"stallSeconds": 20, **changes.pop("limits", {})}
        return {
            "source": {"addresses": urls, **changes.pop("source", {})},
            "diskFormat": disk_format,
            "glance": {"url": self.glance.url, "imageID": image_id, "headersFile": self.headers},
            "limits": given,
            **changes,
        }

    def start(self, config: Object, **environment: str) -> Run:
        name = uuid.uuid4().hex[:8]
        log, output = self.directory / f"{name}.log", self.directory / f"{name}.out"
        path = self.mounted("config.json", json.dumps({**config, "terminationLog": str(log)}).encode())
        with output.open("wb") as said:
            process = self.program(path, said, **environment)
        return Run(process, output, log)

    def program(self, path: str, said: IO[bytes], **environment: str) -> subprocess.Popen[bytes]:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "operator"), "HOME": "/"}
        return subprocess.Popen(
            [sys.executable, "-m", "glance_operator", "transfer", path],
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**env, "NO_PROXY": "127.0.0.1,localhost", **environment},
        )

    def run(self, config: Object, **environment: str) -> Run:
        return self.start(config, **environment).wait()

    def carry(self, *urls: str, **changes: Any) -> Run:
        """Into an image of its own, which is ``queued`` again unless all went well."""
        return self.carry_with({}, *urls, **changes)

    def carry_with(self, environment: dict[str, str], *urls: str, disk_format: str = "raw", **changes: Any) -> Run:
        image_id = self.new_image(disk_format)
        run = self.run(self.config(image_id, *urls, disk_format=disk_format, **changes), **environment)
        if run.code:
            self.queued(image_id)
        else:
            assert self.image(image_id)["status"] == "uploading"
        return run


def digest(kind: str, data: bytes) -> str:
    return hashlib.new(kind, data).hexdigest()


def _peak(pid: int) -> float:
    """MiB that a process has had at once; 0 where /proc does not tell."""
    with suppress(OSError, IndexError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0
