"""Tokens: few are asked for, and one that ends in the middle of an import ends nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.integration.keystone.conftest import CloudLab
from tests.integration.keystone.doorway import Doorway

from sandbox_kit import images
from sandbox_kit.keystone import Keystone
from sandbox_kit.source import Fault

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 16)
SHORT, IMPORT = 4, 8  # seconds: the life of a token, and how long an import takes at least


def test_one_token_serves_twenty_images(lab: CloudLab, name: str, doorway: Doorway) -> None:
    lab.apply(lab.credentials(name, lab.clouds(auth={"auth_url": doorway.url})))
    names = [f"{name}-{n}" for n in range(20)]
    url = lab.source.serve(name, DATA)
    lab.apply(*[lab.image(one, url, name) for one in names])
    for one in names:
        lab.ready(one)
    assert len(doorway.tokens) == 1


def test_the_same_credentials_in_two_secrets_share_a_token(lab: CloudLab, name: str, doorway: Doorway) -> None:
    names, url = [f"{name}-{n}" for n in range(2)], lab.source.serve(name, DATA)
    for one in names:
        lab.apply(lab.credentials(one, lab.clouds(auth={"auth_url": doorway.url})), lab.image(one, url, one))
    for one in names:
        lab.ready(one)
    assert len(doorway.tokens) == 1


@pytest.fixture
def short_lived(keystone: Keystone) -> Iterator[None]:
    """Tokens, of a Keystone started anew; nobody is in the middle of anything, so that it may be killed."""
    start_again(keystone, SHORT)
    yield
    start_again(keystone, 3600)


def start_again(keystone: Keystone, token_seconds: int) -> None:
    keystone.configure(token_seconds)
    keystone.kill()
    keystone.start()


@pytest.mark.usefixtures("short_lived")
def test_tokens_that_end_during_an_import(lab: CloudLab, name: str, keystone: Keystone) -> None:
    """One end is known beforehand; the other is not, as if the token was revoked: the service refuses it suddenly."""
    with Doorway(keystone.url) as honest, Doorway(keystone.url, expires_at="2099-01-01T00:00:00.000000Z") as lying:
        doorways = {f"{name}-known": honest, f"{name}-sudden": lying}
        for one, doorway in doorways.items():
            url = lab.source.serve(one, DATA, Fault(rate=len(DATA) // IMPORT))
            lab.apply(lab.credentials(one, lab.clouds(auth={"auth_url": doorway.url})))
            lab.apply(lab.image(one, url, one, stores={"all": {}}, visibility="public"))
        for one, doorway in doorways.items():
            assert lab.ready(one)["status"]["storesReady"] == "3/3"
            assert len(doorway.tokens) > 1
            assert len(lab.source.requests_of(one)) == 1
