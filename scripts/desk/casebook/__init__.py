"""The casebook: its directory, its SQLite file, and all that they hold."""
