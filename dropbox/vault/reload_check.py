"""Whether a vault could start with the present keys and campaign.

python -m dropbox.vault.reload_check

Prints "checked" if it could; otherwise a sentence on standard error. It opens no store: the running
vault has it.
"""

import os
import sys
from datetime import UTC, datetime

from dropbox.campaign import Campaign
from dropbox.errors import CasedropError
from dropbox.pinned_keys import last_day, read_pinned_keys
from dropbox.settings import Settings
from dropbox.successor import read_successor, successor_path
from dropbox.system_error import told
from dropbox.vault.factory import read_export_key
from dropbox.weekly_hpke import WeeklyHpke


def check(settings: Settings, now: datetime) -> None:
    """Raise CasedropError for anything that would stop a start, and for keys that cannot be sealed
    to.

    *now* is UTC time.
    """
    Campaign.read(settings.campaign)
    read_pinned_keys(settings.keys)
    last_day(settings.keys)
    WeeklyHpke.load(settings.keys, now)
    read_export_key(settings.export_key, settings.credentials)
    read_successor(successor_path(settings.store_file))


def main() -> int:
    """Check the site that the environment names. Returns the exit code."""
    try:
        check(Settings.load(os.environ), datetime.now(UTC))
    except (CasedropError, OSError) as why:
        sys.stderr.write(f"{told(why) if isinstance(why, OSError) else why}\n")
        return 2
    sys.stdout.write("checked\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
