"""One file a command of the desk: its arguments and what it does."""
