"""Casedrop: cases arrive over an onion service, are sealed as they arrive, opened only offline."""

__version__ = "0.1.0"
