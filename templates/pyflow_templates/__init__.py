"""Templates of generated packages, of their documentation, and of new projects."""
