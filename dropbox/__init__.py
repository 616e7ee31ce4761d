"""Casedrop: cases arrive over an onion service, are sealed while they arrive, and are opened only offline."""

__version__ = "0.1.0"
