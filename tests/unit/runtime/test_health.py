"""The health server, asked over HTTP as the kubelet does."""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from glance_operator.runtime.health import Health


class Asked:
    def __init__(self) -> None:
        self.wrong: list[str] = []
        checks = {"/healthz": lambda: self.wrong, "/readyz": list[str]}
        self.health = Health("127.0.0.1", 0, checks, lambda: b"metric 1\n")

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def asked() -> Iterator[Asked]:
    asked = Asked()
    asked.health.start()
    yield asked
    asked.health.stop()


def test_all_is_well(asked: Asked) -> None:
    assert asked.get("/healthz") == (200, "ok\n")
    assert asked.get("/readyz?verbose=1") == (200, "ok\n")
    assert asked.get("/metrics") == (200, "metric 1\n")


def test_what_is_wrong_is_said(asked: Asked) -> None:
    asked.wrong = ["the feed stands still", "a worker is stuck"]
    assert asked.get("/healthz") == (503, "the feed stands still\na worker is stuck\n")
    assert asked.get("/readyz") == (200, "ok\n")


def test_other_paths_are_not_found(asked: Asked) -> None:
    status, text = asked.get("/")
    assert status == 404
    assert "/metrics" in text
