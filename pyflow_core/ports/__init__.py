"""The ports: what the engine asks of stores and queues."""
