"""What a URL offers: asked carefully, as the URL is anybody's and we stand where others cannot.

Only addresses of the public Internet are asked, and those of the networks that the administrator names; a name is
resolved once, and the connection goes to the address that was checked. No answer is no failure: why there is none is an
answer, too.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from glance_operator.api.glanceapi.images import Sources as Filter
from glance_operator.core.image.sources import Answer, Fate
from glance_operator.runtime import sources_http as http

_GOOD_FOR = 300.0  # seconds for which an answer, or that there was none, is believed
_PATIENCE = 1.5  # seconds that a pass waits; what comes later is there for the next one
_AT_ONCE = 16
_KEPT = 1000  # answers
_REDIRECTS = 3
_PORTS = {"http": 80, "https": 443}
_HIDDEN = tuple(ipaddress.ip_network(n) for n in ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Forbidden(Exception):  # noqa: N818
    """An address that we do not ask."""


class Filtered(Exception):  # noqa: N818
    """An address that Glance itself would not ask."""


# The order counts: some of these are kinds of others.
_FATES: tuple[tuple[type[Exception], Fate], ...] = (
    (Filtered, Fate.FILTERED),
    (Forbidden, Fate.FORBIDDEN),
    (socket.gaierror, Fate.UNRESOLVED),
    (ssl.SSLError, Fate.UNTRUSTED),
    (TimeoutError, Fate.TIMED_OUT),
    (ConnectionRefusedError, Fate.REFUSED),
    (ConnectionError, Fate.BROKEN),
    (ValueError, Fate.BROKEN),
    (Exception, Fate.UNREACHABLE),
)


@dataclass(slots=True)
class _Asked:
    """One question: since when it is open, and what came of it."""

    since: float
    done: threading.Event = field(default_factory=threading.Event)
    answer: Answer = field(default_factory=Answer)


class Sources:
    """Asks each URL at most once in some minutes. Thread-safe."""

    def __init__(self, networks: Iterable[str] = (), clock: Callable[[], float] = time.monotonic) -> None:
        """``networks``: CIDRs that may be asked although they are not of the public Internet."""
        self._networks = tuple(ipaddress.ip_network(one) for one in networks)
        self._clock, self._lock = clock, threading.Lock()
        self._asked: dict[tuple[str, str], _Asked] = {}
        self._free = threading.Semaphore(_AT_ONCE)

    def ask(
        self,
        url: str,
        allowed: Filter | None = None,
        *,
        known: bool = False,
        since: float = float("-inf"),
        patience: float = _PATIENCE,
    ) -> Answer:
        """What is known of it after a short wait; Fate.PENDING if that was too short.

        allowed: where the image service itself may fetch from. known: only what was asked before is told. since: only
        what was asked after that time (of the clock) counts. patience: seconds to wait, at most.
        """
        asked, mine = self._question(url, allowed or Filter(), since, known)
        if mine:
            threading.Thread(target=self._answer, args=(asked, url, allowed or Filter()), daemon=True).start()
        asked.done.wait(max(0.0, asked.since + patience - self._clock()))
        return asked.answer

    def _question(self, url: str, allowed: Filter, since: float, known: bool) -> tuple[_Asked, bool]:
        """The open or answered one, or a new one, which the caller has to have answered."""
        key, now = (url, repr(allowed)), self._clock()
        with self._lock:
            before = self._asked.get(key)
            if before and before.since >= since and now - before.since < _GOOD_FOR:
                return before, False
            if known or not self._free.acquire(blocking=False):
                return _Asked(float("-inf")), False
            if len(self._asked) >= _KEPT:
                self._asked = {one: a for one, a in self._asked.items() if now - a.since < _GOOD_FOR / 10}
            self._asked[key] = asked = _Asked(now)
            return asked, True

    def _answer(self, asked: _Asked, url: str, allowed: Filter) -> None:
        try:
            asked.answer = self._look(url, allowed)
        finally:
            self._free.release()
            asked.done.set()

    def _look(self, url: str, allowed: Filter) -> Answer:
        for redirects in range(_REDIRECTS + 1):
            reply, moved = self._once(url, allowed), redirects > 0
            if reply.location is None:
                return replace(reply.answer, **_place(url), moved=moved)
            url = _joined(url, reply.location)
        return Answer(Fate.CIRCLING, **_place(url), moved=True)

    def _once(self, url: str, allowed: Filter) -> http.Reply:
        try:
            return http.ask(*self._admitted(url, allowed))
        except (OSError, ValueError, Forbidden, Filtered) as error:
            return http.Reply(_fate(error))

    def _admitted(self, url: str, allowed: Filter) -> tuple[http.Where, str]:
        """What to ask, and at which address. A host without one is told of before any filter: none lets it pass."""
        parts = _understood(url)
        address = _resolved(parts)
        if not lets_through(allowed, parts):
            raise Filtered
        if not may_be_asked(ipaddress.ip_address(address), self._networks):
            raise Forbidden
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return http.Where(parts.scheme == "https", parts.hostname or "", _port(parts), path), address


def _understood(url: str) -> SplitResult:
    """Raises Filtered for what is no address of the web."""
    try:
        parts = urlsplit(url)
        if parts.scheme in _PORTS and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # of the port
        pass
    raise Filtered


def _resolved(parts: SplitResult) -> str:
    """Where to connect to: the name's addresses are looked up once, and the first is taken. Raises socket.gaierror."""
    try:
        found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except UnicodeError as error:  # no name of a host
        raise socket.gaierror(socket.EAI_NONAME, "not the name of a host") from error
    return str(found[0][4][0])


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _joined(url: str, location: str) -> str:
    """Empty for what cannot be understood."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _place(url: str) -> dict[str, Any]:
    """Host and port of an address, as far as it is one, in printable characters."""
    try:
        parts = _understood(url)
    except Filtered:
        return {}
    return {"host": re.sub(r"[^!-~]", "?", parts.hostname or "")[:253], "port": _port(parts)}


def _fate(error: Exception) -> Answer:
    """What the end of a question means."""
    words = getattr(error, "verify_message", None) or getattr(error, "reason", None) or getattr(error, "strerror", None)
    fate = next(fate for kind, fate in _FATES if isinstance(error, kind))
    return Answer(fate, words=str(words or type(error).__name__))


def may_be_asked(address: Address, networks: Iterable[Network] = ()) -> bool:
    """Whether it is of the public Internet, or of these networks. IPv4 in the clothes of IPv6 is taken as IPv4."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in network for network in networks):
        return True
    return address.is_global and not address.is_multicast and not any(address in network for network in _HIDDEN)


def lets_through(allowed: Filter, parts: SplitResult) -> bool:
    """Whether the image service's own filter would let it pass, as far as the URL alone tells."""
    host, port = parts.hostname or "", _port(parts)
    return (
        _passes(parts.scheme, allowed.allowed_schemes, allowed.disallowed_schemes)
        and _passes(host, allowed.allowed_hosts, allowed.disallowed_hosts)
        and _passes(port, allowed.allowed_ports or tuple(_PORTS.values()), None)
    )


def _passes(value: object, allowed: Iterable[object] | None, disallowed: Iterable[object] | None) -> bool:
    """A list of what is allowed overrides the other."""
    if allowed:
        return value in allowed
    return value not in (disallowed or ())
