"""The error for a fact that a reviewer adds or asks for."""

from dropbox.errors import CasedropError


class FactError(CasedropError):
    """There is no such fact, or it cannot be kept; each line names one fault."""
