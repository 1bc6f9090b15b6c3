"""Operators under the weather: none of them may ever be restarted."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.crowd import Crowd
from tests.chaos.proxy import Fault, Proxy
from tests.integration.engine.cluster import Cluster
from tests.integration.engine.conftest import kube
from tests.integration.engine.operators import Operator, Operators

from glance_operator.runtime.kube import Kube
from glance_operator.runtime.rest import Request

__all__ = ["kube"]

DOWN = Fault("down", refuse=True)


class Weather:
    """A proxy, an operator behind it that serves one namespace, and the API server as everybody else sees it."""

    def __init__(self, kube: Kube, directory: Path, size: int, stack: ExitStack) -> None:
        self.proxy = stack.enter_context(Proxy(kube.transport.connection()))
        namespace = new_namespace(kube)
        self.operators = Operators(directory, self.proxy.kubeconfig(directory / "kubeconfig"), namespace)
        stack.callback(self.operators.end)
        self.crowd = Crowd(Cluster(kube, namespace), stack.enter_context(ThreadPoolExecutor(4)), size)
        self.operator: Operator

    def start(self, **settings: object) -> None:
        """Start the operator."""
        self.operator = self.operators.start("survivor", **settings)


def new_namespace(kube: Kube) -> str:
    """The name of one that nobody else uses."""
    name = f"chaos-{uuid.uuid4().hex[:8]}"
    kube.transport.call(Request("POST", "/api/v1/namespaces", {"metadata": {"name": name}}))
    return name
