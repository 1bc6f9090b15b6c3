"""Files of sections and options: sorted, so that equal configurations are equal byte by byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

Value = str | int | bool
Options = Mapping[str, Value | None]
Sections = Mapping[str, Options]
_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class RefusedValueError(ValueError):
    """A value that would not stay a value: it holds a line break or another control character."""


def for_oslo(value: str) -> str:
    """oslo.config would put another option's value in the place of what follows a dollar."""
    return value.replace("$", "$$")


def text(sections: Sections, written: Callable[[str], str] = for_oslo) -> str:
    """The file: DEFAULT first, then by name; options that are None, and sections without options, are left out.

    written: how a string is written down for whoever reads the file. Raises RefusedValueError.
    """
    given = {name: {o: v for o, v in options.items() if v is not None} for name, options in sections.items()}
    names = sorted((name for name, options in given.items() if options), key=lambda name: (name != "DEFAULT", name))
    return "\n".join(f"[{name}]\n" + "".join(_lines(name, given[name], written)) for name in names)


def listed(values: Iterable[object]) -> str:
    """A list where Glance wants brackets around it."""
    return f"[{','.join(map(str, values))}]"


def merged(*layers: Sections) -> dict[str, dict[str, Value | None]]:
    """Later layers win, option by option."""
    result: dict[str, dict[str, Value | None]] = {}
    for layer in layers:
        for name, options in layer.items():
            result.setdefault(name, {}).update(options)
    return result


def _lines(section: str, options: Mapping[str, Value], written: Callable[[str], str]) -> Iterable[str]:
    return (
        f"{option} = {_value(section, option, value, written)}".rstrip() + "\n"
        for option, value in sorted(options.items())
    )


def _value(section: str, option: str, value: Value, written: Callable[[str], str]) -> str:
    if not isinstance(value, str):
        return str(value).lower()
    if _BREAKS.search(value):
        raise RefusedValueError(f"[{section}] {option}: the value holds a line break or another control character")
    return written(value)
