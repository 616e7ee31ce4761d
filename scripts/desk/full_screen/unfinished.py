"""Work that was begun and not saved when the desk was locked; offered again after the passphrase.

A locked desk must have nothing readable in its memory, and none of this may reach the disk. So gpg
seals it to the newest weekly key of the reviewer at work, and only this process has the ciphertext.
A key of its own, drawn when the screen opens, would be in memory beside what it seals; gpg's key
opens nothing before somebody has given the passphrase again. Freed memory is not overwritten, since
Python cannot do that: the same is true of everything that the screen showed.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import NamedTuple

# For a sheet and a text; both are far shorter.
MOST_BYTES = 2**20


class Begun(NamedTuple):
    """A text that somebody was writing, and what it was for: ANSWER, or a word of its screen's."""

    what: str = ""
    text: str = ""


ANSWER, FIELD, FACT = "answer", "field ", "fact "


@dataclass(frozen=True, repr=False)
class Unfinished:
    """For case number ``case``: the filled-in ``sheet``, "" for none, and a text.

    No repr: it is plaintext.
    """

    case: int
    sheet: str
    what: str
    text: str

    @property
    def begun(self) -> Begun:
        """The text, and what it is for."""
        return Begun(self.what, self.text)

    def to_bytes(self) -> bytes:
        """The bytes to seal."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Unfinished":
        """The object from :meth:`to_bytes`, which only this process made."""
        return cls(**json.loads(data))


@dataclass(frozen=True)
class OwnKeys:
    """The keys of the reviewer at work, in gpg's hands.

    *sign* makes a detached OpenPGP signature of the reviewer whose fingerprint it gets, *seal*
    seals to that reviewer alone and needs no passphrase, *unseal* opens what was sealed.
    """

    sign: Callable[[bytes, str], bytes]
    seal: Callable[[bytes, str], bytes]
    unseal: Callable[[bytes], bytes]
