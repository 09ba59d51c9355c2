"""Metadata to the files of the generated package."""
