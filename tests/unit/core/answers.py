"""What sources answer, for tests: a file that is served, unless a test says otherwise."""

from __future__ import annotations

from typing import Any

from glance_operator.core.image.sources import Answer, Fate

HOST = "images.example.org"
QCOW2, RAW = b"QFI\xfb" + bytes(508), bytes(510) + b"\x55\xaa"
PAGE = b" \n<!DOCTYPE html><html><title>Sign in</title>"


def answer(fate: Fate = Fate.ANSWERED, **more: Any) -> Answer:
    plain: dict[str, Any] = {"host": HOST, "port": 443, "code": 206}
    return Answer(fate, **(plain | more))
