"""The kinds of requests that share the front's work, told by their first line."""

import re
from enum import IntEnum, unique

# What is filed, and what ends a visit; a language's prefix may come first.
_FILING = re.compile(rb"POST /[A-Za-z-]{2,20}/(?:report|report/send|case) ")
_LEAVING = re.compile(rb"POST /[A-Za-z-]{2,20}/leave ")


@unique
class Kind(IntEnum):
    """Pages that are viewed; codenames that are typed, and anything else; what is filed."""

    PAGES = 0
    LOGINS = 1
    FILINGS = 2


# This many of a kind rank alike: a visitor looks at a few pages before filing. Requests that take
# longer count one by one: when a flood begins, all of its first ones come before anybody's second.
ALIKE = {Kind.PAGES: 4, Kind.LOGINS: 1, Kind.FILINGS: 1}
# A page takes about 7 ms of CPU time, a login 28 ms, a report 40 ms.
COSTS = {Kind.PAGES: 1, Kind.LOGINS: 4, Kind.FILINGS: 6}


def kind_of(line: bytes) -> Kind:
    """The kind of a request whose first line this is.

    No request gets a cheaper kind than it costs: an address that is not written as our pages write
    it counts as a login.
    """
    if line.startswith((b"GET ", b"HEAD ")) or _LEAVING.match(line):
        return Kind.PAGES
    return Kind.FILINGS if _FILING.match(line) else Kind.LOGINS
