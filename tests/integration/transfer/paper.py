"""What `kubelet` is made of: its HTTPS API for logs, directories in place of volumes, and words for a status."""

from __future__ import annotations

import base64
import os
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]
ROOT = Path(__file__).parents[3]
NO_ROOM = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available: 1 Insufficient memory.",
}


class LogServer(ThreadingHTTPServer):
    """The part of the kubelet's API that `kubectl logs` needs."""

    daemon_threads = True

    def __init__(self, pair: Any, read: Any) -> None:
        super().__init__(("127.0.0.1", 0), _LogHandler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.read = read

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Somebody hung up."""


class _LogHandler(BaseHTTPRequestHandler):
    server: LogServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        _, what, namespace, pod, _container = parts.path.split("/")
        lines = self.server.read(namespace, pod).splitlines(keepends=True)
        last = int(parse_qs(parts.query).get("tailLines", ["0"])[0])
        body = b"".join(lines[-last:] if last else lines)
        self.send_response(200 if what == "containerLogs" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silence."""


def path_of(body: Object) -> str:
    return f"/api/v1/namespaces/{body['metadata']['namespace']}/pods/{body['metadata']['name']}"


def rewritten(text: str, places: Mapping[str, Path]) -> str:
    """The longest path first: one may begin like another."""
    paths = "|".join(re.escape(path) for path in sorted(places, key=len, reverse=True))
    return re.sub(paths, lambda found: str(places[found[0]]), text)


def write(path: Path, wanted: Object, data: Mapping[str, str], *, encoded: bool) -> None:
    for one in wanted.get("items") or [{"key": key, "path": key} for key in data]:
        text = data[one["key"]]
        (path / one["path"]).write_bytes(base64.b64decode(text) if encoded else text.encode())


def environment(container: Object) -> dict[str, str]:
    sources = os.pathsep.join([str(ROOT / "operator"), os.environ.get("PYTHONPATH", "")])
    given = {one["name"]: one["value"] for one in container.get("env") or ()}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": sources, **given}


def container_status(body: Object, container_id: str, *, ready: bool, **state: Object) -> Object:
    """Of a pod with one container."""
    name, image = (body["spec"]["containers"][0][part] for part in ("name", "image"))
    status = {
        "name": name,
        "state": state,
        "ready": ready,
        "started": ready,
        "restartCount": 0,
        "image": image,
        "imageID": "",
        "containerID": container_id,
    }
    conditions = [{"type": "Ready", "status": "True" if ready else "False", "reason": "Told"}]
    return {"containerStatuses": [status], "conditions": conditions}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def not_mounted(pod: Object, note: str) -> Object:
    """The Event about a volume that is not there; pod: its metadata."""
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": "paper-", "namespace": pod["namespace"]},
        "eventTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "type": "Warning",
        "reason": "FailedMount",
        "action": "Mounting",
        "note": note,
        "reportingController": "kubelet",
        "reportingInstance": "paper",
        "regarding": {"apiVersion": "v1", "kind": "Pod", **{k: pod[k] for k in ("name", "namespace", "uid")}},
    }
