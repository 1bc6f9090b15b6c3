"""What is in mounted Secrets. Their names are told, never what is in them."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from glance_operator.core.transfer.config import Auth
from glance_operator.core.transfer.outcome import Failure

_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*(.*)")


def content(path: str) -> bytes:
    """Raises Failure if the file cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _invalid(f"{path} cannot be read ({error.strerror}): is the Secret mounted, with that key?") from None


def authorization(auth: Auth | None) -> str:
    """The Authorization header's value; empty without credentials. Raises Failure."""
    if not auth:
        return ""
    if auth.header_file:
        return _line(auth.header_file)
    assert auth.username_file is not None  # noqa: S101  (the model sees to it)
    assert auth.password_file is not None  # noqa: S101
    pair = f"{_line(auth.username_file)}:{_line(auth.password_file)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def headers(path: str) -> dict[str, str]:
    """Of a file with one ``Name: value`` a line. Raises Failure."""
    lines = [line for line in _text(path).splitlines() if line.strip()]
    found = [_HEADER.fullmatch(line.strip()) for line in lines]
    if not lines or not all(found):
        raise _invalid(f"{path} must have one header a line, as in `Name: value`")
    return {match[1]: match[2] for match in found if match}


def _line(path: str) -> str:
    text = _text(path).rstrip("\r\n")
    if not text or re.search(r"[\x00-\x1f\x7f]", text):
        raise _invalid(f"{path} must have exactly one line")
    return text


def _text(path: str) -> str:
    try:
        return content(path).decode()
    except UnicodeDecodeError:
        raise _invalid(f"{path} is not UTF-8 text") from None


def _invalid(words: str) -> Failure:
    return Failure("ConfigInvalid", words, elsewhere=False)
