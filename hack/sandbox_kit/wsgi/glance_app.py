# mypy: ignore-errors
# (what it imports is in OpenStack's environment, not in ours)
"""Glance's application on SQLite; the listener must be there before the first connection."""

import immediate  # noqa: F401
from glance.wsgi.api import application  # noqa: F401
