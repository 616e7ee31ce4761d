"""Making releases: locks and environments, the desk's one file, and the word lists."""
