"""The forms in which reviewers enter facts: TOML, with the campaign's codes in comments.

A form is for one case. For a correction it says which version it was printed from, so that nobody
replaces a version that they have not seen.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dropbox.campaign import Campaign
from scripts.desk.casebook.facts import CONTACT, EVENT, PARTY, Contact, Event, Fact, Party
from scripts.desk.facts import form_words, sources
from scripts.desk.facts.extent import Extent
from scripts.desk.facts.fact_errors import FactError
from scripts.desk.facts.sources import Source, Sources
from scripts.desk.review.blank_sheet import toml
from scripts.desk.review.sheet import SHEET_BYTES
from scripts.terminal import one_line

# The texts of a fact are shown in lists and tables.
TEXT_CHARACTERS, NAME_CHARACTERS, REASON_CHARACTERS = 4_000, 200, 1_000
_NAMES, _PARTIES, _MOST_NUMBER = 20, 50, 1_000_000
_CORRECTED = ("entry", "version", "take_back", "reason")
_APART = ("entry", "reason", "reviewer", "day")
_SOURCE = ("part", "file", "answer", "page", "line")
_KEYS = {
    EVENT: ("when", "kind", "text", "parties", *_SOURCE),
    PARTY: ("names", "kind", "role", "text", "same_as", *_SOURCE),
    CONTACT: ("when", "channel", "team", "contact", "text"),
}


@dataclass(frozen=True, repr=False)
class Form:
    """A filled-in form, its fields by name, and which version of which entry it corrects.

    ``entry`` is "" for a new fact. No repr: it is plaintext.
    """

    case: str
    entry: str
    version: int
    take_back: bool
    reason: str
    fields: Mapping[str, Any]


class Printed(NamedTuple):
    """What a form is printed from: the case's name and, for a correction, the last version.

    ``contested`` are the versions between which the correction decides, if there are any.
    """

    case: str
    before: Fact | None = None
    version: int = 0
    contested: tuple[Fact, ...] = ()


def blank(
    kind: str, printed: Printed, campaign: Campaign, language: str, found: Sources, team: str
) -> str:
    """The form for a fact of this *kind*; *team* is the reviewer here. *found*: the case's
    sources.
    """
    head = form_words.HEADS[kind].in_(language).format(printed.case)
    lines = [*_comments(head), f"case = {toml(printed.case)}"]
    if printed.before is not None:
        lines += [
            "",
            *_comments(form_words.CORRECTS.in_(language)),
            *(_differing(printed.contested, found, language) if printed.contested else ()),
            f"entry = {toml(printed.before.entry)}",
            f"version = {printed.version}",
            "take_back = false",
            'reason = ""',
        ]
    values = _values(kind, printed.before, found, team)
    for name, remark, listed in form_words.REMARKS[kind]:
        labels = campaign.reviewing.lists[listed] if listed else ()
        lines += ["", *_comments(remark.in_(language))]
        lines += [f"#   {one.code}  {one.in_(language)}" for one in labels]
        names = _SOURCE if name == _SOURCE[0] else (name,)
        lines += [f"{one} = {toml(values[one])}" for one in names]
    return "\n".join(lines) + "\n"


def _comments(text: str) -> Iterator[str]:
    return (f"# {line}" for line in text.splitlines())


def _differing(versions: Sequence[Fact], found: Sources, language: str) -> Iterator[str]:
    """Versions between which a correction decides, each on one line of a comment."""
    yield from _comments(form_words.CONTESTED.in_(language))
    for one in versions:
        said = {name: value for name, value in vars(one).items() if name not in _APART}
        if isinstance(one, Event | Party):
            said["source"] = found.shown(one.source, language)
        if one.counts:
            del said["state"]
        yield f"#   {one_line(' · '.join(filter(None, said.values())), NAME_CHARACTERS)}"


def _values(kind: str, before: Fact | None, found: Sources, team: str) -> dict[str, Any]:
    """The value of each field in the form: the last version's, or empty."""
    said: dict[str, Any] = {"text": "", "kind": "", "role": "", "channel": "", "contact": ""}
    said |= {"when": "", "names": [], "parties": [], "same_as": "", "team": team}
    said |= dict.fromkeys(_SOURCE, 0)
    if before is None:
        return said
    said |= {name: value for name, value in vars(before).items() if name in said}
    if isinstance(before, Event | Contact):
        said["when"] = before.date or "unknown"
    if isinstance(before, Event):
        said["parties"] = before.parties.split()
    if isinstance(before, Party):
        said["names"] = before.names.split("\n")
    source = sources.read(before.source) if isinstance(before, Event | Party) else None
    if source is not None and source.kind:
        said |= {source.kind: found.number(source), "page": source.page, "line": source.line}
    return said


