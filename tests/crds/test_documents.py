"""Every manifest that people may copy, from the samples and from the documentation, is taken by the API server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.crds.server import Server

from glance_operator.api import GROUP

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^( *)```ya?ml\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def documents() -> list[Any]:
    """Every object of ours in hack/samples, docs and README.md, named by its file and its own name."""
    samples = [(path, path.read_text()) for path in sorted((ROOT / "hack/samples").rglob("*.yaml"))]
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    blocks = [(page, dedented(*fence)) for page in pages for fence in FENCE.findall(page.read_text())]
    return [
        pytest.param(body, id=f"{path.relative_to(ROOT)} {body['kind']}/{body['metadata']['name']}")
        for path, text in (*samples, *blocks)
        if GROUP in text
        for body in yaml.safe_load_all(text)
        if isinstance(body, dict) and str(body.get("apiVersion")).startswith(f"{GROUP}/")
    ]


def dedented(indent: str, text: str) -> str:
    """A block as it is meant, when its fence stands inside a list."""
    return "\n".join(line.removeprefix(indent) for line in text.splitlines())


@pytest.mark.parametrize("body", documents())
def test_taken_whole(server: Server, body: dict[str, Any]) -> None:
    """No field is unknown to the schema, and no rule is broken."""
    server.create({**body, "metadata": {**body["metadata"], "namespace": "crds"}}).taken()


def test_the_fence_is_found() -> None:
    """Guards the search itself: an empty list of documents would pass everything."""
    page = "text\n\n  ```yaml\n  a: 1\n  ```\n"
    assert [dedented(*fence) for fence in FENCE.findall(page)] == ["a: 1"]
    assert len(documents()) >= 15
