"""What the lockdown does not enforce on the machine that runs the tests, and says each time."""

from dropbox.lockdown import lacking

# Its disks may be mounted in any way, and its kernel be set up in any; see PARTS of the lockdown.
WAIVED = ("access", *lacking())


def waived(*more: str) -> dict[str, str]:
    """The environment of a room that also waives *more*."""
    return {"CASEDROP_LOCKDOWN_WAIVED": " ".join((*WAIVED, *more))}


def is_told(line: str) -> bool:
    """Whether *line* only says that the tests' waivers hold."""
    return line.endswith(tuple(f"is incomplete: the settings waive {part}." for part in WAIVED))
