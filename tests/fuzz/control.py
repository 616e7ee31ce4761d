"""The control: a reader with a fault that only guided fuzzing finds in time.

A run that misses it is broken.
"""

from dropbox.errors import BadPacket
from fuzz.target import Target


def broken(data: bytes) -> int:
    """Raises BadPacket or returns a number, but fails for four particular bytes among four thousand
    million.
    """
    if len(data) < 4:
        raise BadPacket
    if data[0] == 0x44 and data[1] == 0x52 and data[2] == 0x4F and data[3] == 0x50:
        raise IndexError("the planted fault")
    return data[0]


BROKEN = Target(broken, (BadPacket,), [b"\0\0\0\0"], 64)
