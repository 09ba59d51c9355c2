"""Fulfils orders: parallel steps, declared errors, and compensation when a card is declined."""
