"""Ports that many processes choose at once, and what becomes of a server whose port a stranger has."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sandbox_kit import ports
from sandbox_kit.loopback import answers
from sandbox_kit.ports import NoPortError, free_port, quiet_ports
from sandbox_kit.process import NotReadyError, Server

# Takes ports of a range until there are no more, says which, and keeps them until it is told to go.
GREEDY = """
import sys
from sandbox_kit.ports import NoPortError, free_port
choice = range(int(sys.argv[1]), int(sys.argv[2]))
try:
    while True:
        print(free_port(choice), end=" ")
except NoPortError:
    print(flush=True)
sys.stdin.read()
"""


keeps_claims = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port cannot be kept for our own server")


class Elsewhere(BaseHTTPRequestHandler):
    """Knows nothing of what is asked here."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Silence."""


@contextmanager
def serving(port: int) -> Iterator[None]:
    """Somebody serves there who asked nobody."""
    with ThreadingHTTPServer(("127.0.0.1", port), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield
        server.shutdown()


@pytest.fixture
def stranger() -> Iterator[int]:
    """A port that a stranger has."""
    port = free_port()
    with serving(port):
        yield port


@keeps_claims
def test_processes_that_choose_at_once_never_choose_the_same() -> None:
    """Four take all that there is of 200: each port is taken once, and none is left."""
    choice = range(first := max(quiet_ports()) - 199, first + 200)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", GREEDY, str(choice.start), str(choice.stop)]
    with ExitStack() as running:
        greedy = [
            running.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)
            )
            for _ in range(4)
        ]
        taken = [int(word) for one in greedy if one.stdout for word in one.stdout.readline().split()]
        assert len(taken) == len(set(taken)) > 150  # a few may be in use on this machine
        with pytest.raises(NoPortError, match="none of 200"):
            free_port(choice)
        for one in greedy:
            one.communicate(timeout=10)
    assert free_port(choice) in taken


@keeps_claims
def test_a_chosen_port_is_ours_until_a_server_has_it() -> None:
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    for _ in range(2):  # a server may come and go
        with socket.create_server(("127.0.0.1", port)):
            pass


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("32768\t60999\n", range(10000, 32000)),
        ("16000\t65535\n", range(10000, 16000)),
        ("1024 65535", range(10000, 32000)),
        (None, range(10000, 32000)),
    ],
)
def test_what_the_kernel_gives_to_connections_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, left: range
) -> None:
    monkeypatch.setattr(ports, "EPHEMERAL", tmp_path / "range")
    if said:
        ports.EPHEMERAL.write_text(said)
    assert list(quiet_ports()) == list(left)


class Web(Server):
    """A server whose first ports are given."""

    def __init__(self, directory: Path, *given: int) -> None:
        super().__init__("web", directory)
        self.given = list(given)
        self.relocate()

    def relocate(self) -> None:
        self.port = self.given.pop(0) if self.given else free_port()

    def command(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "http.server",
            "--bind=127.0.0.1",
            f"--directory={self.directory}",
            str(self.port),
        ]

    def ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}")


def test_a_server_whose_port_a_stranger_has_takes_another(tmp_path: Path, stranger: int) -> None:
    with Web(tmp_path, stranger, stranger) as web:
        assert web.port != stranger
        assert not web.given
        served = web.port
        web.restart()
        assert web.port == served


def test_there_is_an_end_to_it(tmp_path: Path, stranger: int) -> None:
    with pytest.raises(NotReadyError, match=r"(?s)web ended with code 1.*in use"):
        Web(tmp_path, *[stranger] * 9).start()


def test_an_address_that_was_told_is_kept(tmp_path: Path) -> None:
    web = Web(tmp_path).start()
    web.stop()
    with serving(web.port), pytest.raises(NotReadyError, match="in use"):
        web.start()
