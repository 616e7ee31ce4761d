"""Fetches the two programs that check the pages, each pinned by its hash: vnu (HTML) and axe-core
(accessibility).

They come from the npm registry, as published by their authors; Node.js and npm are not needed.
"""

import hashlib
import io
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class Checker:
    """A file inside a published archive."""

    url: str
    sha512: str  # of the archive, in hex
    member: str

    @property
    def name(self) -> str:
        """The file's name in the local directory."""
        return Path(self.member).name


VNU = Checker(
    "https://registry.npmjs.org/vnu-jar/-/vnu-jar-26.9.27.tgz",
    "4e441de4315f39a582f5e6edbe8cd3b2b1f655aa1dde3620faface791133217c417b12f3f7ead2d8336d8e7efe44f5226618258b44a0860057e9125135e6b428",
    "package/build/dist/vnu.jar",
)
AXE = Checker(
    "https://registry.npmjs.org/axe-core/-/axe-core-4.14.1.tgz",
    "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5",
    "package/axe.min.js",
)
DIRECTORY = Path(__file__).parents[2] / "build" / "checkers"


def fetch(checker: Checker, directory: Path) -> None:
    """Put the checker's file into *directory* unless this version of it is there already."""
    target, stamp = directory / checker.name, directory / f"{checker.name}.sha512"
    if target.exists() and stamp.exists() and stamp.read_text("ascii") == checker.sha512:
        return
    print(f"Fetching {checker.name}", flush=True)
    archive = httpx.get(checker.url, timeout=300, follow_redirects=True).raise_for_status().content
    if hashlib.sha512(archive).hexdigest() != checker.sha512:
        sys.exit(f"{checker.url} is not the archive that is pinned here; nothing of it is used.")
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as members:
        body = members.extractfile(checker.member)
        assert body is not None
        target.write_bytes(body.read())
    stamp.write_text(checker.sha512, "ascii")


if __name__ == "__main__":
    into = Path(sys.argv[1])
    into.mkdir(parents=True, exist_ok=True)
    for one in (VNU, AXE):
        fetch(one, into)
