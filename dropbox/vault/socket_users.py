"""Whose processes each of the vault's sockets answers.

The kernel names the user of the process that connected. File modes do not stop a process that has
the right group, or that was given it by mistake; this checks the user itself.
"""

import os
import pwd

from dropbox.errors import SettingsError
from dropbox.settings import Settings

_ROOT = 0


def socket_users(settings: Settings) -> dict[str, frozenset[int]]:
    """The user ids that each socket answers, by its path.

    The vault's own user is always among them: its health is checked over both sockets, and without
    other settings all rooms belong to one user. Root is answered on the courier's socket, for the
    operator's commands; it could become any user anyway. Raises SettingsError for a user that does
    not exist.
    """
    own = os.geteuid()
    front = () if settings.front_user is None else (_id("front_user", settings.front_user),)
    courier = (_id("courier_users", name) for name in settings.courier_users)
    return {
        str(settings.intake_socket): frozenset((own, *front)),
        str(settings.courier_socket): frozenset((own, _ROOT, *courier)),
    }


def _id(setting: str, name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise SettingsError(
            f"The setting [vault] {setting} names the user {name}, who does not exist on this "
            "computer."
        ) from None
