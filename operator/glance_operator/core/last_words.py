"""What a container wrote before it ended, as far as people need it: of a traceback the error, of a log the text."""

from __future__ import annotations

import re

LONGEST = 600  # characters
_LOGGED = re.compile(r"^\d{4}-\d\d-\d\d \S+ \d+ [A-Z]+ \S+ ?", re.MULTILINE)  # oslo.log: time, process, level, logger
_STATEMENT = re.compile(r"\[SQL:.*?\]\s*\(Background on this error[^)]*\)", re.DOTALL)


def last_words(text: str) -> str:
    """The end of it; what comes before the last indented line is how it got there."""
    plain = _STATEMENT.sub("", _LOGGED.sub("", text))
    lines = [line.rstrip() for line in plain.splitlines() if line.strip()]
    frames = [number for number, line in enumerate(lines[:-1]) if line.startswith("  ")]
    return "\n".join(lines[frames[-1] + 1 :] if frames else lines)[-LONGEST:]
