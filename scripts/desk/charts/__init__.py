"""Pictures of the whole: what many cases show together, counted and drawn."""
