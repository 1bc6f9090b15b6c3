"""One request of a few bytes to one address, with an end in sight whatever the other side does.

A GET with a Range, not a HEAD: signed URLs are good for GET alone, and the first bytes tell what the content is, and
of a qcow2 its virtual size. Of a server that sends everything all the same the head is read, and no more.
"""

from __future__ import annotations

import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, parse_headers

from glance_operator import __version__
from glance_operator.core.image.sources import Answer, Fate

_CONNECT, _TOTAL = 3.0, 5.0  # seconds
_FIRST = 512  # bytes of the content that are asked for
_HEAD = 16384  # bytes of an answer's head that are read
_QCOW2, _QCOW2_HEAD = b"QFI\xfb", 32  # its first word, and the bytes up to its virtual size
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Where:
    """What to ask for, and of whom."""

    tls: bool
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered, or where it has moved to."""

    answer: Answer = field(default_factory=Answer)
    location: str | None = None


def ask(where: Where, address: str) -> Reply:
    """Raises OSError or ValueError if no answer comes that can be understood; TimeoutError if it is cut off before."""
    with _connected(where, address) as (line, late):
        line.sendall(_request(where))
        head, body, silent = _read(line)
        return _reply(head, body, silent or late.is_set())


@contextmanager
def _connected(where: Where, address: str) -> Iterator[tuple[socket.socket, threading.Event]]:
    """Cut off after a while, at whatever point, which the event tells: a timeout alone is begun anew by each byte."""
    line, late = socket.create_connection((address, where.port), _CONNECT), threading.Event()
    if where.tls:
        context = ssl.create_default_context()
        line = context.wrap_socket(line, server_hostname=where.host, do_handshake_on_connect=False)
    end = threading.Timer(_TOTAL, _cut, [line, late])
    end.daemon = True
    end.start()
    try:
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        yield line, late
    except OSError as error:
        if late.is_set():
            raise TimeoutError from error
        raise
    finally:
        end.cancel()
        line.close()


def _cut(line: socket.socket, late: threading.Event) -> None:
    late.set()
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


def _read(line: socket.socket) -> tuple[bytes, bytes, bool]:
    """Head, first bytes of the body, and whether it fell silent before that was enough."""
    said, silent = b"", False
    while len(said) < _HEAD and not _is_enough(said):
        try:
            more = line.recv(4096)
        except TimeoutError:
            more, silent = b"", True
        if not more:
            break
        said += more
    head, _, body = said.partition(b"\r\n\r\n")
    return head, body, silent


def _is_enough(said: bytes) -> bool:
    """What is no file needs no body."""
    head, end, body = said.partition(b"\r\n\r\n")
    return bool(end) and (len(body) >= _FIRST or not re.match(rb"HTTP/1\.[01] 20[06]\b", head))


def _reply(head: bytes, body: bytes, late: bool) -> Reply:
    first, _, rest = head.partition(b"\r\n")
    if not (status := re.fullmatch(rb"HTTP/1\.[01] (\d{3})( .*)?", first)):
        raise TimeoutError if late else ValueError("not HTTP")
    code = int(status[1])
    try:
        headers = parse_headers(io.BytesIO(rest + b"\r\n\r\n"))
    except HTTPException as error:
        raise ValueError("not HTTP") from error
    if code in _MOVED:
        return Reply(location=headers.get("Location", ""))
    return Reply(_answer(code, headers, _content(headers, body), late))


def _answer(code: int, headers: Message, content: bytes, late: bool) -> Answer:
    """``content``: its first bytes. ``late``: they were cut off."""
    kind = re.sub(r"[^!-~]", "", headers.get("Content-Type", "").partition(";")[0]).lower()[:80]
    told = Answer(Fate.ANSWERED, code=code, content_type=kind, retry_after=_pause(headers))
    if code not in (200, 206) or headers.get("Content-Encoding", "identity") != "identity":
        return told
    size = _size(code, headers)
    silent = late and len(content) < min(_FIRST, _FIRST if size is None else size)
    return replace(
        told,
        fate=Fate.SILENT if silent else Fate.ANSWERED,
        head=content,
        size=size,
        virtual_size=_virtual_size(content),
    )


def _content(headers: Message, body: bytes) -> bytes:
    """Without the length that stands before each piece of what is sent in pieces."""
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        length, _, rest = body.partition(b"\r\n")
        body = rest[: int(length, 16)] if re.fullmatch(rb"[0-9a-fA-F]{1,8}", length) else b""
    return body[:_FIRST]


def _pause(headers: Message) -> float:
    """Seconds of a Retry-After, whether it counts them or names a time."""
    said = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", said):
        return float(said)
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    return 0.0


def _size(code: int, headers: Message) -> int | None:
    if code == 206:
        whole = re.fullmatch(r"bytes \d+-\d+/(\d{1,18})", headers.get("Content-Range", ""))
        return int(whole[1]) if whole else None
    length = headers.get("Content-Length", "")
    return int(length) if re.fullmatch(r"\d{1,18}", length) else None


def _virtual_size(content: bytes) -> int | None:
    """Of a qcow2, from its header."""
    if len(content) < _QCOW2_HEAD or not content.startswith(_QCOW2):
        return None
    return int.from_bytes(content[24:_QCOW2_HEAD], "big")
