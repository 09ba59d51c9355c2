"""One module a pattern."""
