"""The size of a source: found with a few bytes, of those addresses only that may be asked, and never a failure."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from glance_operator.api.glanceapi.images import Sources as Filter
from glance_operator.core.image.observed import Found
from glance_operator.runtime import sources_http
from glance_operator.runtime.sources import Sources, lets_through, may_be_asked
from sandbox_kit.source import Fault, Source

LOOPBACK = ("127.0.0.0/8",)
QCOW2 = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, 0, 0, 16, 7 << 30) + bytes(5000)


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as running:
        yield running


def allowing(source: Source) -> Filter:
    return Filter(allowed_hosts=("127.0.0.1",), allowed_ports=(source.port,))


class TestWhatIsFound:
    def test_the_size_with_a_few_bytes(self, source: Source) -> None:
        url = source.serve("plain", bytes(70000))
        assert Sources(LOOPBACK).ask(url, allowing(source)) == Found(70000)
        (asked,) = source.requests
        assert (asked.method, asked.headers["range"]) == ("GET", "bytes=0-31")
        assert "authorization" not in asked.headers

    def test_the_virtual_size_of_a_qcow2(self, source: Source) -> None:
        url = source.serve("disk", QCOW2)
        assert Sources(LOOPBACK).ask(url, allowing(source)) == Found(len(QCOW2), 7 << 30)

    def test_of_a_server_that_sends_everything_no_more_than_the_head_is_read(self, source: Source) -> None:
        url = source.serve("stalls", bytes(70000), Fault(stall_after=32))
        assert Sources(LOOPBACK).ask(url, allowing(source)).size == 70000

    @pytest.mark.parametrize(
        "fault",
        [Fault(status=404), Fault(status=500), Fault(credentials=("a", "b")), Fault(cut_after=0, stall_after=0)],
        ids=["not there", "broken", "wants a password", "says nothing of the content"],
    )
    def test_what_does_not_tell_is_not_known(self, source: Source, fault: Fault) -> None:
        found = Sources(LOOPBACK).ask(source.serve("x", b"", fault), allowing(source))
        assert found.size in (None, 0)

    def test_nor_is_what_refuses(self, source: Source) -> None:
        allowed = Filter(allowed_ports=(source.refusing_port,))
        assert Sources(LOOPBACK).ask(source.refusing_url("x"), allowed) == Found()

    def test_it_is_asked_once_in_a_while(self, source: Source) -> None:
        now = 0.0
        sources = Sources(LOOPBACK, lambda: now)
        url = source.serve("plain", bytes(10))
        assert [sources.ask(url, allowing(source)).size for _ in range(5)] == [10] * 5
        assert len(source.requests) == 1
        now = 301.0
        source.serve("plain", bytes(11))
        assert sources.ask(url, allowing(source)).size == 11

    def test_who_only_wants_to_know_begins_nothing(self, source: Source) -> None:
        sources, url = Sources(LOOPBACK), source.serve("plain", bytes(10))
        assert sources.ask(url, allowing(source), known=True) == Found()
        assert source.requests == []
        sources.ask(url, allowing(source))
        assert sources.ask(url, allowing(source), known=True) == Found(10)


class TestWhereItMoves:
    def test_a_redirect_is_followed(self, source: Source) -> None:
        source.serve("there", bytes(99))
        url = source.serve("here", b"", Fault(redirect="/there"))
        assert Sources(LOOPBACK).ask(url, allowing(source)) == Found(99)

    def test_not_for_ever(self, source: Source) -> None:
        url = source.serve("round", b"", Fault(redirect="/round"))
        assert Sources(LOOPBACK).ask(url, allowing(source)) == Found()
        assert len(source.requests) == 4

    def test_nor_to_where_nobody_may_go(self, source: Source) -> None:
        """The target is checked like the first address."""
        source.serve("there", bytes(99))
        url = source.serve("here", b"", Fault(redirect=f"http://127.0.0.2:{source.port}/there"))
        assert Sources(("127.0.0.1/32",)).ask(url, Filter(allowed_ports=(source.port,))) == Found()
        assert [one.path for one in source.requests] == ["/here"]


class TestWhoMayBeAsked:
    @pytest.mark.parametrize(
        "address",
        "127.0.0.1 ::1 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 fe80::1 fc00::1 224.0.0.1 "
        "::ffff:10.0.0.1 64:ff9b::a00:1 2002:a00:1:: 198.18.0.1 240.0.0.1 255.255.255.255".split(),
    )
    def test_not_what_is_near(self, address: str) -> None:
        assert not may_be_asked(ipaddress.ip_address(address))

    @pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1", "::ffff:1.1.1.1"])
    def test_the_public_internet(self, address: str) -> None:
        assert may_be_asked(ipaddress.ip_address(address))

    def test_what_the_administrator_names(self) -> None:
        networks = [ipaddress.ip_network("10.0.0.0/8")]
        assert may_be_asked(ipaddress.ip_address("10.1.2.3"), networks)
        assert may_be_asked(ipaddress.ip_address("::ffff:10.1.2.3"), networks)
        assert not may_be_asked(ipaddress.ip_address("192.168.1.1"), networks)

    def test_loopback_is_asked_nothing(self, source: Source) -> None:
        for host in ("127.0.0.1", "localhost"):
            url = f"http://{host}:{source.port}/plain"
            assert Sources().ask(url, Filter(allowed_ports=(source.port,))) == Found()
        assert source.requests == []

    @pytest.mark.parametrize("url", ["ftp://h/x", "file:///etc/passwd", "http:///x", "http://h:99999/", "no url"])
    def test_what_is_no_address_of_the_web(self, url: str) -> None:
        assert Sources(("0.0.0.0/0",)).ask(url) == Found()


@pytest.mark.parametrize(
    ("words", "rules", "url", "passes"),
    [
        ("as Glance has it", {}, "https://h/x", True),
        ("another port", {}, "http://h:8080/x", False),
        ("a port that is allowed", {"allowed_ports": (8080,)}, "http://h:8080/x", True),
        ("another host than the allowed", {"allowed_hosts": ("g",)}, "http://h/x", False),
        ("a host that is not allowed", {"disallowed_hosts": ("h",)}, "http://h/x", False),
        ("a scheme that is not allowed", {"disallowed_schemes": ("http",)}, "http://h/x", False),
    ],
)
def test_the_service_s_own_filter_is_kept(
    words: str, rules: dict[str, tuple[object, ...]], url: str, passes: bool
) -> None:
    assert lets_through(Filter.model_validate(rules), urlsplit(url)) is passes


def test_who_says_little_by_little_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then begins each timeout anew; the whole has an end all the same."""
    monkeypatch.setattr(sources_http, "_TOTAL", 0.5)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            line = server.accept()[0]
            with line:
                while not over.wait(0.05):
                    try:
                        line.sendall(b"x")
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        where = sources_http.Where(tls=False, host="127.0.0.1", port=server.getsockname()[1], path="/")
        try:
            with pytest.raises(ValueError, match="not HTTP"):
                sources_http.ask(where, "127.0.0.1")
        finally:
            over.set()
