"""Every error of the onion side.

An error's text is the sentence the operator reads; by default it is the docstring of its class.
This package imports nothing from the application, so it has its own base class.
"""

import errno
import os
import pwd


class OnionError(Exception):
    """Something went wrong between Tor and the application."""

    def __str__(self) -> str:
        return super().__str__() or (type(self).__doc__ or "").strip()


class TorMissing(OnionError):
    """tor is not installed; on Debian: apt install tor."""


class TorTooOld(OnionError):
    """The installed tor is too old for a public onion service."""


class TorStopped(OnionError):
    """A tor process stopped by itself."""


class TorSilent(OnionError):
    """tor does not answer on its control socket."""


class NotBootstrapped(OnionError):
    """A tor process could not join its network in time."""


class NotPublished(OnionError):
    """The onion service's descriptor did not reach the directory in time."""


class BadPath(OnionError):
    """A path is unsuitable for a socket or a tor configuration."""


class NoFreePort(OnionError):
    """No free port was found on the loopback interface."""


class SiteMissing(OnionError):
    """The site's settings are missing or do not match this onion address."""


class ReviewersMissing(OnionError):
    """No reviewers' public keys are pinned."""


class RunsAsRoot(OnionError):
    """The drop was started by root."""


class StateInUse(OnionError):
    """Another `casedrop up` already serves from the same state."""


class DropStopped(OnionError):
    """The front or the vault stopped by itself."""


class DropUnresponsive(OnionError):
    """The front or the vault did not respond in time."""


def refused(why: OSError) -> str:
    """What the system refused, and to which user: "/x: Permission denied to the user
    casedrop-vault.".
    """
    reason = (why.strerror or str(why)).rstrip(".")
    if why.errno in (errno.EACCES, errno.EPERM):
        reason += f" to the user {_user(os.geteuid())}: change the owner or the permissions"
    return f"{why.filename}: {reason}." if why.filename else f"{reason}."


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
