"""A namespace of the real API server with our kinds, and what it says to the tables' refused cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.crds.server import Answer, Server
from tests.crds.tables import CHANGES, REFUSED, Case

from sandbox_kit.control_plane import ControlPlane


@pytest.fixture(scope="session")
def server(crds_installed: ControlPlane) -> Iterator[Server]:
    """The API server with our kinds; what is created goes into a namespace of this suite."""
    crds_installed.run_kubectl("create", "namespace", "crds")
    server = Server(crds_installed, "crds")
    yield server
    server.close()


@pytest.fixture(scope="session")
def answers(server: Server) -> dict[str, Answer]:
    """What the server says to every case that it should refuse, by the case's name."""
    return {str(case): server.create(case.body) for case in REFUSED} | {str(c): _change(server, c) for c in CHANGES}


def _change(server: Server, case: Case) -> Answer:
    assert case.before
    server.create(case.before, dry=False).taken()
    answer = server.replace(case.body)
    server.delete(case.before).taken()
    return answer
