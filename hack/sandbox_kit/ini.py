"""Configuration files as OpenStack reads them."""

from collections.abc import Mapping
from pathlib import Path

Value = str | int | bool | Path
Sections = Mapping[str, Mapping[str, Value]]


def text(sections: Sections) -> str:
    """Render sections of options; booleans in lower case."""
    return "\n".join(_section(name, options) for name, options in sections.items())


def merged(*layers: Sections) -> dict[str, dict[str, Value]]:
    """Later layers win, option by option."""
    result: dict[str, dict[str, Value]] = {}
    for layer in layers:
        for name, options in layer.items():
            result.setdefault(name, {}).update(options)
    return result


def _section(name: str, options: Mapping[str, Value]) -> str:
    lines = [f"{key} = {str(value).lower() if isinstance(value, bool) else value}\n" for key, value in options.items()]
    return f"[{name}]\n{''.join(lines)}"
