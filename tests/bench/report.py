"""The report: ratios and verdicts first, then the runs behind them, and on what machine all of it was."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.figures import Figure, Section, Table

from glance_operator import __version__
from sandbox_kit import binaries, environment

_HEAD = """# Benchmarks

Written by `make bench`, in one run on one machine: a real control plane, Keystone and Glance (uWSGI, one process,
three file stores), the operator as a process, and a bare client (`tests/bench/bare.py`: threads, plain requests, a
token of its own) that does the same by hand. Absolute times are this machine's; the ratios are what to look at.
"""


def text(sections: Sequence[Section], machine: str) -> str:
    """Markdown."""
    figures = [figure for section in sections for figure in section.figures]
    missed = [figure for figure in figures if not figure.passed]
    judged = sum(figure.judged for figure in figures)
    summary = f"{judged - len(missed)} of {judged} limits are kept."
    parts = [_HEAD, machine, "", "## Figures", "", summary, "", *_figures(figures)]
    return "\n".join([*parts, *(line for section in sections for line in _section(section))]) + "\n"


def machine(load: Sequence[float]) -> str:
    """Date, cores, load before the run, versions."""
    kit = environment.ensure()
    asked = "import importlib.metadata as m; print(*(m.version(n) for n in ('glance', 'keystone')))"
    glance, keystone = kit.run("python", "-c", asked).split()
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    before = ", ".join(f"{value:.2f}" for value in load)
    hardware = f"{os.cpu_count()} cores ({_processor()}), Linux {platform.release()}, load before the run {before}"
    versions = f"operator {__version__}, Python {platform.python_version()}, Kubernetes {binaries.VERSION}"
    return f"{now}; {hardware}; {versions}, Glance {glance}, Keystone {keystone}."


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _figures(figures: Sequence[Figure]) -> list[str]:
    rows = [(one.what, one.measured(), one.limit(), one.verdict()) for one in figures]
    return _table(Table(("what", "measured", "limit", ""), rows))


def _section(section: Section) -> list[str]:
    lines = ["", f"## {section.title}", ""]
    lines += [f"* {note}" for note in section.notes]
    for table in section.tables:
        lines += ["", *_table(table)]
    return lines


def _table(table: Table) -> list[str]:
    rows = [table.header, ["---"] * len(table.header), *table.rows]
    return ["| " + " | ".join(row) + " |" for row in rows]
