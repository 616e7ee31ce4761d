"""Python runs this where this folder is in PYTHONPATH: from then on, time.time() is ahead by the
seconds that support.clocks.AheadClock has written into its file.
"""

import mmap
import os
import struct
import time
from pathlib import Path

# Mapped at once: a room that is locked opens no file any more. Its workers inherit the mapping.
with Path(os.environ["AHEAD_CLOCK"]).open("rb") as file:
    _ahead = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
_time = time.time


def _moved() -> float:
    return _time() + float(struct.unpack_from("d", _ahead)[0])


time.time = _moved
