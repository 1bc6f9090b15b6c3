"""The parts put together, without an API server: they start, say what is wrong, and stop in order."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import eventually

from glance_operator.runtime import logs
from glance_operator.runtime import process as program
from glance_operator.runtime.app import App
from glance_operator.runtime.intake import Wiring
from glance_operator.runtime.leader import LostLease
from glance_operator.runtime.queue import Next
from glance_operator.runtime.store import Body, Key
from glance_operator.runtime.world import Parts
from glance_operator.settings import Settings

KEY = Key("Image", "ns", "a")
NOWHERE = """apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
"""


class Stuck:
    """An engine whose passes last until they are let go."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.begun, self.go_on = threading.Event(), threading.Event()

    def reconcile(self, key: Key) -> Next:
        self.begun.set()
        self.go_on.wait(20)
        return Next()

    def settled(self, body: Body) -> bool:
        return True


class Running:
    """An App, and its engine."""

    def __init__(self, **given: object) -> None:
        settings = Settings.from_environment({f"GLANCE_OPERATOR_{name.upper()}": str(v) for name, v in given.items()})
        self.engine: Stuck
        self.app = App(settings, self._make, Wiring(frozenset({"Image"})))
        self.app.start()

    def _make(self, parts: Parts) -> Stuck:
        self.engine = Stuck(parts)
        return self.engine

    def ask(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.app.health.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture(autouse=True)
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(NOWHERE)
    monkeypatch.setenv("KUBECONFIG", str(path))


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running(health_port=0, leader_elect="false", stuck_after=1, shutdown_grace=5)
    yield running
    running.engine.go_on.set()
    running.app.stop()


def test_without_an_api_server_it_is_alive_and_not_ready(running: Running) -> None:
    assert running.ask("/healthz") == (200, "ok\n")
    assert running.ask("/readyz") == (503, "the objects are not listed yet\n")
    assert 'leader_election_master_status{name="glance-operator"} 1.0' in running.ask("/metrics")[1]


def test_a_pass_that_hangs_is_told_to_the_kubelet(running: Running) -> None:
    running.engine.parts.queue.add(KEY)
    eventually(lambda: running.ask("/healthz")[0] == 503, timeout=10)
    assert "Image/ns/a is worked on for" in running.ask("/healthz")[1]
    running.engine.go_on.set()
    eventually(lambda: running.ask("/healthz") == (200, "ok\n"), timeout=10)


def test_passes_are_told_of_the_end_and_waited_for(running: Running) -> None:
    running.engine.parts.queue.add(KEY)
    assert running.engine.begun.wait(5)
    ending = threading.Thread(target=running.app.stop)
    ending.start()
    eventually(running.engine.parts.stopping, timeout=5)
    assert ending.is_alive()
    running.engine.go_on.set()
    ending.join(15)
    assert not ending.is_alive()


def test_a_replica_that_was_never_elected_does_nothing() -> None:
    running = Running(health_port=0, shutdown_grace=1)
    running.engine.parts.queue.add(KEY)
    with pytest.raises(LostLease):
        running.engine.parts.fence()
    assert running.ask("/healthz") == (200, "ok\n")
    running.app.stop()
    assert not running.engine.begun.is_set()


@pytest.mark.parametrize(
    ("name", "value", "code", "words"),
    [
        ("GLANCE_OPERATOR_WORKERS", "many", 2, "GLANCE_OPERATOR_WORKERS='many' is not a whole number"),
        ("KUBECONFIG", "/nonexistent/kubeconfig", 1, "neither KUBECONFIG nor a service account"),
    ],
)
def test_a_start_that_cannot_be(
    name: str, value: str, code: int, words: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    caplog, capsys = request.getfixturevalue("caplog"), request.getfixturevalue("capsys")
    assert program.main() == code
    assert words in caplog.text + capsys.readouterr().err
