"""HTTP to what runs on this machine: a proxy named in the environment has no business there."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from sandbox_kit.pki import Pair


@contextmanager
def session() -> Iterator[requests.Session]:
    """A session that goes straight to loopback."""
    with requests.Session() as direct:
        direct.trust_env = False
        yield direct


def answers(url: str, authority: Pair | None = None, client: Pair | None = None) -> bool:
    """Whether a GET of `url` gives a success or a redirect; False, too, when nobody listens."""
    try:
        with session() as direct:
            direct.verify = str(authority.cert) if authority else True
            direct.cert = (str(client.cert), str(client.key)) if client else None
            return direct.get(url, timeout=5).ok
    except requests.RequestException:
        return False
