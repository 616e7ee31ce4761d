"""What was begun and not saved when the desk is locked; it is offered again after the passphrase.

A locked desk must have nothing to read in its memory, and nothing of this goes to the disk. So it
is sealed by gpg to the newest weekly key of the reviewer at work, and only this process has the
ciphertext. A key of its own, drawn when the screen opens, would lie in the memory beside what it
seals; gpg's opens nothing before somebody has given the passphrase again. What was freed is not
overwritten, since Python cannot do that: the same is true of all that the screen showed.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import NamedTuple

# A sheet and a text; both are far shorter.
MOST_BYTES = 2**20


class Begun(NamedTuple):
    """A text that somebody was writing, and what it was for: ANSWER, or a word of its screen's."""

    what: str = ""
    text: str = ""


ANSWER, FIELD, FACT = "answer", "field ", "fact "


@dataclass(frozen=True, repr=False)
class Unfinished:
    """Of case number ``case``: the ``sheet`` that was filled in, "" for none, and a text.

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
        """As it is sealed."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Unfinished":
        """What :meth:`to_bytes` made; only this process made it."""
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
