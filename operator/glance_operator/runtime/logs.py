"""Why: a log says each thing once, names its object in fields, and holds no secret, so that it can be handed on."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from typing import Any

from glance_operator.runtime.store import Key

_HIDDEN = "[hidden]"
_SECRETS = (
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)[\w\-.~+/]{8,}=*"),
    re.compile(r"(?i)(x-(?:auth|subject|service)-token[\"']?\s*[:=]\s*[\"']?)[^\s\"',}]+"),
    re.compile(
        r"(?i)([\"']?\b\w*(?:password|passwd|secret|token|api_?key|access_?key|private_?key)[\"']?\s*[:=]\s*)"
        r"(?:\"[^\"]*\"|'[^']*'|[^\s\"',;}&]+)"
    ),
    re.compile(r"()\bgAAAAA[\w\-]{20,}=*"),  # a Fernet token
    re.compile(r"()\beyJ[\w\-]{10,}\.[\w\-]+\.[\w\-]*"),  # a JWT
    re.compile(r"(\w+://[^\s/:@]*:)[^\s/@]+(?=@)"),  # a password in a URL
)
_FIELDS = ("kind", "namespace", "name")


def about(key: Key) -> dict[str, str]:
    """The `extra` of a log call that is about one object."""
    return {"object_kind": key.kind, "object_namespace": key.namespace, "object_name": key.name}


def redacted(text: str) -> str:
    """The text with everything that looks like a password or a token hidden."""
    for pattern in _SECRETS:
        text = pattern.sub(rf"\g<1>{_HIDDEN}", text)
    return text


def configure(log_format: str, level: str) -> None:
    """Log to stderr, as text or json; libraries speak only when something is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("glance_operator").setLevel(level.upper())
    # kopf reports each of its endless attempts as an error; runtime/handlers.py and feed.py say the same once a change
    logging.getLogger("kopf").setLevel(logging.WARNING if level == "debug" else logging.CRITICAL)


def _object(record: logging.LogRecord) -> dict[str, str]:
    return {name: value for name in _FIELDS if (value := getattr(record, f"object_{name}", ""))}


class TextFormatter(logging.Formatter):
    """`time LEVEL Kind/namespace/name: message`, redacted, traceback included."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(subject)s%(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One line, or several with a traceback."""
        subject = "/".join(_object(record).values())
        record.subject = f"{subject}: " if subject else f"{record.name.rpartition('.')[2]}: "
        return redacted(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: timestamp, severity, logger, message, object {kind, namespace, name}, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if subject := _object(record):
            line["object"] = subject
        if record.exc_info:
            line["traceback"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class Once:
    """Says an object's state when it becomes another one, and then keeps quiet. Thread-safe."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._states: dict[Key, str] = {}

    def log(self, key: Key, level: int, message: str, exc_info: BaseException | None = None) -> bool:
        """Log the message unless it is what was last said about this object; whether it was logged."""
        with self._lock:
            if self._states.get(key) == message:
                return False
            self._states[key] = message
        self._logger.log(level, message, extra=about(key), exc_info=exc_info)
        return True

    def clear(self, key: Key) -> None:
        """The object is fine, or gone: the next trouble is news again."""
        with self._lock:
            self._states.pop(key, None)
