"""Every error of the onion side.

An error's text is the sentence the operator reads; without one given, the docstring of its class is. This package
imports nothing of the application, hence a family of its own.
"""


class OnionError(Exception):
    """Something went wrong between Tor and the application."""

    def __str__(self) -> str:
        return super().__str__() or (type(self).__doc__ or "").strip()


class TorMissing(OnionError):
    """The program tor is not installed; on Debian: apt install tor."""


class TorTooOld(OnionError):
    """The installed tor is too old for an onion service that faces the public."""


class TorStopped(OnionError):
    """A tor process stopped by itself."""


class NotBootstrapped(OnionError):
    """A tor process could not join its network in time."""


class NotPublished(OnionError):
    """The onion service's descriptor did not reach the directory in time."""


class BadPath(OnionError):
    """A path cannot be used for a socket or in a tor configuration."""


class NoFreePort(OnionError):
    """No free port was found on the loopback interface."""


class SiteMissing(OnionError):
    """The site's settings are missing or do not fit this onion address."""


class ReviewersMissing(OnionError):
    """No reviewers' public keys are pinned."""


class DropStopped(OnionError):
    """The front or the vault stopped by itself."""


class DropUnresponsive(OnionError):
    """The front or the vault did not answer in time."""
