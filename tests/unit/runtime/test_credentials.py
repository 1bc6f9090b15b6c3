"""Secrets with a clouds.yaml: read seldom, and what is wrong with one is said without showing it."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from glance_operator.core.image.observed import Cause
from glance_operator.runtime.credentials import CredentialsReader, ca_file, parse
from glance_operator.runtime.errors import Unavailable
from glance_operator.runtime.rest import ApiError

SECRET = "correct-horse-battery"
GOOD = f"clouds: {{lab: {{auth: {{password: {SECRET}}}}}, other: {{}}}}".encode()

# words, the Secret's data, what is said of it
MALFORMED: list[tuple[str, dict[str, bytes], str]] = [
    ("empty", {}, r"has no key clouds.yaml \(it has: none\)"),
    ("another key", {"clouds.yml": GOOD, "b": b""}, r"has no key clouds.yaml \(it has: b, clouds.yml\)"),
    ("an empty file", {"clouds.yaml": b""}, "no mapping named clouds at its top"),
    ("a list at the top", {"clouds.yaml": f"- {SECRET}".encode()}, "no mapping named clouds at its top"),
    ("a text", {"clouds.yaml": SECRET.encode()}, "no mapping named clouds at its top"),
    ("a list of clouds", {"clouds.yaml": f"clouds: [{SECRET}]".encode()}, "no mapping named clouds at its top"),
    ("no clouds", {"clouds.yaml": b"clouds: {}"}, r"has no cloud named lab \(it has: none\)"),
    ("not this one", {"clouds.yaml": b"clouds: {b: {}, a: {}}"}, r"has no cloud named lab \(it has: a, b\)"),
    ("a number for a name", {"clouds.yaml": b"clouds: {2024: {}, a: {}}"}, r"no cloud named lab \(it has: 2024, a\)"),
    ("a cloud that is nothing", {"clouds.yaml": b"clouds: {lab: }"}, "cloud lab in clouds.yaml is not a mapping"),
    (
        "a cloud that is a text",
        {"clouds.yaml": f"clouds: {{lab: {SECRET}}}".encode()},
        "lab in .* is not a map",
    ),
    (
        "tabs",
        {"clouds.yaml": f"clouds:\n  lab:\n\t\tpassword: {SECRET}".encode()},
        "not YAML: line 3, column 1 is a tab: indent with spaces",
    ),
    ("not YAML", {"clouds.yaml": f"clouds: {{lab: [{SECRET}".encode()}, r"not YAML: line 1, column \d+$"),
    ("a second colon", {"clouds.yaml": f"password: {SECRET}: x".encode()}, r"not YAML: line 1, column \d+$"),
    ("latin-1", {"clouds.yaml": f"clouds: {{lab: {{x: {SECRET}é}}}}".encode("latin-1")}, "not UTF-8 text"),
    ("bytes", {"clouds.yaml": SECRET.encode() + b"\x00"}, "is not YAML"),
    ("objects of Python", {"clouds.yaml": f"clouds: !!python/object:{SECRET} {{}}".encode()}, "is not YAML"),
    ("no such day", {"clouds.yaml": b"clouds: {lab: {password: 2024-13-45}}"}, "is not YAML"),
    ("no number", {"clouds.yaml": f"clouds: !!int {SECRET}".encode()}, "is not YAML"),
    ("too deep", {"clouds.yaml": b"clouds: " + b"[" * 1200}, "is not YAML"),
    ("too long", {"clouds.yaml": b"# " + b"x" * (1 << 16)}, "longer than 65536 bytes"),
    (
        "a bomb of aliases",
        {
            "clouds.yaml": "\n".join(
                ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
            ).encode()
        },
        "more than 16 aliases",
    ),
    (
        "a bomb of merges",
        {
            "clouds.yaml": "\n".join(
                ["a0: &a0 {x: y}"] + [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)]
            ).encode()
        },
        "more than 16 aliases",
    ),
]


@pytest.mark.parametrize(("words", "data", "said"), MALFORMED, ids=[row[0] for row in MALFORMED])
def test_what_is_wrong_is_said_and_nothing_is_shown(words: str, data: dict[str, bytes], said: str) -> None:
    with pytest.raises(Unavailable) as caught:
        parse(data, "lab", "Secret ns/openstack")
    told = caught.value.state.message
    assert told.startswith("Secret ns/openstack")
    assert re.search(said, told), told
    assert (caught.value.cause, caught.value.state.reason) == (Cause.INVALID, "CredentialsInvalid")
    assert SECRET not in told
    assert SECRET not in str(caught.value)


def test_a_good_one() -> None:
    found = parse({"clouds.yaml": GOOD, "cacert": b"pem"}, "lab", "Secret ns/s")
    assert (found.settings, found.ca) == ({"auth": {"password": SECRET}}, b"pem")
    assert SECRET not in found.digest


def test_aliases_are_fine_where_they_only_save_words() -> None:
    text = b"auth: &auth {password: x}\nclouds: {a: &a {auth: *auth}, lab: {<<: *a, region_name: west}}"
    found = parse({"clouds.yaml": text}, "lab", "Secret ns/s")
    assert found.settings == {"auth": {"password": "x"}, "region_name": "west"}


def test_the_digest_tells_whether_two_are_the_same() -> None:
    one = parse({"clouds.yaml": GOOD}, "lab", "a").digest
    assert one == parse({"clouds.yaml": GOOD + b"\n# a remark", "more": b""}, "lab", "b").digest
    others = [
        parse({"clouds.yaml": GOOD}, "other", "a").digest,
        parse({"clouds.yaml": GOOD.replace(SECRET.encode(), b"x")}, "lab", "a").digest,
        parse({"clouds.yaml": GOOD, "cacert": b"pem"}, "lab", "a").digest,
    ]
    assert len({one, *others}) == 4


class Secrets:
    """Secrets in memory, and how often each was read."""

    def __init__(self, **data: dict[str, bytes]) -> None:
        self.there, self.reads, self.now = data, list[str](), 100.0
        self.trouble: ApiError | None = None
        self.free = threading.Event()
        self.free.set()
        self.reader = CredentialsReader(self, lambda: self.now)

    def get_secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        self.reads.append(f"{namespace}/{name}")
        self.free.wait(10)
        if self.trouble:
            raise self.trouble
        return self.there.get(name)

    def read_after(self, seconds: float) -> bool:
        """Whether a look after so much time reads the Secret again."""
        self.now += seconds
        before = len(self.reads)
        with suppress(Unavailable):
            self.reader.read("ns", "s", "lab")
        return len(self.reads) > before


def test_one_read_serves_many() -> None:
    secrets = Secrets(s={"clouds.yaml": GOOD})
    secrets.free.clear()
    with ThreadPoolExecutor(20) as threads:
        futures = [threads.submit(secrets.reader.read, "ns", "s", cloud) for cloud in ["lab", "other"] * 20]
        secrets.free.set()
        assert {one.result(5).digest for one in futures} == {
            secrets.reader.read("ns", "s", cloud).digest for cloud in ("lab", "other")
        }
    assert secrets.reads == ["ns/s"]


def test_an_entry_is_parsed_once_a_reading() -> None:
    secrets = Secrets(s={"clouds.yaml": GOOD})
    first = secrets.reader.read("ns", "s", "lab")
    secrets.reader.reread_soon("ns", "s")
    assert secrets.reader.read("ns", "s", "lab") is first
    secrets.there["s"] = {"clouds.yaml": GOOD.replace(SECRET.encode(), b"other")}
    secrets.now += 9
    assert secrets.reader.read("ns", "s", "lab").settings == {"auth": {"password": "other"}}


def test_each_secret_is_read_for_itself() -> None:
    secrets = Secrets(s={"clouds.yaml": GOOD}, t={"clouds.yaml": GOOD})
    for namespace, name in [("a", "s"), ("b", "s"), ("a", "t"), ("a", "s")]:
        secrets.reader.read(namespace, name, "lab")
    assert secrets.reads == ["a/s", "b/s", "a/t"]


@pytest.mark.parametrize(
    ("words", "data", "seconds"),
    [
        ("good", {"clouds.yaml": GOOD}, 60),
        ("malformed", {"clouds.yaml": b"["}, 9),
        ("without the cloud", {"clouds.yaml": b"clouds: {}"}, 9),
        ("absent", None, 9),
    ],
)
def test_when_it_is_read_again(words: str, data: dict[str, bytes] | None, seconds: float) -> None:
    secrets = Secrets(**({"s": data} if data is not None else {}))
    assert secrets.read_after(0)
    assert not secrets.read_after(seconds - 0.5)
    assert secrets.read_after(0.5)


def test_a_good_one_that_does_not_work_is_read_again_sooner() -> None:
    secrets = Secrets(s={"clouds.yaml": GOOD})
    secrets.read_after(0)
    secrets.reader.reread_soon("ns", "s")
    assert not secrets.read_after(8.5)
    secrets.reader.reread_soon("ns", "s")  # saying it again puts nothing off
    assert secrets.read_after(0.5)


def test_or_at_once_if_somebody_says_so() -> None:
    secrets = Secrets(s={"clouds.yaml": GOOD})
    secrets.read_after(0)
    secrets.reader.reread_now("ns", "s")
    assert secrets.read_after(0)


def test_a_secret_that_is_not_there_says_how_to_make_it() -> None:
    with pytest.raises(Unavailable, match=r"Secret ns/s does not exist: create it with the key clouds\.yaml") as caught:
        Secrets().reader.read("ns", "s", "lab")
    assert (caught.value.cause, caught.value.state.reason) == (Cause.MISSING, "CredentialsNotFound")


def test_a_secret_that_may_not_be_read_says_so_and_is_awaited() -> None:
    secrets = Secrets(s={"clouds.yaml": GOOD})
    secrets.trouble = ApiError(403, "Forbidden", 'User "glance-operator" cannot get resource "secrets"')
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"may not read Secret ns/s: User .* cannot get") as caught:
            secrets.reader.read("ns", "s", "lab")
        assert (caught.value.cause, caught.value.state.reason) == (Cause.INVALID, "CredentialsForbidden")
    assert len(secrets.reads) == 1
    secrets.trouble = None
    secrets.now += 9
    assert secrets.reader.read("ns", "s", "lab").settings


def test_an_api_server_out_of_order_says_nothing_about_the_secret() -> None:
    secrets = Secrets(s={"clouds.yaml": GOOD})
    secrets.trouble = ApiError(500, "InternalError", "etcd")
    with pytest.raises(ApiError):
        secrets.reader.read("ns", "s", "lab")
    secrets.trouble = None
    assert secrets.reader.read("ns", "s", "lab").settings


@pytest.mark.parametrize("known", [True, False])
def test_two_who_want_it_read_again_do_not_disturb_each_other(known: bool) -> None:
    secrets = Secrets(s={"clouds.yaml": GOOD})
    if known:
        secrets.read_after(0)
    secrets.reader.reread_now("ns", "s")
    secrets.reader.reread_soon("ns", "s")  # another thread's, meanwhile
    assert secrets.read_after(0)


def test_a_secret_that_came_later_is_found() -> None:
    secrets = Secrets()
    secrets.read_after(0)
    secrets.there["s"] = {"clouds.yaml": GOOD}
    secrets.now += 9
    assert secrets.reader.read("ns", "s", "lab").settings


def test_certificates_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert ca_file(b"") is None
    one, again, other = ca_file(b"pem"), ca_file(b"pem"), ca_file(b"another")
    assert one == again != other
    assert one is not None
    assert Path(one).read_bytes() == b"pem"
    assert len(list(tmp_path.iterdir())) == 2
