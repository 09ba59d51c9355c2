"""The graph of a workflow: what the walk recorded as blocks, as nodes and edges."""
