"""DECIDE: pure functions from what is wanted and what was seen to what to do and what to say."""
