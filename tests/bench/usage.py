"""What processes use, read from /proc (Linux): CPU seconds of a program with its children, and resident memory."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and of all its living descendants."""
    table = _processes()
    family, found = {pid}, {pid}
    while found:
        found = {child for child, (parent, _) in table.items() if parent in found}
        family |= found
    return sum(ticks for process, (_, ticks) in table.items() if process in family) / _TICKS


def resident_mb(pid: int) -> float:
    """VmRSS in MB (10^6 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) * 1024 / 1e6


def _processes() -> dict[int, tuple[int, int]]:
    """pid -> (parent, ticks used)."""
    table = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while we looked
            words = stat.read_text().rpartition(")")[2].split()
            table[int(stat.parent.name)] = (int(words[1]), int(words[11]) + int(words[12]))
    return table
