"""Where the bytes come from: a web server, or a volume. Both give small pieces, or say what is wrong."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Protocol

import requests
import urllib3

from glance_operator.core.image.retries import shown
from glance_operator.core.transfer.config import VolumeFile
from glance_operator.core.transfer.outcome import Failure, amount
from glance_operator.core.transfer.resuming import Offer, Patience
from glance_operator.core.transfer.unpacking import PIECE
from glance_operator.runtime.answers import retry_after
from glance_operator.runtime.transfer.web import Unreached, Web

_NOTHING = frozenset({204, 205})
_ADVICE = {401: ": check its credentials", 403: ": check its credentials", 407: ": the proxy wants credentials"}


class Origin(Protocol):
    """One opened source. offer.total: its bytes, if known. received: how many have come."""

    shown: str
    content_type: str
    offer: Offer
    received: int

    def chunks(self) -> Iterator[bytes]:
        """The bytes, none of the pieces empty. Raises Failure."""
        ...

    def interrupt(self) -> None:
        """Whoever waits for bytes is to wait no longer: nobody wants them any more."""
        ...

    def close(self) -> None: ...


class WebFile:
    """A file on a web server. A cut is mended if the server lets us."""

    def __init__(self, web: Web, url: str, authorization: str) -> None:
        """Raises Failure unless the server begins to send it."""
        self._web, self._url, self._authorization = web, url, authorization
        self._patience, self.received, self.shown = Patience(), 0, shown(url)
        self._response = self._opened()
        self.offer = Offer.of(self._response.headers)
        self.content_type: str = self._response.headers.get("Content-Type", "")

    def chunks(self) -> Iterator[bytes]:
        while True:
            try:
                while piece := self._response.raw.read1(PIECE, decode_content=False):
                    self.received += len(piece)
                    yield piece
                whole = self.offer.total in {None, self.received}
            except urllib3.exceptions.ReadTimeoutError:
                raise Failure("SourceStalled", f"source stalled at {self._position()}") from None
            except (urllib3.exceptions.HTTPError, OSError):
                whole = False
            if whole:
                return
            self._go_on()

    def interrupt(self) -> None:
        with suppress(ValueError, RuntimeError, OSError):  # it has ended already
            self._response.raw.shutdown()

    def close(self) -> None:
        self._response.close()

    def _opened(self) -> requests.Response:
        try:
            response = self._web.get(self._url, authorization=self._authorization)
        except Unreached as error:
            raise Failure("SourceUnreachable", f"source {error}") from None
        code = response.status_code
        if code == 200:
            return response
        response.close()
        if code in _NOTHING:
            raise Failure("SourceEmpty", f"source answered {code}: it has no content")
        advice = _ADVICE.get(code, "")
        raise Failure("SourceAnswered", f"source answered {code}{advice}", retry_after=retry_after(response))

    def _go_on(self) -> None:
        """Ask for the rest until it comes. Raises Failure."""
        headers = self.offer.request(self.received)
        if not headers:
            raise self._truncated("it gives neither ETag nor Last-Modified, so that nothing tells how to go on")
        while (pause := self._patience.pause(self.received)) is not None:
            self._response.close()
            time.sleep(pause)
            if self._resumed(headers):
                return
        raise self._truncated("it was asked for the rest several times")

    def _resumed(self, headers: dict[str, str]) -> bool:
        try:
            response = self._web.get(self._url, headers, self._authorization)
        except Unreached:
            return False
        if self.offer.continued_by(response.status_code, response.headers, self.received):
            self._response = response
            return True
        response.close()
        if response.status_code >= 500:
            return False
        raise self._truncated(f"it does not give the rest of the same file (answered {response.status_code})")

    def _truncated(self, words: str) -> Failure:
        return Failure("SourceTruncated", f"source ended at {self._position()}, and {words}")

    def _position(self) -> str:
        return amount(self.received, self.offer.total)


class VolumeContent:
    """A file on a volume. What others wrote there must not lead us out of it, where our Secrets are."""

    content_type = ""

    def __init__(self, file: VolumeFile) -> None:
        """Raises Failure unless it is a plain file that can be read."""
        self.received, self.shown = 0, file.path
        try:
            self._number = _opened(file.root, PurePosixPath(file.path).parts)
        except OSError as error:
            raise Failure("SourceUnreachable", f"{file.path} on the volume {_why(error)}") from None
        found = os.fstat(self._number)
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise Failure("SourceUnreachable", f"{file.path} on the volume is not a plain file")
        self.offer = Offer(found.st_size)

    def chunks(self) -> Iterator[bytes]:
        try:
            while piece := os.read(self._number, PIECE):
                self.received += len(piece)
                yield piece
        except OSError as error:
            raise Failure("SourceUnreachable", f"{self.shown} on the volume {_why(error)}") from None
        if self.received != self.offer.total:
            words = f"{self.shown} on the volume changed while it was read: let it be written first"
            raise Failure("SourceTruncated", words)

    def interrupt(self) -> None:
        """A volume does not let wait."""

    def close(self) -> None:
        os.close(self._number)


def _opened(root: str, parts: tuple[str, ...]) -> int:
    """A descriptor, reached step by step: a link put there between a check and the opening would be followed, else."""
    if not parts or ".." in parts or parts[0].startswith("/"):
        raise OSError(errno.EINVAL, "is not a path within it")
    where = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for part in parts[:-1]:
        where = _step(where, part, os.O_DIRECTORY)
    return _step(where, parts[-1], os.O_NONBLOCK)  # a pipe that nobody writes to would be waited for


def _step(where: int, part: str, flags: int) -> int:
    try:
        return os.open(part, os.O_RDONLY | os.O_NOFOLLOW | flags, dir_fd=where)
    finally:
        os.close(where)


def _why(error: OSError) -> str:
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return "is, or is behind, a symbolic link or a file: name the file itself"
    if error.errno == errno.ENOENT:
        return "does not exist"
    return f"cannot be read: {(error.strerror or 'unknown').lower()}"
