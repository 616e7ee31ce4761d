"""Unpacking archives that the tests keep, on every Python: only later ones can filter."""

import tarfile
from pathlib import Path


def unpack(archive: Path, directory: Path) -> None:
    """Put the files of *archive*, a tar file of ours, into *directory*."""
    with tarfile.open(archive) as opened:
        for member in opened:
            path = directory / member.name
            content = opened.extractfile(member)
            if content is None:
                path.mkdir(exist_ok=True)
            else:
                path.write_bytes(content.read())
