"""A kubelet and scheduler for pods of transfers, where no node is: their containers are processes of this machine.

The Jobs' own controller is the real one. Volumes become directories, paths in commands and in what is mounted are
rewritten to them, and what the kubelet writes is written: where a pod runs, how its container ended, its last words,
its log by the kubelet's own HTTPS API.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import requests
from tests.integration.transfer.paper import (
    NO_ROOM,
    LogServer,
    Object,
    container_status,
    environment,
    not_mounted,
    now,
    path_of,
    rewritten,
    write,
)

from sandbox_kit import binaries
from sandbox_kit.control_plane import ControllerManager, ControlPlane

NODE = "paper"
_MERGE = {"Content-Type": "application/merge-patch+json"}
_LAST_WORDS = "/dev/termination-log"
_ENDED = ("Succeeded", "Failed")


def job_controller(control_plane: ControlPlane, directory: Path) -> ControllerManager:
    """The one that the control plane of most tests leaves out, as they write the Jobs' status themselves."""
    directory.mkdir(parents=True, exist_ok=True)
    program = binaries.ensure()["kube-controller-manager"]
    return ControllerManager(program, directory, control_plane.authority, control_plane.api, ("job-controller",))


@dataclass
class _Pod:
    """One that was begun. process: None until its volumes are there."""

    body: Object
    directory: Path
    process: subprocess.Popen[bytes] | None = None
    container_id: str = field(default_factory=lambda: f"paper://{uuid.uuid4().hex}")
    told: bool = False

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def job(self) -> str:
        return str(self.body["metadata"]["labels"].get("batch.kubernetes.io/job-name", ""))


