"""The kinds of requests that share the front's work, told by their first line."""

import re
from enum import IntEnum, unique

# What is filed, and what ends a visit; languages' prefixes are in front.
_FILING = re.compile(rb"POST /[A-Za-z-]{2,20}/(?:report|report/send|case) ")
_LEAVING = re.compile(rb"POST /[A-Za-z-]{2,20}/leave ")


@unique
class Kind(IntEnum):
    """Pages that are looked at, codenames that are typed and all else, and what is filed."""

    PAGES = 0
    LOGINS = 1
    FILINGS = 2


# So many of a kind are alike: a visit has a few pages before what is filed. Of what takes longer,
# each counts: when a flood begins, all of its first ones are before somebody's second.
ALIKE = {Kind.PAGES: 4, Kind.LOGINS: 1, Kind.FILINGS: 1}
# A page takes about 7 ms of a processor, a login 28 ms, a report 40 ms.
COSTS = {Kind.PAGES: 1, Kind.LOGINS: 4, Kind.FILINGS: 6}


def kind_of(line: bytes) -> Kind:
    """The kind of a request whose first line this is.

    No kind is cheaper than what it is for: an address that is written otherwise than our pages
    write it counts as a login.
    """
    if line.startswith((b"GET ", b"HEAD ")) or _LEAVING.match(line):
        return Kind.PAGES
    return Kind.FILINGS if _FILING.match(line) else Kind.LOGINS
