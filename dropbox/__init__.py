"""Casedrop: cases arrive over an onion service, are sealed while they arrive, and are opened only offline."""
