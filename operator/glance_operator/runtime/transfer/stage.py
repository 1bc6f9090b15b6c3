"""Glance's staging, where the bytes end. What is not whole never looks whole: the connection is cut before its end."""

from __future__ import annotations

import time
from collections.abc import Iterator

from glance_operator.core.transfer.config import GlanceConfig
from glance_operator.core.transfer.outcome import Failure
from glance_operator.runtime import answers
from glance_operator.runtime.transfer import secrets
from glance_operator.runtime.transfer.web import Unreached, Web

_CONNECT, _SILENCE = 60.0, 600.0  # seconds; a piece may take as long as a connection, the end of a large file longer
_PATIENCE, _INTERVAL = 20.0, 0.3  # seconds until Glance notices that a connection was cut


class Stage:
    """Of one image."""

    def __init__(self, config: GlanceConfig) -> None:
        self._config, self._used = config, False
        try:
            self._web = Web(config.ca_file, _CONNECT, _SILENCE)
        except Unreached as error:
            raise _unavailable(str(error)) from None

    def put(self, body: Iterator[bytes]) -> None:
        """Stage it all. Raises Failure; what ``body`` raises cuts the connection and is passed on."""
        if self._used:
            self._await_queued()
        self._used = True
        headers = {**secrets.headers(self._config.headers_file), "Content-Type": "application/octet-stream"}
        try:
            with self._web.send("PUT", f"{self._config.image_url}/stage", headers, body) as response:
                if response.status_code >= 300:
                    raise _failure(response)
        except Unreached as error:
            raise _unavailable(str(error)) from None
        except OSError:
            raise _unavailable("was cut while it answered") from None

    def _await_queued(self) -> None:
        """Until what was cut before is forgotten; the next PUT says so if it never is."""
        end = time.monotonic() + _PATIENCE
        while self._status() == "uploading" and time.monotonic() < end:
            time.sleep(_INTERVAL)

    def _status(self) -> str:
        try:
            with self._web.send("GET", self._config.image_url, secrets.headers(self._config.headers_file)) as response:
                return str(response.json().get("status")) if response.status_code == 200 else ""
        except (Unreached, OSError, ValueError, AttributeError):
            return ""


def _failure(response: object) -> Failure:
    code = response.status_code  # type: ignore[attr-defined]
    said = answers.message(response)
    if code == 413:
        return _refused(f"Glance's staging is full, or a quota is reached ({said}): enlarge it, or try again later")
    if code in answers.OVERLOADED or code >= 500:
        return _unavailable(f"answered {code}", answers.retry_after(response))
    if code in {401, 403}:
        return _refused(f"Glance refuses the credentials of the transfer ({code} {said})")
    if code == 404:
        return _refused("Glance does not have the image any more")
    if code == 409:
        return _refused(f"the image does not wait for data ({said}): it was staged already, or is being imported")
    return _refused(f"Glance answered {code} ({said})")


def _refused(words: str) -> Failure:
    return Failure("StageRefused", words, elsewhere=False)


def _unavailable(words: str, wait: float | None = None) -> Failure:
    return Failure("GlanceUnavailable", f"Glance {words}", retry_after=wait, elsewhere=False)
