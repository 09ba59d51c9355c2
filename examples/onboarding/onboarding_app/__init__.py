"""Signs users up: a real, small project with one durable workflow."""
