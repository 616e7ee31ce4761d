"""The reviewers' pinned keys: the file FINGERPRINTS, and a key file for each of its lines."""

from datetime import UTC, date, datetime
from pathlib import Path

from dropbox.errors import BadPacket, KeysError
from dropbox.packets import PublicKey, dearmor, last_second
from dropbox.system_error import explained, reason_of


def read_pins(keys: Path) -> dict[str, str]:
    """The pin file ``FINGERPRINTS`` in *keys*, as {fingerprint: file name}.

    Raises KeysError with the line.
    """
    pins: dict[str, str] = {}
    try:
        lines = (keys / "FINGERPRINTS").read_text("utf-8").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        raise KeysError(
            f"There is no readable FINGERPRINTS file in {keys}; the key ceremony creates it."
        ) from None
    except OSError as why:
        raise KeysError(f"FINGERPRINTS in {keys} cannot be read: {explained(why)}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        fingerprint, _, name = line.partition(" ")
        if (
            len(fingerprint) != 40
            or set(fingerprint) - set("0123456789ABCDEF")
            or not name.strip()
            or Path(name.strip()).name != name.strip()
        ):
            raise KeysError(
                f"FINGERPRINTS, line {number}: not a fingerprint (40 capital hex digits) "
                "followed by a file name."
            )
        if fingerprint in pins or name.strip() in pins.values():
            raise KeysError(f"FINGERPRINTS, line {number}: this key or file is pinned twice.")
        pins[fingerprint] = name.strip()
    if not pins:
        raise KeysError(f"FINGERPRINTS in {keys} lists no key; nothing could be sealed.")
    return pins


def read_pinned_keys(keys: Path) -> tuple[PublicKey, ...]:
    """The pinned reviewers' signing keys in *keys*.

    Raises KeysError naming the file that does not match.
    """
    pins = read_pins(keys)
    unpinned = sorted({file.name for file in keys.glob("*.asc")} - set(pins.values()))
    if unpinned:
        raise KeysError(f"{unpinned[0]} in {keys} is not pinned in FINGERPRINTS.")
    read = []
    for fingerprint, name in pins.items():
        try:
            key = PublicKey.read(dearmor((keys / name).read_bytes()))
        except (OSError, BadPacket) as why:
            raise KeysError(f"{name} in {keys} cannot be used: {reason_of(why)}") from None
        if key.fingerprint != fingerprint:
            raise KeysError(
                f"{name} in {keys} is not the pinned key: its fingerprint is {key.fingerprint}."
            )
        read.append(key)
    return tuple(read)


def last_day(keys: Path) -> date:
    """The last UTC day on which every pinned key in *keys* has a valid encryption subkey.

    Raises KeysError, naming the file, like :func:`read_pinned_keys`.
    """
    ends = []
    for name in read_pins(keys).values():
        try:
            ends.append(last_second(dearmor((keys / name).read_bytes())))
        except (OSError, BadPacket) as why:
            raise KeysError(f"{name} in {keys} cannot be used: {reason_of(why)}") from None
    return datetime.fromtimestamp(max(min(ends) - 1, 0), UTC).date()
