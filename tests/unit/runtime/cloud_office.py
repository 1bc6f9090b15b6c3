"""Secrets of many namespaces, and the clouds made of them."""

from __future__ import annotations

import threading
from typing import Any

import yaml

from glance_operator.runtime.apis import Reader
from glance_operator.runtime.clouds import Clouds
from glance_operator.runtime.credentials import CredentialsReader

NOWHERE = {"auth_type": "none", "image_endpoint_override": "http://127.0.0.1:9"}


class Office:
    """Secrets of many namespaces, and the clouds made of them."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], dict[str, bytes]] = {}
        self.now, self.reads = 100.0, 0
        self.up: list[tuple[str, bool]] = []
        self.gone: list[str] = []
        self.requests: list[tuple[str, str, str]] = []
        self.cluster_asked, self.cluster_known = 0, threading.Event()
        self.cluster_known.set()
        self.clouds = self.registry(CredentialsReader(self, lambda: self.now))

    def registry(self, reader: Reader) -> Clouds:
        """Clouds that are found in this way."""
        return Clouds(
            reader,
            cluster=self.cluster,
            telemetry=self,
            fence=lambda: None,
            wake=lambda _: None,
            imports=2,
            at_once=2,
        )

    def write(self, namespace: str, name: str = "openstack", **entry: Any) -> None:
        text = yaml.safe_dump({"clouds": {"lab": NOWHERE | entry}})
        self.secrets[namespace, name] = {"clouds.yaml": text.encode()}

    def get_secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        self.reads += 1
        return self.secrets.get((namespace, name))

    def cluster(self) -> str:
        self.cluster_asked += 1
        if not self.cluster_known.wait(10):
            raise AssertionError("held up for ever")
        return "here"

    def glance_request(self, cloud: str, method: str, code: str) -> None:
        self.requests.append((cloud, method, code))

    def cloud_up(self, cloud: str, up: bool) -> None:
        self.up.append((cloud, up))

    def cloud_gone(self, cloud: str) -> None:
        self.gone.append(cloud)
