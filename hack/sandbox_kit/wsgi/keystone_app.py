# mypy: ignore-errors
# (what it imports is in OpenStack's environment, not in ours)
"""Keystone's application on SQLite; the listener must be there before the first connection."""

import immediate  # noqa: F401
from keystone.wsgi.api import application  # noqa: F401
