"""How servers are asked: with an end in sight, through the environment's proxies, with credentials for one only."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

from glance_operator import __version__

_REDIRECTS = 10
_PORTS = {"http": 80, "https": 443}


class Unreached(Exception):  # noqa: N818
    """No answer, in words that fit behind the name of who was asked; they quote no address."""


class _Adapter(HTTPAdapter):
    """Trusts some certificates besides the well-known ones."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **options)

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        return super().proxy_manager_for(*args, ssl_context=self._context, **options)


class Web:
    """A client. Its answers are open: what comes is read by the caller, who closes it."""

    def __init__(self, ca_file: str | None, connect: float, silence: float) -> None:
        """``connect``, ``silence``: seconds for a connection, or for sending a piece; and between two received ones.

        Raises Unreached if the certificates cannot be read.
        """
        self._timeout = (connect, silence)
        self._session = requests.Session()
        self._session.headers.update(
            {"User-Agent": f"glance-operator/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
        )
        if ca_file:
            self._session.mount("https://", _Adapter(_context(ca_file)))

    def get(self, url: str, headers: Mapping[str, str] | None = None, authorization: str = "") -> requests.Response:
        """The answer at the end of all redirects. Raises Unreached."""
        for _ in range(_REDIRECTS + 1):
            credentials = {"Authorization": authorization} if authorization else {}
            response: requests.Response = self.send("GET", url, {**(headers or {}), **credentials})
            if (target := self._session.get_redirect_target(response)) is None:
                return response
            response.close()
            there = _followed(url, target)
            authorization = authorization if same_origin(url, there) else ""
            url = there
        raise Unreached(f"redirects more than {_REDIRECTS} times")

    def send(self, method: str, url: str, headers: Mapping[str, str], data: Iterator[bytes] | None = None) -> Any:
        """One request, its body in chunks; a ``requests.Response``. Raises Unreached, or what ``data`` raises."""
        try:
            return self._session.request(
                method,
                url,
                headers=dict(headers),
                data=data,
                auth=lambda request: request,  # else a .netrc, or a name in the address, would replace the header
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
        except (requests.RequestException, OSError, ValueError) as error:
            raise Unreached(self._words(error)) from None  # their texts quote the whole address

    def _words(self, error: Exception) -> str:
        connect, silence = self._timeout
        causes = list(_causes(error))
        for one in causes:
            if isinstance(one, ssl.SSLCertVerificationError):
                return f"is not trusted: {one.verify_message}"
        for kind, words in (
            (requests.exceptions.ProxyError, "is not reached: the proxy refuses or does not answer"),
            (ssl.SSLError, "does not speak TLS, or none that is safe"),
            (socket.gaierror, "does not answer: its name does not resolve"),
            (requests.ConnectTimeout, f"does not answer: no connection within {connect:g} s"),
            (requests.ReadTimeout, f"does not answer within {silence:g} s"),
            (ValueError, "gives no answer that can be understood"),  # such as a redirect to what is no address
        ):
            if any(isinstance(one, kind) for one in causes):
                return words
        known = [os.strerror(one.errno).lower() for one in causes if isinstance(one, OSError) and one.errno]
        return f"does not answer: {known[-1] if known else type(error).__name__}"


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host, port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def same_origin(one: str, other: str) -> bool:
    """Whether what is secret to the one may be told the other."""
    return origin(one) == origin(other)


def _followed(url: str, target: str) -> str:
    there = urljoin(url, target)  # no ValueError: the library has taken it apart before
    scheme, host, _ = origin(there)
    if scheme not in _PORTS or not host:
        raise Unreached("redirects to what is no http or https address")
    return there


def _context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError):
        raise Unreached(f"cannot be asked: {ca_file} holds no certificates that can be read (PEM)") from None
    return context


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, at whatever place libraries keep that."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        related = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        waiting += [other for other in related if isinstance(other, BaseException)]
