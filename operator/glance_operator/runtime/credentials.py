"""From a Secret with a clouds.yaml to a cloud: read once per Secret, not per Image, and by ``get`` only."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import yaml

from glance_operator.core.image.observed import Cause
from glance_operator.core.plan import Phase, State
from glance_operator.runtime.errors import Unavailable
from glance_operator.runtime.rest import ApiError

_GOOD_FOR, _BAD_FOR = 60.0, 9.0  # seconds until a Secret is read again: one that served, one that is awaited
_LONGEST, _ALIASES = 1 << 16, 16  # of a clouds.yaml: its bytes, and how often it may say "the same as there"
_REFUSED = {
    "cacert": "cacert names a file that is not here: put the certificates under the Secret's key cacert",
    "cert": "cert names a file that is not here: client certificates are not supported",
    "key": "key names a file that is not here: client certificates are not supported",
    "cloud": "cloud is an old word for profile: write profile",
    "idp_otp_key": "idp_otp_key asks somebody at a keyboard",
    "timing": "timing gathers figures without end: leave it out",
}
_AUTH_TYPES = frozenset({"auth_type", "auth_plugin", "auth_methods"})
_INTERACTIVE = ("v3websso", "v3oidcdeviceauthz")


class Secrets(Protocol):
    def get_secret(self, namespace: str, name: str) -> dict[str, bytes] | None: ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """One entry of a clouds.yaml. ``digest`` tells whether two are the same without showing either."""

    digest: str
    settings: Mapping[str, Any]
    ca: bytes = b""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a Secret said, and when it is to be read again (by the monotonic clock).

    data: None if there is no Secret. forbidden: why it may not be read, or empty. entries: what was made of it so far.
    """

    due: float = float("-inf")
    data: Mapping[str, bytes] | None = None
    forbidden: str = ""
    entries: dict[str, Credentials] = field(default_factory=dict)


class CredentialsReader:
    """Reads clouds.yaml Secrets, each at most once in a while. Thread-safe."""

    def __init__(self, secrets: Secrets, clock: Callable[[], float] = time.monotonic) -> None:
        self._secrets, self._clock = secrets, clock
        self._lock = threading.Lock()
        self._readings: dict[tuple[str, str], _Reading] = {}

    def read(self, namespace: str, secret: str, cloud: str) -> Credentials:
        """The entry ``cloud``. Raises Unavailable with a sentence that says what is wrong with the Secret."""
        where = f"Secret {namespace}/{secret}"
        reading = self._reading(namespace, secret)
        if reading.forbidden:
            message = f"the operator may not read {where}: {reading.forbidden}"
            raise Unavailable(State(Phase.WORKING, "CredentialsForbidden", message), Cause.INVALID)
        if reading.data is None:
            message = f"{where} does not exist: create it with the key clouds.yaml"
            raise Unavailable(State(Phase.WORKING, "CredentialsNotFound", message), Cause.MISSING)
        try:
            if cloud not in reading.entries:
                reading.entries[cloud] = parse(reading.data, cloud, where)
        except Unavailable:
            self.reread_soon(namespace, secret)
            raise
        return reading.entries[cloud]

    def _reading(self, namespace: str, secret: str) -> _Reading:
        with self._lock:  # held while reading: a thousand referrers cause one read
            reading = self._readings.get((namespace, secret), _Reading())
            if self._clock() >= reading.due:
                reading = self._readings[namespace, secret] = self._asked(namespace, secret)
            return reading

    def _asked(self, namespace: str, secret: str) -> _Reading:
        try:
            data = self._secrets.get_secret(namespace, secret)
        except ApiError as error:
            if error.status != 403:
                raise
            return _Reading(self._clock() + _BAD_FOR, None, error.message)
        return _Reading(self._clock() + (_BAD_FOR if data is None else _GOOD_FOR), data)

    def reread_soon(self, namespace: str, secret: str) -> None:
        """What the Secret says does not work: somebody will correct it."""
        self._put_forward(namespace, secret, self._clock() + _BAD_FOR)

    def reread_now(self, namespace: str, secret: str) -> None:
        """Somebody says that it has changed."""
        self._put_forward(namespace, secret, float("-inf"))

    def _put_forward(self, namespace: str, secret: str, due: float) -> None:
        with self._lock:
            if reading := self._readings.get((namespace, secret)):
                self._readings[namespace, secret] = replace(reading, due=min(due, reading.due))


def parse(data: Mapping[str, bytes], cloud: str, where: str) -> Credentials:
    """The entry of that name. The words of a failure never quote the Secret's content."""
    clouds = _clouds(data, where)
    entry = clouds.get(cloud)
    if cloud not in clouds:
        names = ", ".join(sorted(map(str, clouds))) or "none"
        raise _malformed(f"{where}: clouds.yaml has no cloud named {cloud} (it has: {names})")
    if not isinstance(entry, dict):
        raise _malformed(f"{where}: the cloud {cloud} in clouds.yaml is not a mapping")
    ca = data.get("cacert", b"")
    if wrong := _wrong(entry, bool(ca)):
        raise _malformed(f"{where}: the cloud {cloud} in clouds.yaml: {wrong}")
    return Credentials(hashlib.sha256(repr((entry, ca)).encode()).hexdigest(), entry, ca)