def read(untrusted: bytes, kind: str) -> Form:
    """A filled-in form. Raises FactError if it is not one; the fields are checked later."""
    if len(untrusted) > SHEET_BYTES:
        raise FactError(f"The form is longer than {SHEET_BYTES} bytes.")
    try:
        body = tomllib.loads(untrusted.decode("utf-8"))
    except UnicodeDecodeError:
        raise FactError("The form is not UTF-8.") from None
    except (ValueError, RecursionError) as why:
        raise FactError(f"The form is not TOML: {str(why) or 'it is nested too deeply'}.") from None
    fields = Fields(body)
    fields.refuse_others({"case", *_CORRECTED, *_KEYS[kind]})
    form = Form(
        case=fields.text("case", NAME_CHARACTERS),
        entry=fields.text("entry", NAME_CHARACTERS),
        version=fields.number("version"),
        take_back=fields.flag("take_back"),
        reason=fields.text("reason", REASON_CHARACTERS),
        fields={name: body[name] for name in _KEYS[kind] if name in body},
    )
    if not form.case:
        fields.fault("case", "this is required, as it is in the blank form.")
    fields.check()
    return form


class Fields:
    """The fields of a form while they are read. It collects all faults; :meth:`check` raises."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body
        self._faults: list[str] = []

    def fault(self, name: str, sentence: str) -> None:
        """Note that the field *name* is wrong."""
        self._faults.append(f"{name}: {sentence}")

    def check(self) -> None:
        """Raise FactError if anything was wrong."""
        if self._faults:
            raise FactError("\n".join(self._faults))

    def refuse_others(self, known: Iterable[str]) -> None:
        """Note fields that are not *known*, without showing them: they may be anything."""
        if others := len(set(self._body) - set(known)):
            self.fault("form", f"{others} of its fields are none of this form's.")

    def text(self, name: str, most: int) -> str:
        """A text of at most *most* characters, "" if it is missing."""
        value = self._body.get(name, "")
        if not isinstance(value, str) or len(value) > most or "\0" in value:
            self.fault(name, f"this must be a text in quotes of at most {most:,} characters.")
            return ""
        return value.strip()

    def code(self, name: str, codes: Sequence[str]) -> str:
        """One of *codes*; it is required."""
        value = self._body.get(name, "")
        if not isinstance(value, str) or value not in codes:
            self.fault(name, f"this must be one of {', '.join(codes)}.")
            return ""
        return value

    def number(self, name: str) -> int:
        """A whole number; 0 means none."""
        value = self._body.get(name, 0)
        if type(value) is not int or not 0 <= value < _MOST_NUMBER:
            self.fault(name, "this must be a whole number; 0 is none.")
            return 0
        return value

    def flag(self, name: str) -> bool:
        """true or false."""
        value = self._body.get(name, False)
        if not isinstance(value, bool):
            self.fault(name, "this must be true or false.")
            return False
        return value

    def texts(self, name: str, *, most: int) -> list[str]:
        """A list of at most *most* texts of one line each."""
        value = self._body.get(name, [])
        if not isinstance(value, list) or len(value) > most or not all(map(_is_line, value)):
            self.fault(
                name,
                f"this must be a list of at most {most} texts, each one line of 1 to "
                f"{NAME_CHARACTERS} characters.",
            )
            return []
        return list(dict.fromkeys(one.strip() for one in value))

    def names(self) -> str:
        """Names as they are stored; one is required."""
        found = self.texts("names", most=_NAMES)
        if not found and not self._faults:
            self.fault("names", "one name at least is required.")
        return "\n".join(found)

    def parties(self) -> list[str]:
        """The entries of parties, as they were typed."""
        return self.texts("parties", most=_PARTIES)

    def source(self, found: Sources, extent: Callable[[str, int], Extent]) -> str:
        """The source, as it is stored; *extent* gives a source's extent."""
        numbers = {name: self.number(name) for name in _SOURCE}
        given = [name for name in (sources.PART, sources.FILE, sources.ANSWER) if numbers[name]]
        page, line = numbers["page"], numbers["line"]
        match given:
            case [kind]:
                called = f"{kind} {numbers[kind]}"
                source = found.source(kind, numbers[kind], page=page, line=line)
                if source is not None:
                    self._within(called, source, extent)
                    return source.written
                self.fault(kind, f"this case has no {called}.")
            case [] if page or line:
                self.fault("part", "a page or a line is of a part, a file or an answer.")
            case [_, _, *_]:
                self.fault("part", "name only one of part, file and answer.")
        return ""

    def _within(self, called: str, source: Source, extent: Callable[[str, int], Extent]) -> None:
        """Note a page or a line that the source does not have."""
        reaches = extent(source.kind, self.number(source.kind))
        for name, value, most in (
            ("page", source.page, reaches.pages),
            ("line", source.line, reaches.lines),
        ):
            if most is not None and value > most:
                count = "no" if not most else f"only {most:,}"
                self.fault(name, f"{called} has {count} {name}{'s' * (most != 1)}.")


def _is_line(value: Any) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value.strip()) <= NAME_CHARACTERS
        and len(value.splitlines()) == 1
        and "\0" not in value
    )
