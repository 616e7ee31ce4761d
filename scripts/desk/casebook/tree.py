"""The custody logs of several desks as one tree: each desk's lines, from its origin on.

Each line names the one before it by hash. So if a desk's log continued twice from one line, as
after a restored backup, it has two branches; both are kept, and :func:`forks` names them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from dropbox.errors import BadPacket
from dropbox.packets import PublicKey, verify_detached
from scripts.desk.casebook.custody import SESSION, Line
from scripts.desk.casebook.desks import SignedLine

# By the hash that the next line holds: the desk's origin, and what the line says.
Tree = Mapping[str, tuple[str, Line]]


def read(lines: Iterable[SignedLine]) -> dict[str, tuple[str, Line]]:
    """The tree of *lines*. Raises ValueError for anything that is not a line."""
    tree = {}
    for one in lines:
        line = Line.from_bytes(one.line)
        if line is None:
            raise ValueError
        tree[one.sha256] = one.origin, line
    return tree


def vouched(line: Line, keys: Sequence[PublicKey], now: datetime) -> bool:
    """Whether *line* begins a session for which one of *keys* vouches."""
    if line.act != SESSION:
        return False
    try:
        key = verify_detached(line.certified(), bytes.fromhex(line.certificate), tuple(keys), now)
    except (BadPacket, ValueError):
        return False
    return key.fingerprint == line.reviewer


def faults(
    lines: Iterable[SignedLine], tree: Tree, keys: Sequence[PublicKey], now: datetime
) -> Iterator[str]:
    """What is wrong with each of *lines*, which are in *tree* with all lines before them."""
    sessions = {
        (origin, line.session): line.reviewer
        for origin, line in tree.values()
        if vouched(line, keys, now)
    }
    for one in lines:
        origin, line = tree[one.sha256]
        name = f"Line {line.number} of another desk's log"
        if sessions.get((origin, line.session)) != line.reviewer:
            yield f"{name} is not by a reviewer whom this casebook knows; see `reviewers`."
            continue
        try:
            VerifyKey(bytes.fromhex(line.session)).verify(one.line, one.signature)
        except (BadSignatureError, ValueError):
            yield f"{name} was changed or forged: its signature is not valid."
            continue
        before, earlier = tree.get(line.before, (origin, None))
        follows = line.before == origin if earlier is None else before == origin
        if not follows or line.number != (earlier.number if earlier else 0) + 1:
            yield f"{name} does not follow any line before it: one was removed or replaced."


def forks(tree: Tree, desks: Mapping[str, int]) -> list[str]:
    """Where a desk's log continues twice. *desks* are the desks' numbers by origin."""
    after: dict[tuple[str, str], int] = {}
    found = []
    for origin, line in tree.values():
        key = origin, line.before
        after[key] = after.get(key, 0) + 1
        if after[key] == 2:
            found.append((desks.get(origin, 0), line.number - 1))
    return [
        f"The log of desk {desk} goes on more than once after its line {number}: its casebook was "
        "restored from a backup there, or copied. What was done on each side is kept."
        for desk, number in sorted(found)
    ]
