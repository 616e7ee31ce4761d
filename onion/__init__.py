"""Tor and the server's processes: torrc, launch, health, a private Tor network.

Independent of dropbox.
"""
