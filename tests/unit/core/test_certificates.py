"""What a certificate says of itself."""

from __future__ import annotations

import pytest
from tests.unit.core.issuing import END, PODS, SERVICE, chain

from glance_operator.core import certificates


def test_the_first_of_a_chain_tells_names_and_end() -> None:
    found = certificates.read(chain() + chain(("other.example.org",)))
    assert (found.names, found.not_after) == ((SERVICE, PODS), END)


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ((SERVICE,), [PODS]),
        ((SERVICE.upper(), PODS), []),
        (("*.images.svc.cluster.local",), [PODS]),
        (("*.svc.cluster.local", PODS), [SERVICE]),
        ((PODS,), [SERVICE]),
    ],
)
def test_a_wildcard_stands_for_one_label(names: tuple[str, ...], missing: list[str]) -> None:
    assert certificates.read(chain(names)).without([SERVICE, PODS]) == missing
    assert certificates.read(chain((PODS,))).without(["glance-0.glance-pods.images.svc.cluster.local"]) == []


def test_who_vouches_for_himself_is_told_from_who_does_not() -> None:
    itself = chain(issuer="")
    assert certificates.roots(itself) == itself
    assert certificates.roots(chain() + itself) == itself
    assert certificates.roots(chain()) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no certificate that can be read"),
        ("nonsense", "holds no certificate that can be read"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no certificate that can be read"),
        (chain(()), "without DNS names"),
    ],
)
def test_what_is_none_is_said(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        certificates.read(text)
    assert certificates.roots(text) == ""
