"""The desk's commands, one in each file: its arguments and what it does."""