class Kubelet:
    """Runs the pods of transfers of one cluster. claims: directories in place of volumes, by the name of the claim."""

    def __init__(self, control_plane: ControlPlane, directory: Path) -> None:
        self.claims: dict[str, Path] = {}
        self._held: set[str] = set()
        self._directory, self._url = directory, control_plane.url
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify, self._http.cert = str(control_plane.authority.pair.cert), control_plane.api.admin
        self._pods: dict[str, _Pod] = {}
        self._stopping = threading.Event()
        self._server = LogServer(control_plane.authority.server("paper-kubelet"), self._log_of)
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True),
            threading.Thread(target=self._run, daemon=True),
        ]

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._register()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()
        for pod in self._pods.values():
            self._end(pod, signal.SIGKILL)
        self._ask("DELETE", f"/api/v1/nodes/{NODE}")

    def kill(self, job: str) -> None:
        """SIGKILL for what runs for that Job, as the kernel does it."""
        for pod in list(self._pods.values()):
            if pod.job == job:
                self._end(pod, signal.SIGKILL)

    def hold(self, uid: str) -> None:
        """From now on no node has room for the pods of the Image with that uid."""
        self._held.add(uid)

    def release(self, uid: str) -> None:
        """Again one has."""
        self._held.discard(uid)

    def running(self, job: str) -> bool:
        """Whether a process runs for that Job."""
        return any(pod.job == job and pod.process and pod.process.poll() is None for pod in list(self._pods.values()))

    # What goes on

    def _run(self) -> None:
        while not self._stopping.wait(0.1):
            with suppress(requests.RequestException):
                found = {pod["metadata"]["uid"]: pod for pod in self._transfers()}
                for body in found.values():
                    self._look_after(body)
                for uid in self._pods.keys() - found.keys():  # deleted by force
                    self._end(self._pods.pop(uid), signal.SIGKILL)

    def _transfers(self) -> list[Object]:
        items: list[Object] = self._ask(
            "GET", "/api/v1/pods?labelSelector=app.kubernetes.io/name=glance-transfer"
        ).json()["items"]
        return items

    def _look_after(self, body: Object) -> None:
        meta, pod = body["metadata"], self._pods.get(body["metadata"]["uid"])
        if "deletionTimestamp" in meta:
            self._bury(body, pod)
        elif not body["spec"].get("nodeName"):
            self._bind(body)
        elif body["status"].get("phase") in _ENDED:
            return
        elif pod is None or pod.process is None:
            self._begin(body)
        elif (code := pod.process.poll()) is not None:
            self._tell_end(pod, code)

    def _bind(self, body: Object) -> None:
        meta = body["metadata"]
        if meta["labels"].get("app.kubernetes.io/instance") in self._held:
            if not any(one["type"] == "PodScheduled" for one in body["status"].get("conditions") or ()):
                self._say(body, {"conditions": [NO_ROOM]})
            return
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}, "target": target}
        self._ask("POST", f"{path_of(body)}/binding", json=binding)

    def _begin(self, body: Object) -> None:
        pod = self._pods.setdefault(body["metadata"]["uid"], _Pod(body, self._directory / body["metadata"]["uid"]))
        pod.directory.mkdir(exist_ok=True)
        places = self._mounted(pod)
        if places is None:
            return
        (pod.directory / "last-words").touch()
        places[_LAST_WORDS] = pod.directory / "last-words"
        container = body["spec"]["containers"][0]
        for document in pod.directory.rglob("transfer.json"):
            document.write_text(rewritten(document.read_text(), places))
        command = [rewritten(word, places) for word in container["command"]]
        with pod.log.open("wb") as log:
            pod.process = subprocess.Popen(
                [sys.executable, "-m", "glance_operator", *command[1:]],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(container),
                start_new_session=True,
            )
        running = {"startedAt": now()}
        self._say(
            body,
            {
                "phase": "Running",
                "startTime": now(),
                **container_status(body, pod.container_id, ready=True, running=running),
            },
        )

    def _mounted(self, pod: _Pod) -> dict[str, Path] | None:
        """Where on this machine is what the container sees at a path; None if something is missing."""
        volumes = {one["name"]: one for one in pod.body["spec"]["volumes"]}
        places: dict[str, Path] = {}
        for mount in pod.body["spec"]["containers"][0]["volumeMounts"]:
            path = self._volume(pod, volumes[mount["name"]])
            if path is None:
                self._warn(pod, f'MountVolume.SetUp failed for volume "{mount["name"]}": not found')
                return None
            places[mount["mountPath"]] = path
        return places

    def _volume(self, pod: _Pod, volume: Object) -> Path | None:
        """Its directory; None if what should be in it is not there."""
        if claim := volume.get("persistentVolumeClaim"):
            return self.claims.get(str(claim["claimName"]))
        path: Path = pod.directory / volume["name"]
        path.mkdir(exist_ok=True)
        namespace = pod.body["metadata"]["namespace"]
        for kind, plural, key in (("secret", "secrets", "secretName"), ("configMap", "configmaps", "name")):
            if wanted := volume.get(kind):
                answer = self._http.get(f"{self._url}/api/v1/namespaces/{namespace}/{plural}/{wanted[key]}", timeout=30)
                if answer.status_code == 404:
                    return None
                write(path, wanted, answer.json().get("data") or {}, encoded=kind == "secret")
        return path

    def _tell_end(self, pod: _Pod, code: int) -> None:
        """As it is written down when a container has ended."""
        words = (pod.directory / "last-words").read_text() or pod.log.read_text()[-2048:]
        exit_code = code if code >= 0 else 128 - code
        ended = {
            "exitCode": exit_code,
            "reason": "Completed" if code == 0 else "Error",
            "message": words[:4096],
            "finishedAt": now(),
            "containerID": pod.container_id,
        }
        phase = "Succeeded" if code == 0 else "Failed"
        self._say(
            pod.body, {"phase": phase, **container_status(pod.body, pod.container_id, ready=False, terminated=ended)}
        )

    def _bury(self, body: Object, pod: _Pod | None) -> None:
        """It was asked to end: it does, and then it is gone."""
        if pod:
            self._end(pod, signal.SIGTERM)
        self._http.delete(
            self._url + path_of(body), json={"gracePeriodSeconds": 0, "kind": "DeleteOptions", "apiVersion": "v1"}
        )

    @staticmethod
    def _end(pod: _Pod, signum: int) -> None:
        if pod.process is None or pod.process.poll() is not None:
            return
        os.killpg(pod.process.pid, signum)
        try:
            pod.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(pod.process.pid, signal.SIGKILL)
            pod.process.wait()

    # What is told

    def _say(self, body: Object, status: Object) -> None:
        self._http.patch(f"{self._url}{path_of(body)}/status", json={"status": status}, headers=_MERGE, timeout=30)

    def _warn(self, pod: _Pod, note: str) -> None:
        if pod.told:
            return
        pod.told = True
        meta = pod.body["metadata"]
        self._ask("POST", f"/apis/events.k8s.io/v1/namespaces/{meta['namespace']}/events", json=not_mounted(meta, note))

    def _log_of(self, namespace: str, name: str) -> bytes:
        for pod in list(self._pods.values()):
            meta = pod.body["metadata"]
            if (meta["namespace"], meta["name"]) == (namespace, name) and pod.log.exists():
                return pod.log.read_bytes()
        return b""

    def _register(self) -> None:
        """API server and tests know it by a Node."""
        self._http.post(
            f"{self._url}/api/v1/nodes",
            json={"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}},
            timeout=30,
        )
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._server.server_address[1]}},
        }
        self._ask("PATCH", f"/api/v1/nodes/{NODE}/status", json={"status": status}, headers=_MERGE)

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self._http.request(method, self._url + path, timeout=30, **options)
        if answer.status_code not in (404, 409):  # it has changed or gone since we looked
            answer.raise_for_status()
        return answer
