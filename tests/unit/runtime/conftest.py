"""What several tests need: a tiny image service and a client of it, and threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.unit.runtime.glance_lab import Lab
from tests.unit.runtime.image_service import ImageService


@pytest.fixture
def service() -> Iterator[ImageService]:
    with ImageService() as running:
        yield running


@pytest.fixture
def lab(service: ImageService) -> Lab:
    return Lab(service)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """More than any bound that is tested."""
    with ThreadPoolExecutor(40) as pool:
        yield pool
