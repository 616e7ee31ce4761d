"""The whole picture: what many cases show together, counted and drawn."""
