# mypy: ignore-errors
# (what it imports is in OpenStack's environment, not in ours)
"""Makes SQLite transactions begin IMMEDIATE in the process that imports it.

A deferred BEGIN that later writes is refused at once ("database is locked") whatever the timeout says; Glance then
loses the import without a word. An IMMEDIATE one waits for its turn.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


@event.listens_for(Engine, "before_cursor_execute", retval=True)
def begin_immediate(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """Replace the statement that opens a transaction."""
    return ("BEGIN IMMEDIATE" if statement == "BEGIN" else statement), parameters
