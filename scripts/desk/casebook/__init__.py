"""The casebook: its directory, its SQLite file, and everything kept in it."""
