"""Tor and processes: torrc, launch, health, the address and a private Tor network. Knows nothing of reports."""
