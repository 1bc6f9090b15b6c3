"""DO: the only code with side effects."""
