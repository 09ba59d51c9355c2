"""One module a command; what is heavy is imported inside the function."""
