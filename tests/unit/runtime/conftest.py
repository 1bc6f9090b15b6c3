"""A tiny image service and a client of it, for all tests of the client."""

from __future__ import annotations

from collections.abc import Iterator

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
