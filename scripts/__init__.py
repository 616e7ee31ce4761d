"""The command lines: key ceremony, courier, the offline desk, and what shows and measures the whole."""
