"""One file for each command of the desk: its arguments and what it does."""
