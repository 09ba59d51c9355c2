"""The subcommands of `pyflow payload`."""
