"""Checking a custody log line by line: each is signed, in its position, and follows another."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from dropbox.packets import PublicKey
from scripts.desk.casebook import tree
from scripts.desk.casebook.custody import Line, link

Progress = Callable[[int, int], None]


class _Kept(NamedTuple):
    """A line as the file holds it: row number, bytes and signature, and what the bytes say."""

    position: int
    data: bytes
    signature: bytes
    line: Line | None

    @property
    def link(self) -> str:
        """The hash that the next line holds."""
        return link(self.data, self.signature)


class LogCheck:
    """A log as the file holds it: the (position, bytes, signature) of each row, by position."""

    def __init__(self, rows: Iterable[tuple[int, bytes, bytes]]) -> None:
        self._kept = [_Kept(*row, Line.from_bytes(row[1])) for row in rows]
        self._good: dict[int, _Kept] = {}

    @property
    def good(self) -> dict[int, Line]:
        """By number, the lines that :meth:`check` found to be what somebody signed."""
        return {number: one.line for number, one in self._good.items() if one.line is not None}

    @property
    def links(self) -> set[str]:
        """The hashes of all lines, as next lines hold them."""
        return {one.link for one in self._kept}

    def check(self, keys: Sequence[PublicKey], now: datetime, progress: Progress) -> list[str]:
        """What was changed, as sentences: in each line, in their numbers, then in their order."""
        found = list[str]()
        sessions = {
            one.line.session: one.line.reviewer
            for one in self._kept
            if one.line and tree.vouched(one.line, keys, now)
        }
        for done, kept in enumerate(self._kept, 1):
            found += self._check_line(kept, sessions)
            progress(done, len(self._kept))
        found += self._missing()
        lines = self.good
        for number in sorted(lines):
            before = self._good.get(number - 1)
            if before is not None and lines[number].before != before.link:
                found.append(
                    f"Line {number} of the log does not follow line {number - 1}: "
                    "one of them was replaced."
                )
        return found

    def _check_line(self, kept: _Kept, sessions: Mapping[str, str]) -> list[str]:
        """What is wrong with a line by itself; a line with a valid signature becomes a good one."""
        line, name = kept.line, f"Line {kept.position} of the log was changed"
        if line is None:
            return [f"{name}: it cannot be read."]
        if sessions.get(line.session) != line.reviewer:
            return [f"{name} or forged: no reviewer vouches for its session."]
        try:
            VerifyKey(bytes.fromhex(line.session)).verify(kept.data, kept.signature)
        except (BadSignatureError, ValueError):
            return [f"{name} or forged: its signature is not valid."]
        twice = line.number in self._good
        self._good.setdefault(line.number, kept)
        if twice:
            return [
                f"Line {line.number} of the log is there twice, the second time at position "
                f"{kept.position}."
            ]
        if line.number != kept.position:
            return [f"Line {line.number} of the log was moved to position {kept.position}."]
        return []

    def _missing(self) -> list[str]:
        positions = {kept.position for kept in self._kept}
        # A line that was changed is not missing: it is still at its position.
        present = set(self._good) | (positions - {kept.position for kept in self._good.values()})
        return [
            f"Line {number} of the log was removed."
            for number in range(1, max([*positions, *self._good], default=0) + 1)
            if number not in present
        ]
