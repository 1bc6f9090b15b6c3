"""What a source offers: found with a few bytes, of those addresses only that may be asked, and never a failure."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from tests.support import eventually

from glance_operator.api.glanceapi.images import Sources as Filter
from glance_operator.core.image.sources import Answer, Fate
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


def hang_up(server: socket.socket) -> None:
    """Once, on whoever calls."""
    server.accept()[0].close()


class TestWhatIsFound:
    def test_the_size_with_a_few_bytes(self, source: Source) -> None:
        url = source.serve("plain", bytes(70000), Fault(headers={"Content-Type": "application/octet-stream; q=1"}))
        found = Sources(LOOPBACK).ask(url, allowing(source))
        assert found == Answer(
            Fate.ANSWERED,
            host="127.0.0.1",
            port=source.port,
            code=206,
            content_type="application/octet-stream",
            head=bytes(512),
            size=70000,
        )
        (asked,) = source.requests
        assert (asked.method, asked.headers["range"]) == ("GET", "bytes=0-511")
        assert "authorization" not in asked.headers

    def test_the_virtual_size_of_a_qcow2(self, source: Source) -> None:
        url = source.serve("disk", QCOW2)
        found = Sources(LOOPBACK).ask(url, allowing(source))
        assert (found.size, found.virtual_size, found.head) == (len(QCOW2), 7 << 30, QCOW2[:512])

    def test_of_a_server_that_sends_everything_no_more_than_the_head_is_read(self, source: Source) -> None:
        url = source.serve("stalls", bytes(70000), Fault(stall_after=512))
        assert Sources(LOOPBACK).ask(url, allowing(source)).size == 70000

    @pytest.mark.parametrize(
        ("fault", "wanted"),
        [
            (Fault(status=404), (Fate.ANSWERED, 404, None, 0.0)),
            (Fault(status=503, retry_after=77), (Fate.ANSWERED, 503, None, 77.0)),
            (Fault(credentials=("a", "b")), (Fate.ANSWERED, 401, None, 0.0)),
            (Fault(body=b""), (Fate.ANSWERED, 200, 0, 0.0)),
            (Fault(stall_after=0), (Fate.SILENT, 206, 9, 0.0)),
        ],
        ids=["not there", "broken, with a pause", "wants a password", "empty", "falls silent"],
    )
    def test_why_it_does_not_serve(
        self, source: Source, fault: Fault, wanted: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sources_http, "_TOTAL", 0.5)
        found = Sources(LOOPBACK).ask(source.serve("x", b"some file", fault), allowing(source))
        assert (found.fate, found.code, found.size, found.retry_after) == wanted

    def test_why_it_does_not_answer(self, source: Source) -> None:
        allowed = Filter(allowed_ports=(source.refusing_port,))
        assert Sources(LOOPBACK).ask(source.refusing_url("x"), allowed).fate is Fate.REFUSED
        unknown = Sources(LOOPBACK).ask("http://nowhere.invalid/x", patience=30)
        assert (unknown.fate, unknown.host) == (Fate.UNRESOLVED, "nowhere.invalid")
        https = Sources(LOOPBACK).ask(f"https://127.0.0.1:{source.port}/x", allowing(source))
        assert https.fate is Fate.UNTRUSTED

    def test_what_is_cut_off_at_once_is_no_http(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            threading.Thread(target=hang_up, args=(server,), daemon=True).start()
            found = Sources(LOOPBACK).ask(f"http://127.0.0.1:{port}/", Filter(allowed_ports=(port,)))
        assert found.fate is Fate.BROKEN

    def test_it_is_asked_once_in_a_while(self, source: Source) -> None:
        now = 0.0
        sources = Sources(LOOPBACK, lambda: now)
        url = source.serve("plain", bytes(10))
        assert [sources.ask(url, allowing(source)).size for _ in range(5)] == [10] * 5
        assert len(source.requests) == 1
        now = 301.0
        source.serve("plain", bytes(11))
        assert sources.ask(url, allowing(source)).size == 11

    def test_what_was_asked_before_a_moment_does_not_count_after_it(self, source: Source) -> None:
        now = 0.0
        sources = Sources(LOOPBACK, lambda: now)
        url = source.serve("plain", bytes(10))
        sources.ask(url, allowing(source))
        now = 1.0
        source.withdraw("plain")
        assert [sources.ask(url, allowing(source), since=1.0).code for _ in range(3)] == [404] * 3
        assert len(source.requests) == 2

    def test_who_does_not_wait_finds_the_answer_later(self, source: Source) -> None:
        sources, url = Sources(LOOPBACK), source.serve("plain", bytes(10))
        sources.ask(url, allowing(source), patience=0)
        eventually(lambda: sources.ask(url, allowing(source), patience=0).code, 5)
        assert sources.ask(url, allowing(source), patience=0).size == 10
        assert len(source.requests) == 1

    def test_who_only_wants_to_know_begins_nothing(self, source: Source) -> None:
        sources, url = Sources(LOOPBACK), source.serve("plain", bytes(10))
        assert sources.ask(url, allowing(source), known=True) == Answer()
        assert source.requests == []
        sources.ask(url, allowing(source))
        assert sources.ask(url, allowing(source), known=True).size == 10


class TestWhereItMoves:
    def test_a_redirect_is_followed(self, source: Source) -> None:
        source.serve("there", bytes(99))
        url = source.serve("here", b"", Fault(redirect="/there"))
        found = Sources(LOOPBACK).ask(url, allowing(source))
        assert (found.size, found.moved) == (99, True)

    def test_not_for_ever(self, source: Source) -> None:
        url = source.serve("round", b"", Fault(redirect="/round"))
        assert Sources(LOOPBACK).ask(url, allowing(source)).fate is Fate.CIRCLING
        assert len(source.requests) == 4

    def test_nor_to_where_nobody_may_go(self, source: Source) -> None:
        """The target is checked like the first address."""
        source.serve("there", bytes(99))
        url = source.serve("here", b"", Fault(redirect=f"http://127.0.0.2:{source.port}/there"))
        found = Sources(("127.0.0.1/32",)).ask(url, Filter(allowed_ports=(source.port,)))
        assert (found.fate, found.host, found.moved) == (Fate.FORBIDDEN, "127.0.0.2", True)
        assert [one.path for one in source.requests] == ["/here"]

    @pytest.mark.parametrize("target", ["http://127.0.0.1:1/x", "ftp://127.0.0.1/x", "http://[/"])
    def test_nor_to_where_glance_does_not_go(self, source: Source, target: str) -> None:
        url = source.serve("here", b"", Fault(redirect=target))
        assert Sources(LOOPBACK).ask(url, allowing(source)).fate is Fate.FILTERED


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
            assert Sources().ask(url, Filter(allowed_ports=(source.port,))).fate is Fate.FORBIDDEN
        assert source.requests == []

    @pytest.mark.parametrize("url", ["ftp://h/x", "file:///etc/passwd", "http:///x", "http://h:99999/", "no url"])
    def test_what_is_no_address_of_the_web(self, url: str) -> None:
        assert Sources(("0.0.0.0/0",)).ask(url) == Answer(Fate.FILTERED, words="Filtered")


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
            with pytest.raises(TimeoutError):
                sources_http.ask(where, "127.0.0.1")
        finally:
            over.set()


# (words, answer on the wire, content of which the source has told)
SAID = [
    ("in pieces", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
    ("in pieces that are none", b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", b""),
    ("in one", b"Content-Length: 3\r\n\r\nabc", b"abc"),
    ("packed on the way", b"Content-Encoding: gzip\r\n\r\nabc", b""),
]


@pytest.mark.parametrize(("words", "said", "content"), SAID, ids=[row[0] for row in SAID])
def test_how_content_is_sent(words: str, said: bytes, content: bytes) -> None:
    assert told(b"HTTP/1.1 200 OK\r\n" + said).head == content


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [("120", 120, 120), ("Thu, 01 Jan 2099 00:00:00 GMT", 1e9, 1e10), ("Thu, 01 Jan 1998 00:00:00 GMT", 0, 0)]
    + [(nonsense, 0, 0) for nonsense in ("soon", "-3", "", "9" * 30)],
)
def test_for_how_long_it_wants_to_be_left_alone(said: str, least: float, most: float) -> None:
    answer = told(f"HTTP/1.1 503 Busy\r\nRetry-After: {said}\r\n\r\n".encode())
    assert answer.code == 503
    assert least <= answer.retry_after <= most


def told(said: bytes) -> Answer:
    """What is found by somebody who is told this."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def say() -> None:
            line = server.accept()[0]
            with line:
                line.recv(4096)
                line.sendall(said)

        threading.Thread(target=say, daemon=True).start()
        port = server.getsockname()[1]
        return Sources(LOOPBACK).ask(f"http://127.0.0.1:{port}/", Filter(allowed_ports=(port,)))
