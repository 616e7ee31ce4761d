"""Finding cases, and what is derived from the casebook so that finding and listing are fast."""
