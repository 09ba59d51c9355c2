"""Services: the implementations of the ports, one folder a backend."""
