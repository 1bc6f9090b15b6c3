"""One operator under the weather for the whole module: it must never be restarted."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from tests.chaos.proxy import Fault, Proxy
from tests.integration.engine.cluster import Cluster
from tests.integration.engine.conftest import kube
from tests.integration.engine.operators import Operators

from glance_operator.runtime.kube import Kube
from glance_operator.runtime.rest import Request

__all__ = ["kube"]


class Weather:
    """A proxy, an operator behind it that serves one namespace, and the API server as everybody else sees it."""

    def __init__(self, proxy: Proxy, operators: Operators, cluster: Cluster, hands: ThreadPoolExecutor) -> None:
        self.proxy, self.operators, self.cluster, self.hands = proxy, operators, cluster, hands


@pytest.fixture(scope="module")
def weather(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weather]:
    """Begins with no way from the operator to the API server."""
    directory, name = tmp_path_factory.mktemp("chaos"), f"chaos-{uuid.uuid4().hex[:8]}"
    kube.transport.call(Request("POST", "/api/v1/namespaces", {"metadata": {"name": name}}))
    with ExitStack() as stack:
        proxy = Proxy(kube.transport.connection())
        proxy.start()
        stack.callback(proxy.stop)
        operators = Operators(directory, proxy.kubeconfig(directory / "kubeconfig"), name)
        stack.callback(operators.end)
        hands = stack.enter_context(ThreadPoolExecutor(4))
        proxy.begin(Fault("down", refuse=True))
        yield Weather(proxy, operators, Cluster(kube, name), hands)
