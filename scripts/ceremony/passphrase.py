"""The passphrase of a reviewer's key, and how long gpg's agent takes to try one.

The agent stretches the passphrase each time it uses a secret key, and so for each message that is
opened: by default for half a second, so that a person's own words are hard to guess. Words drawn at
random cannot be guessed at any speed; a key with such a passphrase opens in milliseconds.
"""

import secrets
from collections.abc import Callable
from pathlib import Path

from dropbox.codename import WordLists
from dropbox.durable_file import replace_file
from dropbox.gpg_agent import ask_passphrase, stop_agent
from scripts.ceremony.weeks import CeremonyError

# 8 of 2,048 words: 88 bits. With the stretching of STRETCH, trying half of them takes a million
# computers, each with ten billion SHA-1 blocks a second, some eight million years.
WORDS = 8
# Bytes that the agent hashes for each try: 3 ms of CPU time. The least that it accepts is 65,536.
STRETCH = 1_048_576
_TRIES = 3
_SETTINGS = {
    # The passphrase window then offers no desktop password manager, which would store the
    # passphrase beside the key.
    "no-allow-external-cache": "",
    # Seconds: after ten minutes without use, and two hours after it was typed, the passphrase has
    # to be typed again.
    "default-cache-ttl": "600",
    "max-cache-ttl": "7200",
}
_STRETCH = "s2k-count"

# How a ceremony gets the passphrase of the key in a gpg home.
Choice = Callable[[Path], str]


def unprotected(home: Path) -> str:
    """No passphrase: for demonstrations and tests only."""
    write_settings(home, at_random=False)
    return ""


def own(home: Path) -> str:
    """The reviewer's own, typed twice into gpg's window. Raises KeysError if unusable."""
    write_settings(home, at_random=False)
    return ask_passphrase(home, new=True)


def drawn(home: Path, show: Callable[[str], None]) -> str:
    """Words drawn at random: *show* displays them once, then they are typed into gpg's window.

    Raises CeremonyError if something else is typed each time, KeysError if nothing is.
    """
    write_settings(home, at_random=True)
    english = WordLists.read().english
    words = " ".join(secrets.choice(english) for _ in range(WORDS))
    show(words)
    for attempt in range(_TRIES):
        what = "Those are not the words on the paper. " if attempt else ""
        what += f"Type the {WORDS} words from the paper, with a space between two."
        if secrets.compare_digest(ask_passphrase(home, what=what).encode(), words.encode()):
            return words
    raise CeremonyError(
        "What was typed is not what was shown, so no key has this passphrase. Nothing was done; "
        "destroy the paper and begin again."
    )


def write_settings(home: Path, *, at_random: bool) -> None:
    """Write the settings that gpg's agent needs into *home*, keeping any others there.

    The agent stretches a passphrase that is *at_random* for milliseconds only, any other as long as
    it does by default. It is stopped, and reads the settings when it starts again. Raises OSError.
    """
    path = home / "gpg-agent.conf"
    before = path.read_text("utf-8").splitlines() if path.exists() else []
    kept = [line for line in before if line != f"{_STRETCH} {STRETCH}"]
    named = {line.split()[0] for line in kept if line.strip()}
    wanted = {**_SETTINGS, **({_STRETCH: str(STRETCH)} if at_random else {})}
    lines = kept + [
        f"{name} {value}".strip() for name, value in wanted.items() if name not in named
    ]
    if lines != before:
        stop_agent(home)
        replace_file(path, "".join(f"{line}\n" for line in lines).encode("utf-8"))
