"""How large what a URL offers is: asked carefully, as the URL is anybody's and we stand where others cannot.

Only addresses of the public Internet are asked, and those of the networks that the administrator names; a name is
resolved once, and the connection goes to the address that was checked. No answer is no failure: the size is then not
known.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

from glance_operator.api.glanceapi.images import Sources as Filter
from glance_operator.core.image.observed import Found
from glance_operator.runtime import sources_http as http

_GOOD_FOR = 300.0  # seconds for which an answer, or that there was none, is believed
_PATIENCE = 2.0  # seconds that a pass waits; what comes later is there for the next one
_AT_ONCE = 4
_KEPT = 1000  # answers
_REDIRECTS = 3
_PORTS = {"http": 80, "https": 443}
_HIDDEN = tuple(ipaddress.ip_network(n) for n in ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Forbidden(Exception):  # noqa: N818
    """An address that we do not ask."""


@dataclass(slots=True)
class _Asked:
    """One question: since when it is open, and what came of it."""

    since: float
    done: threading.Event = field(default_factory=threading.Event)
    found: Found = field(default_factory=Found)


class Sources:
    """Asks each URL at most once in some minutes. Thread-safe."""

    def __init__(self, networks: Iterable[str] = (), clock: Callable[[], float] = time.monotonic) -> None:
        """``networks``: CIDRs that may be asked although they are not of the public Internet."""
        self._networks = tuple(ipaddress.ip_network(one) for one in networks)
        self._clock, self._lock = clock, threading.Lock()
        self._asked: dict[tuple[str, str], _Asked] = {}
        self._free = threading.Semaphore(_AT_ONCE)

    def ask(self, url: str, allowed: Filter | None = None, *, known: bool = False) -> Found:
        """What is known of it after a short wait. ``allowed``: where the image service itself may fetch from.
        ``known``: only what was asked before is told."""
        asked, mine = self._question(url, allowed or Filter(), known)
        if mine:
            threading.Thread(target=self._answer, args=(asked, url, allowed or Filter()), daemon=True).start()
        asked.done.wait(max(0.0, asked.since + _PATIENCE - self._clock()))
        return asked.found

    def _question(self, url: str, allowed: Filter, known: bool) -> tuple[_Asked, bool]:
        """The open or answered one, or a new one, which the caller has to have answered."""
        key, now = (url, repr(allowed)), self._clock()
        with self._lock:
            if (before := self._asked.get(key)) and now - before.since < _GOOD_FOR:
                return before, False
            if known or not self._free.acquire(blocking=False):
                return _Asked(now - _PATIENCE), False
            if len(self._asked) >= _KEPT:
                self._asked = {one: a for one, a in self._asked.items() if now - a.since < _GOOD_FOR / 10}
            self._asked[key] = asked = _Asked(now)
            return asked, True

    def _answer(self, asked: _Asked, url: str, allowed: Filter) -> None:
        try:
            asked.found = self._look(url, allowed)
        except (OSError, ValueError, Forbidden):
            pass  # not known
        finally:
            self._free.release()
            asked.done.set()

    def _look(self, url: str, allowed: Filter) -> Found:
        for _ in range(_REDIRECTS + 1):
            where = self._admitted(url, allowed)
            answer = http.ask(where, self._address(where))
            if answer.location is None:
                return answer.found
            url = urljoin(url, answer.location)
        return Found()

    def _admitted(self, url: str, allowed: Filter) -> http.Where:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or not lets_through(allowed, parts):
            raise Forbidden
        port = parts.port or _PORTS[parts.scheme]
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return http.Where(parts.scheme == "https", parts.hostname, port, path)

    def _address(self, where: http.Where) -> str:
        """Where to connect to: the name's addresses are looked up once, and the first must be one that may be asked."""
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        address = str(found[0][4][0])
        if not may_be_asked(ipaddress.ip_address(address), self._networks):
            raise Forbidden
        return address


def may_be_asked(address: Address, networks: Iterable[Network] = ()) -> bool:
    """Whether it is of the public Internet, or of these networks. IPv4 in the clothes of IPv6 is taken as IPv4."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in network for network in networks):
        return True
    return address.is_global and not address.is_multicast and not any(address in network for network in _HIDDEN)


def lets_through(allowed: Filter, parts: SplitResult) -> bool:
    """Whether the image service's own filter would let it pass, as far as the URL alone tells."""
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
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
