"""An export bundle as the courier brings it: a directory with a head and volumes, verified."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nacl.signing import VerifyKey

from dropbox.errors import BadBundle
from dropbox.export_bundle import (
    HEAD_NAME,
    Head,
    ListedBlock,
    read_head,
    read_volume,
    volume_name,
)
from dropbox.system_error import explained

# How many volumes are read, and their number.
Progress = Callable[[int, int], None]


class ReceivedBundle:
    """The bundle in *directory*, signed by the server with *key*. Raises BadBundle.

    Nothing is kept here: what :meth:`read` passes on can be trusted only once it has returned.
    """

    def __init__(self, directory: Path, key: VerifyKey, *, campaign: str) -> None:
        self._directory = directory
        self._key = key
        with _opened(directory / HEAD_NAME) as stream:
            self.head: Head = read_head(stream, key, campaign=campaign)

    def read(
        self,
        sink: Callable[[ListedBlock, bytes], None],
        progress: Progress = lambda _volume, _volumes: None,
    ) -> None:
        """Verify all volumes and pass each block to *sink*. Raises BadBundle.

        Each ListedBlock has the SHA-256 of the bytes passed with it.
        """
        last = b""
        counts = dict.fromkeys((held.day for held in self.head.days), 0)

        def take(block: ListedBlock, data: bytes) -> None:
            nonlocal last
            # The index is checked within a volume; this checks between volumes.
            if block.id <= last:
                raise BadBundle(f"Block {block.id.hex()} is in the bundle twice.")
            if block.day not in counts:
                raise BadBundle(f"Block {block.id.hex()} is of a day that the head does not name.")
            last = block.id
            counts[block.day] += 1
            sink(block, data)

        volumes = len(self.head.volumes)
        for position in range(1, volumes + 1):
            progress(position - 1, volumes)
            with _opened(self._directory / volume_name(position)) as stream:
                read_volume(stream, self.head, position, self._key, take)
        progress(volumes, volumes)
        for held in self.head.days:
            if counts[held.day] != held.slots:
                raise BadBundle(
                    f"The bundle holds {counts[held.day]} blocks of {held.day}; its head names "
                    f"{held.slots}."
                )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise BadBundle(
            f"{path.name} is missing in {path.parent}: the bundle was not fetched or copied to its "
            "end."
        ) from None
    except OSError as why:
        raise BadBundle(f"{path} cannot be read: {explained(why)}") from None
    with stream:
        yield stream
