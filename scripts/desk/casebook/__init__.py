"""The casebook: its directory, its SQLite file, and everything in them."""
