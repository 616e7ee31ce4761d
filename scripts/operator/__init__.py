"""Commands of `casedrop` for the years that a drop runs: how it is, and what is done with it."""
