"""What the demo shows of an Image, and how that compares with what the samples say it ends as."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class Row:
    """One object, as `kubectl get -o wide` would show it; all but Images with their kind."""

    name: str
    ready: str
    status: str
    stores: str
    progress: str
    size: str
    message: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Row":
        """From an object of the API server; what is not known yet is empty."""
        status = body.get("status", {})
        ready: Mapping[str, Any] = next((c for c in status.get("conditions", ()) if c["type"] == "Ready"), {})
        told = (ready.get("status", ""), ready.get("reason", ""), str(status.get("storesReady", "")))
        seen = (str(status.get("progress", "")), readable(status.get("size")), ready.get("message", ""))
        kind, name = body.get("kind", "Image"), body["metadata"]["name"]
        return cls(name if kind == "Image" else f"{kind}/{name}", *told, *seen)

    def cells(self) -> tuple[str, ...]:
        """In the order of the columns."""
        return astuple(self)

    def differs(self, expected: Mapping[str, Any]) -> list[str]:
        """What is not as expected, in words; empty when all is."""
        seen = {"ready": self.ready, "reason": self.status, "stores": self.stores}
        return [
            f"{key} is {seen[key] or 'not known'}, not {want}" for key, want in expected.items() if seen[key] != want
        ]


def readable(size: object) -> str:
    """Bytes in the largest unit of which there is at least one; anything but a number as it is."""
    if not isinstance(size, int):
        return str(size or "")
    value, unit = float(size), 0
    while value >= 1024 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.4g} {UNITS[unit]}"


def differences(rows: Iterable[Row], expected: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Name -> what is not yet as expected, for every expected Image of which that is so."""
    by_name = {row.name: row for row in rows}
    found = {n: by_name[n].differs(want) if n in by_name else ["not there"] for n, want in expected.items()}
    return {name: words for name, words in found.items() if words}
