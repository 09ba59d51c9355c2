"""The engine: how a run executes."""
