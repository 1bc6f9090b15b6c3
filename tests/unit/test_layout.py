"""The house stays a house: small functions, small files, and no package that would shadow the standard library."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("operator", "hack", "tests")
LONGEST_FUNCTION, LONGEST_FILE, MEDIAN_FUNCTION = 40, 300, 8


class Piece(NamedTuple):
    """A function or file: where it is, and its lines."""

    where: str
    lines: int


def sources(place: str) -> list[Path]:
    """Python files of ours; scripts without an ending too."""
    files = [path for path in sorted((ROOT / place).rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    return [path for path in files if path.suffix == ".py" or (not path.suffix and _is_script(path))]


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(100)
    return first.startswith(b"#!") and b"python" in first


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def functions(path: Path) -> Iterator[Piece]:
    """Every function and method, with its docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield Piece(f"{_name(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1)


def test_the_operator_s_folder_is_no_package() -> None:
    """It would be imported in place of the standard library's ``operator``."""
    assert (ROOT / "operator" / "glance_operator" / "__init__.py").exists()
    assert not (ROOT / "operator" / "__init__.py").exists()


@pytest.mark.parametrize("place", PLACES)
def test_files_are_short(place: str) -> None:
    files = [Piece(_name(path), len(path.read_text().splitlines())) for path in sources(place)]
    assert files, f"no sources in {place}: the test looks in the wrong place"
    assert [file for file in files if file.lines > LONGEST_FILE] == []


@pytest.mark.parametrize("place", PLACES)
def test_functions_are_short(place: str) -> None:
    found = [piece for path in sources(place) for piece in functions(path)]
    assert [piece for piece in found if piece.lines > LONGEST_FUNCTION] == []
    assert median(piece.lines for piece in found) <= MEDIAN_FUNCTION


def test_every_module_says_why_it_exists() -> None:
    modules = {_name(path): ast.parse(path.read_text()) for path in sources("operator")}
    assert [name for name, module in modules.items() if not ast.get_docstring(module)] == []


def test_a_long_function_in_a_script_would_be_found(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/usr/bin/env python3\ndef long():\n" + "    pass\n" * LONGEST_FUNCTION)
    assert _is_script(script)
    assert list(functions(script)) == [Piece("script:2 long", LONGEST_FUNCTION + 1)]
