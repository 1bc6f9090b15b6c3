"""What Glance's programs wrote before they ended, and what is told of it."""

from __future__ import annotations

import pytest

from glance_operator.core.last_words import LONGEST, last_words

LOGGED = "2026-01-01 12:00:00,389.389 7 ERROR glance "
DENIED = (
    "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) "
    "(1142, \"CREATE command denied to user 'r'@'10.0.0.1' for table `glance`.`alembic_version`\")"
)
TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/opt/glance/lib/python3.11/site-packages/pymysql/err.py", line 150, in raise_mysql_exception',
    "    raise errorclass(errno, errval)",
    DENIED,
    "[SQL: ",
    "CREATE TABLE alembic_version (",
    "\tversion_num VARCHAR(32) NOT NULL, ",
    "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)",
    ")",
    "",
    "]",
    "(Background on this error at: https://sqlalche.me/e/21/e3q8)",
    "",
]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ""),
        ("no such option\n", "no such option"),
        ('{"release": "33.0.0"}\n', '{"release": "33.0.0"}'),
        ("\n".join(TRACEBACK), DENIED),
        ("".join(f"{LOGGED}{line}\n" for line in TRACEBACK), DENIED),
        (f"{LOGGED}Database is up to date.\n2024_1_contract01\n", "Database is up to date.\n2024_1_contract01"),
        (
            "Traceback (most recent call last):\n  File x, line 1\n    import y\nImportError: y\nno app\n",
            "ImportError: y\nno app",
        ),
        ("told\n  and indented", "told\n  and indented"),
    ],
)
def test_the_error_is_told_without_the_way_to_it(text: str, told: str) -> None:
    assert last_words(text) == told


def test_the_end_counts() -> None:
    assert last_words("x" * LONGEST + "end") == "x" * (LONGEST - 3) + "end"
