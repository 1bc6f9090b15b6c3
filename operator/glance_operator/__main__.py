"""Why: which of the two programs is meant is decided here; each loads only what it needs."""

from __future__ import annotations

import sys


def main() -> int:
    """Without arguments the operator; ``transfer CONFIG``: what a transfer Job runs. Exit code: the program's own."""
    if sys.argv[1:2] == ["transfer"]:
        from glance_operator.runtime.transfer import program  # noqa: PLC0415

        return program.main(sys.argv[2:])
    from glance_operator.runtime import process  # noqa: PLC0415

    return process.main()


if __name__ == "__main__":
    sys.exit(main())
