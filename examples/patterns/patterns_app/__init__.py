"""One small workflow for each pattern; they share their RPCs."""
