"""Which tests cover which sources, which constants are a matter of judgement, and the faults that
were planted by hand: read from covering.toml, judgement.toml and planted.toml.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Group:
    """Source files with the tests that have to notice a fault in them."""

    area: str
    files: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Planted:
    """A fault planted by hand: in *file* the text *old*, found once, becomes *new*; *tests* have
    to notice.
    """

    area: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def source(self, text: str) -> str:
        """*text*, the file's source, with the fault in it."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self} is found {text.count(self.old)} times, not once.")
        return text.replace(self.old, self.new)

    def __str__(self) -> str:
        return f"{self.file} {self.old.strip()!r} -> {self.new.strip()!r}"


def groups() -> list[Group]:
    """The groups of covering.toml."""
    listed = tomllib.loads((HERE / "covering.toml").read_text("utf-8"))["group"]
    return [Group(one["area"], tuple(_files(one["files"])), tuple(one["tests"])) for one in listed]


def _files(patterns: list[str]) -> Iterator[str]:
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.name != "__init__.py":
                yield str(path.relative_to(ROOT))


def judged_constants() -> dict[str, frozenset[str]]:
    """The names of judgement.toml in each file."""
    listed = tomllib.loads((HERE / "judgement.toml").read_text("utf-8"))["constant"]
    return {
        file: frozenset(one["name"] for one in listed if one["file"] == file)
        for file in {one["file"] for one in listed}
    }


def planted() -> list[Planted]:
    """The faults of planted.toml."""
    listed = tomllib.loads((HERE / "planted.toml").read_text("utf-8"))["fault"]
    return [
        Planted(one["area"], one["file"], one["old"], one["new"], tuple(one["tests"]))
        for one in listed
    ]
