"""What workflow code does besides making steps: which names from outside it uses, where, and under what conditions."""
