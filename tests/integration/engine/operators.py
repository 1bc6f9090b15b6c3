"""Operators as processes: what is done to them here (a signal, a pause, a sudden end) happens in clusters, too."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import requests
from tests.forks import Fork

PORT_LINE = "on port "


class Operator:
    """One process; always ended, however the test ends."""

    def __init__(
        self, name: str, directory: Path, kubeconfig: Path, namespace: str, settings: Mapping[str, object]
    ) -> None:
        self.name, self.log = name, directory / f"{name}.log"
        given = {
            "identity": name,
            "lease_namespace": namespace,
            "watch_namespaces": namespace,
            "health_port": 0,
            **settings,
        }
        self._environment = {
            "KUBECONFIG": str(kubeconfig),
            **{f"GLANCE_OPERATOR_{key.upper()}": str(value) for key, value in given.items()},
        }

    def start(self) -> Self:
        """Begin, with an empty log."""
        self.log.unlink(missing_ok=True)
        self.process = Fork("recorder", self._environment, self.log)
        return self

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send(number)

    def wait(self, seconds: float = 30) -> int:
        """The exit code."""
        return self.process.wait(seconds)

    def end(self) -> None:
        """At once, also when it is stopped."""
        self.process.kill()

    def text(self) -> str:
        """What it logged."""
        return self.log.read_text()

    def ask(self, path: str) -> tuple[int, str]:
        """Ask its health server; (0, "") before there is one."""
        port = self.text().partition(PORT_LINE)[2].partition("\n")[0]
        if not port:
            return 0, ""
        answer = requests.get(f"http://127.0.0.1:{port}{path}", timeout=10)
        return answer.status_code, answer.text

    def ready(self) -> bool:
        """Whether its caches are listed."""
        return self.ask("/readyz")[0] == 200

    def leads(self) -> bool:
        """Whether it says that it is the leader."""
        return self.metrics().get('leader_election_master_status{name="glance-operator"}') == 1

    def metrics(self) -> Mapping[str, float]:
        """Its metrics by name and labels."""
        lines = (line.rpartition(" ") for line in self.ask("/metrics")[1].splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines if name}


class Operators:
    """Starts operators, and ends them all."""

    def __init__(self, directory: Path, kubeconfig: Path, namespace: str) -> None:
        self.directory = directory
        self._where = (directory, kubeconfig, namespace)
        self._running = ExitStack()

    def start(self, name: str, **settings: object) -> Operator:
        """A new operator with this identity."""
        operator = Operator(name, *self._where, settings)
        operator.start()
        self._running.callback(operator.end)
        return operator

    def end(self) -> None:
        """All of them."""
        self._running.close()
