"""The full screen: queue, cases and coding by single keys, built on the commands' functions."""
