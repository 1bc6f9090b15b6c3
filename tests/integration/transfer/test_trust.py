"""Who is trusted with what: credentials for one origin only, certificates, and what others may make of redirects."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.transfer.lab import Lab, digest

from sandbox_kit import images
from sandbox_kit.pki import Authority
from sandbox_kit.source import Fault, Source

DATA = images.raw(1 << 20)
PASSWORD = "s3cret-of-the-source"
BASIC = f"Basic {base64.b64encode(f'reader:{PASSWORD}'.encode()).decode()}"


@pytest.fixture
def elsewhere() -> Iterator[Source]:
    """Another origin."""
    with Source() as running:
        yield running


@pytest.fixture
def basic(lab: Lab) -> dict[str, str]:
    """As the Secret kubernetes.io/basic-auth would be mounted."""
    return {
        "usernameFile": lab.mounted("username", b"reader"),
        "passwordFile": lab.mounted("password", f"{PASSWORD}\n".encode()),
    }


def test_basic_credentials_open_the_source(lab: Lab, name: str, basic: dict[str, str]) -> None:
    url = lab.source.serve(name, DATA, Fault(credentials=("reader", PASSWORD)))
    assert lab.carry(url, source={"auth": basic}).code == 0
    refused = lab.carry(url)
    assert refused.verdict == (1, "SourceAnswered")
    assert refused.outcome["message"] == "source answered 401: check its credentials"


def test_a_whole_header_opens_it_too(lab: Lab, name: str) -> None:
    url = lab.source.serve(name, DATA, Fault(credentials=("reader", PASSWORD)))
    header = {"headerFile": lab.mounted("header", f"{BASIC}\n".encode())}
    assert lab.carry(url, source={"auth": header}).code == 0


def test_credentials_follow_no_redirect_to_another_origin(
    lab: Lab, name: str, basic: dict[str, str], elsewhere: Source
) -> None:
    target = elsewhere.serve(name, DATA)
    within = lab.source.serve(f"within-{name}", DATA, Fault(redirect=target))
    url = lab.source.serve(name, DATA, Fault(redirect=within))
    run = lab.carry(url, source={"auth": basic})
    assert run.code == 0, run.lines
    assert lab.source.requests_of(f"within-{name}")[0].headers["authorization"] == BASIC
    assert "authorization" not in elsewhere.requests_of(name)[0].headers


def test_nor_to_a_mirror_or_a_manifest_elsewhere(lab: Lab, name: str, basic: dict[str, str], elsewhere: Source) -> None:
    url = lab.source.serve(name, DATA, Fault(status=503))
    mirror = elsewhere.serve(name, DATA)
    sums = elsewhere.serve("SHA256SUMS", f"{digest('sha256', DATA)}  {name}\n".encode())
    run = lab.carry(url, mirror, source={"auth": basic}, manifest={"url": sums})
    assert run.code == 0, run.lines
    assert lab.source.requests_of(name)[0].headers["authorization"] == BASIC
    assert all("authorization" not in request.headers for request in elsewhere.requests)


def test_a_circle_of_redirects_ends(lab: Lab, name: str) -> None:
    url = lab.source.serve(name, DATA, Fault(redirect=lab.source.url_of(name)))
    run = lab.carry(url)
    assert run.verdict == (1, "SourceUnreachable")
    assert run.outcome["message"] == "source redirects more than 10 times"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("file:///etc/passwd", "redirects to what is no http or https address"),
        ("http://[half/a", "gives no answer that can be understood"),
        ("http://host:port/a", "gives no answer that can be understood"),
    ],
)
def test_a_redirect_to_something_else_is_not_followed(lab: Lab, name: str, target: str, words: str) -> None:
    run = lab.carry(lab.source.serve(name, DATA, Fault(redirect=target)))
    assert run.outcome["message"] == f"source {words}"


def test_a_private_authority_is_trusted_when_it_is_given(lab: Lab, name: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "pki")
    with Source(tls=authority.server("source")) as private:
        url = private.serve(name, DATA)
        assert lab.carry(url, source={"caFile": str(authority.pair.cert)}).code == 0
        strange = lab.carry(url)
    assert strange.verdict == (1, "SourceUnreachable")
    assert strange.outcome["message"].startswith("source is not trusted: ")


def test_the_proxy_of_the_environment_is_used(lab: Lab, name: str) -> None:
    """Which here has not what it is asked for."""
    url = f"http://nowhere.invalid/{name}"
    run = lab.carry_with({"HTTP_PROXY": lab.source.url}, url)
    assert run.verdict == (1, "SourceAnswered")
    assert [request.path for request in lab.source.requests if name in request.path] == [url]


def test_nothing_secret_is_said(lab: Lab, name: str, basic: dict[str, str]) -> None:
    url = lab.source.serve(name, DATA, Fault(credentials=("reader", "another")))
    run = lab.carry(f"{url}?signature=s3cret-too", source={"auth": basic})
    assert run.verdict == (1, "SourceAnswered")
    text = run.output.read_text()
    assert not [word for word in ("s3cret", "reader", BASIC.split()[1]) if word in text]
