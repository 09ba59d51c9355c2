"""The command line of pyflow."""
