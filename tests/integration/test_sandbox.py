"""The real parts themselves: they answer, and they end with their caller."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from tests.support import eventually

from sandbox_kit import control_plane as control_plane_module
from sandbox_kit import uwsgi
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.ports import free_port


def test_the_control_plane_makes_service_accounts_and_ends_namespaces(
    control_plane: ControlPlane, namespace: str
) -> None:
    accounts = ("get", "serviceaccounts", "-n", namespace, "-o", "name")
    eventually(lambda: "serviceaccount/default" in control_plane.run_kubectl(*accounts))
    control_plane.run_kubectl("delete", "namespace", namespace, "--timeout=30s")
    control_plane.run_kubectl("create", "namespace", namespace)


def test_a_kubeconfig_for_a_user_has_that_users_rights_only(control_plane: ControlPlane) -> None:
    path = control_plane.kubeconfig_for("jane", "readers")
    review = json.loads(
        control_plane.run_kubectl("auth", "whoami", f"--kubeconfig={path}", "-o", "json"),
    )
    assert review["status"]["userInfo"]["username"] == "jane"
    assert "readers" in review["status"]["userInfo"]["groups"]


def occupy(port: int, stranger: socket.socket) -> None:
    """Nobody can listen there then, and who asks is refused at once: that is quicker than a silent server."""
    stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or our own claim would keep it out
    stranger.bind(("127.0.0.1", port))
    stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[int]]:
    """Numbers of choices of a port (the first is 1) that somebody else has before we use it."""
    unlucky: set[int] = set()
    numbers = count(1)
    with ExitStack() as running:

        def choose() -> int:
            port = free_port()
            if next(numbers) in unlucky:
                occupy(port, running.enter_context(socket.socket()))
            return port

        for module in (control_plane_module, uwsgi):
            monkeypatch.setattr(module, "free_port", choose)
        yield unlucky


def test_a_control_plane_finds_other_ports_where_strangers_have_the_first(tmp_path: Path, strangers: set[int]) -> None:
    """etcd's, the API server's and the controller manager's: 1 (and 2), 3, and 7 after 4, 5 and 6 in their place."""
    strangers |= {1, 3, 7}
    with ControlPlane(tmp_path) as running:
        accounts = ("get", "serviceaccounts", "-n", "default", "-o", "name")
        eventually(lambda: "serviceaccount/default" in running.run_kubectl(*accounts))


def test_a_glance_that_finds_another_port_says_so_in_its_configuration(tmp_path: Path, strangers: set[int]) -> None:
    strangers |= {1, 2}
    with Glance(tmp_path) as running:
        assert f"worker_self_reference_url = {running.url}\n" in (tmp_path / "etc" / "glance-api.conf").read_text()
