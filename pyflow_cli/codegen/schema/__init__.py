"""JSON Schemas of the project's types, read from its source: nothing of it is imported."""
