"""The case tables of ``cases/``: sentences, what they patch into the base of their kind, and what the server says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from glance_operator.api import GROUP, VERSION

Body = dict[str, Any]
CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One object that is taken (``says`` is empty) or refused; with ``before``, a change from one to the other."""

    kind: str
    sentence: str
    body: Body
    before: Body | None = None
    at: str = ""
    says: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.sentence}"


def merged(base: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    there = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        there.pop(key, None) if value is None else there.update({key: merged(there.get(key), value)})
    return there


@cache
def table(name: str) -> Body:
    """One file of ``cases/``."""
    return dict(yaml.load((CASES / f"{name}.yaml").read_text(), yaml.CSafeLoader))


def skeleton(kind: str) -> Body:
    """An object of a kind without a spec."""
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {"name": "case"}}


def base(kind: str) -> Body:
    """The least object of a kind."""
    return dict(merged(skeleton(kind), table(kind.lower())["base"]))


def _bodies(section: str) -> list[tuple[str, str, Body]]:
    names = sorted(path.stem for path in CASES.glob("*.yaml"))
    return [(t["kind"], word, case) for t in map(table, names) for word, case in t[section].items()]


def _refusal(kind: str, sentence: str, case: Body, after: Body, before: Body | None = None) -> Case:
    return Case(kind, sentence, merged(base(kind), after), before, case["at"], case["says"])


ACCEPTED = [Case(kind, word, merged(base(kind), case)) for kind, word, case in _bodies("accepted")]
REFUSED = [_refusal(kind, word, case, case["with"]) for kind, word, case in _bodies("refused")]
CHANGES = [
    _refusal(kind, word, case, case["to"], merged(base(kind), case["from"])) for kind, word, case in _bodies("changes")
]