def _wrong(entry: Mapping[str, Any], has_ca: bool) -> str | None:
    """What a client would stumble over later, and without a word that helps."""
    auth, headers = entry.get("auth") or {}, entry.get("trusted_headers") or {}
    for name, value in {"auth": auth, "trusted_headers": headers}.items():
        if not isinstance(value, Mapping):
            return f"{name} is not a mapping"
    for name, value in {"auth.auth_url": auth.get("auth_url", "http://"), **_overrides(entry)}.items():
        if not (isinstance(value, str) and value.startswith(("http://", "https://")) and "@" not in value):
            return f"{name} is not an address that begins with http:// or https:// and names no user"
    if not all(_fits_a_header(text) for pair in headers.items() for text in pair):
        return "trusted_headers holds characters that no HTTP header may have"
    if "{" in str(auth.get("auth_url", "")):
        return "auth.auth_url holds braces, which are not filled in: write it out"
    if any(_plain(key) == "idp_otp_key" for key in auth):
        return _REFUSED["idp_otp_key"]
    return _wrong_options(entry, has_ca)


def _wrong_options(entry: Mapping[str, Any], has_ca: bool) -> str | None:
    """Options that the library would look at and that read files, ask a person or take up memory without end."""
    for key, value in entry.items():
        name = _plain(key)
        if value and name in _REFUSED and not (key == "cacert" and has_ca):  # ours takes the place of that one
            return _REFUSED[name]
        if name == "verify" and not isinstance(value, bool):
            return "verify is neither true nor false"
        if name in _AUTH_TYPES and any(one in str(value) for one in _INTERACTIVE):
            return "auth_type is one that asks a person to log in"
        if isinstance(value, str) and "{" in value and name != "password":
            return "a value beside auth holds braces, which are not filled in: write it out, and secrets under auth"
    return None


def _plain(option: object) -> str:
    """The name as the library takes it."""
    return str(option).replace("-", "_").removeprefix("os_")


def _overrides(entry: Mapping[str, Any]) -> dict[str, Any]:
    name = "image_endpoint_override"
    return {name: entry[name]} if entry.get(name) is not None else {}


def _fits_a_header(text: object) -> bool:
    return str(text).isascii() and str(text).isprintable()


def _clouds(data: Mapping[str, bytes], where: str) -> Mapping[str, Any]:
    if "clouds.yaml" not in data:
        raise _malformed(f"{where} has no key clouds.yaml (it has: {', '.join(sorted(data)) or 'none'})")
    if len(data["clouds.yaml"]) > _LONGEST:
        raise _malformed(f"{where}: clouds.yaml is longer than {_LONGEST} bytes")
    try:
        document = _Loader(data["clouds.yaml"].decode()).get_single_data()
    except UnicodeDecodeError as error:
        raise _malformed(f"{where}: clouds.yaml is not UTF-8 text") from error
    except _TooManyAliases:
        raise _malformed(f"{where}: clouds.yaml has more than {_ALIASES} aliases") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # the last two: no such date, nested too deep
        raise _malformed(f"{where}: clouds.yaml is not YAML{_place(error)}") from None
    clouds = document.get("clouds") if isinstance(document, dict) else None
    if not isinstance(clouds, dict):
        raise _malformed(f"{where}: clouds.yaml has no mapping named clouds at its top")
    return clouds


class _TooManyAliases(Exception): ...  # noqa: N818


class _Loader(yaml.SafeLoader):
    """Aliases are bounded: some that refer to each other make billions of values out of a page of text."""

    aliases = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            self.aliases += 1
            if self.aliases > _ALIASES:
                raise _TooManyAliases
        return super().compose_node(parent, index)


def _place(error: Exception) -> str:
    """Where the file is wrong. The parser's own text would quote the line, and with it perhaps a password."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return ""
    tab = r"'\t'" in (getattr(error, "problem", "") or "")
    return f": line {mark.line + 1}, column {mark.column + 1}" + (" is a tab: indent with spaces" if tab else "")


def _malformed(message: str) -> Unavailable:
    return Unavailable(State(Phase.WORKING, "CredentialsInvalid", message), Cause.INVALID)


def ca_file(ca: bytes) -> str | None:
    """A file with these certificates, for a client that takes nothing else; None if there are none."""
    if not ca:
        return None
    path = Path(tempfile.gettempdir()) / f"glance-operator-ca-{hashlib.sha256(ca).hexdigest()[:32]}.pem"
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(ca)
        Path(file.name).replace(path)
    return str(path)
