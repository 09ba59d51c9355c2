"""Audits the licenses of the Python distributions that are installed beside it."""
