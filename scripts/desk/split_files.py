"""Files that a claimant cut into parts: which of a case's files belong together, what is missing.

Only names and sizes decide this. The result is a guess, so the parts themselves always stay as they
came; in doubt nothing is joined, and a sentence says why.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from dropbox.split_name import Kind, SplitName, split_name
from scripts.desk.case import FileOfPart

# How many missing parts a sentence names one by one.
_NAMED = 8


class Member(NamedTuple):
    """One of a case's files that is a part: its number in the case (from 1), and that in its
    name.
    """

    number: int
    part: int
    file: FileOfPart


@dataclass(frozen=True, repr=False)
class SplitFile:
    """A file that was cut. ``whole`` is its name, which is as untrusted as any.

    ``members``: all files that are parts of it, by their parts' numbers. ``doubt``: why they are
    not joined, "" if names and sizes allow it. ``note``: what to know if they are.
    """

    whole: str
    kind: Kind
    members: tuple[Member, ...]
    doubt: str
    note: str = ""

    @property
    def parts(self) -> tuple[Member, ...]:
        """Each part once."""
        return tuple({member.part: member for member in reversed(self.members)}.values())[::-1]

    @property
    def listed(self) -> str:
        """Its files by their numbers in the case, in the order of the parts: "files 2, 1 and 4"."""
        return _listed("file", [member.number for member in self.members])


def split_files(files: Sequence[FileOfPart]) -> list[SplitFile]:
    """What was cut among a case's *files*, in the order of their first files."""
    sets: dict[tuple[int, str], list[tuple[int, SplitName, FileOfPart]]] = defaultdict(list)
    for number, one in enumerate(files, 1):
        found = split_name(one.attachment.name)
        if found is not None:
            sets[found.key].append((number, found, one))
    return [made for named in sets.values() if (made := _split_file(named, files)) is not None]


def _split_file(
    named: Sequence[tuple[int, SplitName, FileOfPart]], files: Sequence[FileOfPart]
) -> SplitFile | None:
    name = named[0][1]
    found = [Member(number, one.number, file) for number, one, file in named]
    if len({member.part for member in found}) == 1 and not name.in_digits:
        # Two letters at the end mark a part only if there is another one.
        return None
    if name.kind is Kind.VOLUME:
        return _archive(name, found, files)
    members = tuple(sorted(found, key=lambda member: (member.part, member.number)))
    split = SplitFile(name.whole, name.kind, members, _doubt(members))
    parts = split.parts
    if not split.doubt and parts[-1].file.attachment.size == parts[0].file.attachment.size:
        note = "The last part is as large as the others, so more of them may exist."
        return SplitFile(name.whole, name.kind, members, "", note)
    return split


def _doubt(members: Sequence[Member]) -> str:
    """Why *members*, ordered by their parts' numbers, cannot be joined; "" if they can."""
    for one, other in pairwise(members):
        if one.part == other.part and one.file.attachment.sha256 != other.file.attachment.sha256:
            twice = _listed("file", [one.number, other.number])
            return f"Part {one.part} is here twice, and not the same: {twice}."
    present = {member.part for member in members}
    missing = _missing(present)
    if missing:
        return f"{_named('Part', missing)} missing."
    if len(present) == 1:
        return f"Only part {members[0].part} is here."
    sizes = list({member.part: member.file.attachment.size for member in members}.values())
    if set(sizes[:-1]) != {sizes[0]} or not 0 < sizes[-1] <= sizes[0]:
        return "The parts are not of one size, as those of one file are."
    return ""


def _archive(name: SplitName, found: list[Member], files: Sequence[FileOfPart]) -> SplitFile:
    """The volumes of an archive: one of them may have the archive's own name."""
    own = [
        (number, one)
        for number, one in enumerate(files, 1)
        if one.attachment.name.casefold() == name.whole.casefold()
    ]
    present = {member.part for member in found}
    lacks = _named("Volume", _missing(present)) + " missing. " if _missing(present) else ""
    # WinRAR's newer volumes are all numbered.
    if not name.numbers_all:
        last = 0 if name.whole.lower().endswith(".rar") else max(present) + 1
        found += [Member(number, last, one) for number, one in own]
        lacks += "" if own else "The volume with the archive's own name is missing. "
    members = tuple(sorted(found, key=lambda member: (member.part, member.number)))
    return SplitFile(
        name.whole,
        name.kind,
        members,
        f"{lacks}These are volumes of an archive, which only its own program can put together.",
    )


def _missing(present: set[int]) -> list[int]:
    return sorted(set(range(0 if 0 in present else 1, max(present))) - present)


def _named(what: str, numbers: Sequence[int]) -> str:
    """Which *what* are missing, with the verb."""
    if len(numbers) == 1:
        return f"{what} {numbers[0]} is"
    if len(numbers) > _NAMED:
        return f"{len(numbers)} {what.lower()}s, the first of them {numbers[0]}, are"
    return f"{_listed(what, numbers)} are"


def _listed(what: str, numbers: Iterable[int]) -> str:
    texts = list(map(str, numbers))
    if len(texts) == 1:
        return f"{what} {texts[0]}"
    return f"{what}s {', '.join(texts[:-1])} and {texts[-1]}"
