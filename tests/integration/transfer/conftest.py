"""The program against the real Glance and a source that can fail."""

import uuid
from pathlib import Path

import pytest
from tests.integration.transfer.lab import Lab

from sandbox_kit.glance import Glance
from sandbox_kit.source import Source


@pytest.fixture(scope="session")
def lab(glance: Glance, source: Source, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(glance, source, Path(tmp_path_factory.mktemp("transfer")))


@pytest.fixture
def name() -> str:
    """A file name of this test's own."""
    return f"{uuid.uuid4().hex[:8]}.img"
