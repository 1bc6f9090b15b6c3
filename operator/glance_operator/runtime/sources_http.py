"""One request of a few bytes to one address, with an end in sight whatever the other side does.

A GET with a Range, not a HEAD: signed URLs are good for GET alone, and the first bytes of a qcow2 tell its virtual
size. Of a server that sends everything all the same the head is read, and no more.
"""

from __future__ import annotations

import io
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException, parse_headers

from glance_operator import __version__
from glance_operator.core.image.observed import Found

_CONNECT, _TOTAL = 3.0, 5.0  # seconds
_FIRST = 32  # bytes of the content that are asked for
_HEAD = 16384  # bytes of an answer's head that are read
_QCOW2 = b"QFI\xfb"
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Where:
    """What to ask for, and of whom."""

    tls: bool
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, or where it has moved to."""

    found: Found = field(default_factory=Found)
    location: str | None = None


def ask(where: Where, address: str) -> Answer:
    """Raises OSError or ValueError if no answer comes that can be understood."""
    with _connected(where, address) as line:
        line.sendall(_request(where))
        return _answer(*_read(line))


@contextmanager
def _connected(where: Where, address: str) -> Iterator[socket.socket]:
    """Cut off after a while, at whatever point: a timeout alone is begun anew by each byte."""
    line = socket.create_connection((address, where.port), _CONNECT)
    if where.tls:
        context = ssl.create_default_context()
        line = context.wrap_socket(line, server_hostname=where.host, do_handshake_on_connect=False)
    end = threading.Timer(_TOTAL, _cut, [line])
    end.daemon = True
    end.start()
    try:
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        yield line
    finally:
        end.cancel()
        line.close()


def _cut(line: socket.socket) -> None:
    with suppress(OSError):  # it may have ended by itself
        line.shutdown(socket.SHUT_RDWR)


def _request(where: Where) -> bytes:
    host = f"[{where.host}]" if ":" in where.host else where.host
    if re.search(r"[^\x21-\x7e]", where.path + host):
        raise ValueError("not an address")
    lines = [
        f"GET {where.path} HTTP/1.1",
        f"Host: {host}:{where.port}",
        f"User-Agent: glance-operator/{__version__}",
        f"Range: bytes=0-{_FIRST - 1}",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _read(line: socket.socket) -> tuple[bytes, bytes]:
    """Head and first bytes of the body."""
    said = b""
    while len(said) < _HEAD:
        head, end, body = said.partition(b"\r\n\r\n")
        if end and len(body) >= _FIRST:
            break
        if not (more := line.recv(4096)):
            break
        said += more
    head, _, body = said.partition(b"\r\n\r\n")
    return head, body[:_FIRST]


def _answer(head: bytes, body: bytes) -> Answer:
    first, _, rest = head.partition(b"\r\n")
    if not (status := re.fullmatch(rb"HTTP/1\.[01] (\d{3})( .*)?", first)):
        raise ValueError("not HTTP")
    code = int(status[1])
    try:
        headers = parse_headers(io.BytesIO(rest + b"\r\n\r\n"))
    except HTTPException as error:
        raise ValueError("not HTTP") from error
    if code in _MOVED:
        return Answer(location=headers.get("Location", ""))
    if code not in (200, 206) or headers.get("Content-Encoding", "identity") != "identity":
        return Answer()
    return Answer(Found(_size(code, headers), _virtual_size(headers, body)))


def _size(code: int, headers: Message) -> int | None:
    if code == 206:
        whole = re.fullmatch(r"bytes \d+-\d+/(\d{1,18})", headers.get("Content-Range", ""))
        return int(whole[1]) if whole else None
    length = headers.get("Content-Length", "")
    return int(length) if re.fullmatch(r"\d{1,18}", length) else None


def _virtual_size(headers: Message, body: bytes) -> int | None:
    """Of a qcow2, from its header; what is sent in pieces is left alone."""
    if headers.get("Transfer-Encoding") or len(body) < _FIRST or not body.startswith(_QCOW2):
        return None
    return int.from_bytes(body[24:32], "big")
