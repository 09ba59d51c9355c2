"""Makes a searchable index of the texts and the documentation of the Python packages that are installed beside it."""
