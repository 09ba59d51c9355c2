"""The steps of a workflow: its function, and the helpers it hands `workflow` to, walked in the order of execution."""
