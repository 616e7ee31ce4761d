"""The full screen: queue, cases and coding by single keys, over the functions of the commands."""
