"""A case as one PDF for people: what the claimant wrote, what was decided, and how it was kept.

The original always comes first. Reviewers are named as having prepared, approved, translated or
handled it, never for what they said.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from scripts.desk.case import Part
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.productions import Number, page_number
from scripts.desk.casebook.translations import GIST
from scripts.desk.facts.dates import read as parse_date
from scripts.desk.production import dossier_words
from scripts.desk.production.dossier_contents import Making, Told
from scripts.desk.production.dossier_words import words
from scripts.desk.production.faces import Faces
from scripts.desk.production.page_layout import (
    BODY,
    BOTTOM,
    GREY,
    HEIGHT,
    LEFT,
    RIGHT,
    SMALL,
    TOP,
    WIDTH,
    Layout,
    Page,
    Stroke,
    placed,
)
from scripts.desk.production.records import Document
from scripts.desk.production.transcribed import lines_of, of_file
from scripts.desk.production.translated import NAMELESS, Translated, gist_of
from scripts.desk.redaction.standing import sha256_of

DOSSIERS = "dossiers"
_INDENT = 18.0
_PLACE = re.compile(r"\b(page|line|answer) (\d+)")


class Dossier(NamedTuple):
    """The bytes of a dossier and its pages."""

    data: bytes
    pages: int


def dossier(making: Making, told: Told, number: Number) -> Dossier:
    """The dossier of a case under *number*; its pages have numbers that begin with that."""
    writing = _Writing(making, told)
    pages = writing.pages(str(number))
    title = writing.word("title", case=told.case.name)
    for at, page in enumerate(pages, 1):
        _furnish(making.faces, page, title, page_number(number, at))
        _centre(making.faces, page, writing.word("page", k=at, n=len(pages)))
    # Loaded only when there is a dossier to write.
    from scripts.desk.production.pdf_pages import pdf_of  # noqa: PLC0415

    return Dossier(pdf_of(making.faces, f"{title}, {number}", pages), len(pages))


def _of(names: Mapping[str, str], entries: Sequence[str]) -> list[str]:
    """The names of those *entries* that have one here."""
    return [names[one] for one in entries if one in names]


def _furnish(faces: Faces, page: Page, title: str, number: str) -> None:
    """The head and foot of a page: its case and its number."""
    page += placed(faces, title, LEFT, TOP - 30, SMALL, GREY)
    page.append(Stroke(LEFT, TOP - 24, WIDTH - RIGHT, TOP - 24, 0.8))
    right = WIDTH - RIGHT - faces.width(number) * BODY
    page += placed(faces, number, right, HEIGHT - BOTTOM + 36, BODY)


def _centre(faces: Faces, page: Page, text: str) -> None:
    left = (WIDTH - faces.width(text) * SMALL) / 2
    page += placed(faces, text, left, HEIGHT - BOTTOM + 36, SMALL, GREY)


class _Writing:
    """One dossier while it is written."""

    def __init__(self, making: Making, told: Told) -> None:
        self.word = words(making.language)
        self._making, self._of = making, told
        self._layout = Layout(making.faces)

    def pages(self, number: str) -> list[Page]:
        """All of it, without heads and feet."""
        self._cover(number)
        self._layout.turn()
        self._statement()
        self._correspondence()
        self._facts()
        self._files()
        self._custody()
        self._hashes()
        return self._layout.pages

    def _cover(self, number: str) -> None:
        of, making = self._of, self._making
        numbers = [str(one.number) for one in of.documents]
        self._layout.space(60)
        self._layout.paragraph(self.word("dossier"), size=BODY, grey=GREY)
        self._layout.paragraph(self.word("title", case=of.case.name), size=26)
        if of.told["gist"]:
            self._layout.space(10)
            self._layout.paragraph(of.told["gist"], size=12)
            if gist := gist_of(of.beside):
                made = f"{self._by(gist.by)}, {self._made(gist)}"
                self._layout.paragraph(made, size=SMALL, grey=GREY)
        self._layout.space(30)
        rows = {
            "campaign": making.campaign.title[making.language],
            "organisation": making.campaign.organisation[making.language],
            "number": number,
            "documents": f"{numbers[0]} – {numbers[-1]}" if numbers else "–",
            "received": of.case.day.isoformat(),
            "language": of.case.language,
            "category": self._category(of.told["category"]),
            "merit": self._label("merit", of.told["merit"]),
            "day": making.day.isoformat(),
            "prepared": making.prepared,
            "approved": ", ".join(making.approved),
        }
        self._pairs([(self.word(code), value) for code, value in rows.items()])
        self._layout.space(30)
        self._layout.paragraph(self.word("notice"), size=SMALL, grey=GREY)
        if any(one.redacted for one in of.documents):
            self._layout.paragraph(self.word("notice_redacted"), size=SMALL, grey=GREY)

    def _statement(self) -> None:
        self._layout.heading(self.word("statement"))
        for part in self._of.case.parts:
            if part.report.kind == "report":
                self._part(part)

    def _correspondence(self) -> None:
        self._layout.heading(self.word("correspondence"))
        found: list[tuple[date, Callable[[], None]]] = [
            (part.day, lambda part=part: self._part(part))  # type: ignore[misc]
            for part in self._of.case.parts
            if part.report.kind != "report"
        ]
        found += [
            (
                date.fromisoformat(one["left"]),
                lambda one=one, at=at: self._answer(one, at),  # type: ignore[misc]
            )
            for at, one in enumerate(self._of.told["answers"], 1)
        ]
        if not found:
            self._layout.paragraph(self.word("no_correspondence"))
        for _, write in sorted(found, key=lambda one: one[0]):
            write()

    def _part(self, part: Part) -> None:
        """One of the claimant's texts, then its translations."""
        report = part.report
        document = self._texts.get(sha256_of(report.text))
        kind = self.word(report.kind)
        line = self.word("received_on", kind=kind, day=part.day, language=report.language)
        number = str(document.number) if document else ""
        self._entry(f"{line}  {number}".rstrip())
        text = (document.text or b"").decode() if document else ""
        self._layout.paragraph(text or self.word("no_text"))
        self._beside(number)

    def _answer(self, one: Mapping[str, str], at: int) -> None:
        kind = self.word("answer")
        self._entry(self.word("left_on", kind=kind, day=one["left"], language=one["language"]))
        self._layout.paragraph(one["text"])
        self._beside(f"answer {at}")

    def _entry(self, line: str) -> None:
        self._layout.space(10)
        self._layout.paragraph(line, size=SMALL, grey=GREY)
        self._layout.space(2)

    def _beside(self, of: str) -> None:
        """The gists and translations of one text, set off by a bar."""
        for one in (one for one in self._of.beside if one.of == of and of):
            code = "gist_of" if one.given.kind == GIST else "translation"
            head = self.word(
                code,
                language=one.given.language,
                by=self._by(one.by),
                made=self._made(one),
                day=one.given.day,
            )
            self._layout.space(6)
            self._layout.paragraph(head, size=SMALL, indent=_INDENT, grey=GREY, bar=True)
            self._layout.paragraph(one.given.text, indent=_INDENT, bar=True)

    def _made(self, one: Translated) -> str:
        """By hand, or by which machine."""
        machine = one.given.machine
        return self.word("by_machine", machine=machine) if machine else self.word("by_hand")

    def _by(self, name: str) -> str:
        """A reviewer's name, or the remark that it is not known here."""
        return self.word("nameless") if name == NAMELESS else name

    def _source(self, written: str) -> str:
        """The source of a fact, in the language of the labels."""
        return _PLACE.sub(lambda found: self.word(f"source_{found[1]}", n=found[2]), written)

    def _facts(self) -> None:
        self._layout.heading(self.word("facts"))
        self._layout.paragraph(self.word("decisions"), size=SMALL, grey=GREY)
        self._pairs(list(self._decisions()))
        self._layout.space(10)
        self._layout.paragraph(self.word("claimant_said"), size=SMALL, grey=GREY)
        said = [
            (
                (one.in_(self._making.language), one.shown(answer, self._making.language))
                if (one := self._questions.get(code))
                else (code, str(answer))
            )
            for code, answer in self._of.told["claimant_said"].items()
        ]
        if not said:
            self._layout.paragraph(self.word("nothing_said"), size=SMALL)
        self._pairs(said)

        self._stated()

    def _stated(self) -> None:
        """Events in order, and the people and organisations in them."""
        told, word = self._of.told, self.word
        names = {one["entry"]: one["names"][0] for one in told["parties"]}
        if told["events"]:
            self._layout.space(10)
            self._layout.paragraph(word("events"), size=SMALL, grey=GREY)
            rows = [
                (
                    parse_date(one["date"]).shown(self._making.language),
                    self._label("event_kind", one["kind"]),
                    "\n".join(filter(None, (one["text"], ", ".join(_of(names, one["parties"]))))),
                    self._source(one["source"]),
                )
                for one in told["events"]
            ]
            self._layout.table(rows, (0.18, 0.22, 0.42, 0.18))
        if told["parties"]:
            self._layout.space(10)
            self._layout.paragraph(word("parties"), size=SMALL, grey=GREY)
            rows = [
                (
                    "\n".join(one["names"]),
                    self._label("party_kind", one["kind"]),
                    "\n".join(filter(None, (self._label("party_role", one["role"]), one["text"]))),
                    self._source(one["source"]),
                )
                for one in told["parties"]
            ]
            self._layout.table(rows, (0.3, 0.2, 0.32, 0.18))

    def _decisions(self) -> Iterator[tuple[str, str]]:
        told, word = self._of.told, self.word
        yield word("status"), self._label("status", told["status"])
        yield word("decided"), told["decided"]
        yield word("category"), self._category(told["category"])
        for name in ("merit", "urgency"):
            yield word(name), self._label(name, told[name])
        yield word("evidence"), self._label("evidence", told["evidence"])
        yield word("period"), " – ".join(filter(None, told["period"].values()))
        yield word("harms"), "\n".join(map(self._harm, told["harms"]))
        yield word("flags"), ", ".join(self._label("flag", one) for one in told["flags"])
        yield (
            word("amounts"),
            "\n".join(
                " ".join(filter(None, (one["amount"], one["currency"], one["as_of"], one["what"])))
                for one in told["amounts"]
            ),
        )
        for code, value in told["fields"].items():
            field = self._making.campaign.reviewing.own_field(code)
            shown = [value] if isinstance(value, str) else value
            if field is not None:
                language = self._making.language
                yield (
                    field.in_(language),
                    ", ".join(field.choice(one, language) for one in shown),
                )

    def _files(self) -> None:
        self._layout.heading(self.word("files"))
        files = [one for one in self._of.documents if one.file is not None]
        if not files:
            self._layout.paragraph(self.word("no_files"))
            return
        codes = ("head_number", "received", "head_name", "head_bytes", "head_sha256")
        heads = list(map(self.word, codes))
        rows = [
            (
                str(one.number),
                one.part.day.isoformat(),
                one.name,
                "" if one.redacted else f"{one.size:,}",
                self.word("redacted") if one.redacted else one.sha256,
            )
            for one in files
        ]
        self._layout.table([heads, *rows], (0.15, 0.13, 0.27, 0.11, 0.34), head=True)
        for one in files:
            self._pictures(str(one.number))
        if self._of.shown:
            self._layout.turn()
            if sum(one.pages for one in files) > len(self._of.shown):
                self._layout.paragraph(self.word("more_pictures"), size=SMALL, grey=GREY)

    def _pictures(self, number: str) -> None:
        """The pictures of the file with this *number*, then its transcript."""
        for one in self._of.shown:
            if one.number.partition(".")[0] == number:
                self._layout.turn()
                self._layout.paragraph(one.number, size=SMALL, grey=GREY)
                self._layout.picture(one.jpeg, one.pixels)
        read = of_file(self._of.read, number)
        if read is None:
            return
        self._layout.turn()
        head = self.word("transcript", machine=read.machine, by=self._by(read.by), day=read.day)
        self._layout.paragraph(f"{number}  {head}", size=SMALL, indent=_INDENT, grey=GREY, bar=True)
        for line in lines_of(read.read, self.word):
            self._layout.paragraph(line, indent=_INDENT, bar=True)

    def _custody(self) -> None:
        self._layout.heading(self.word("custody"))
        self._layout.paragraph(self.word("custody_note"), size=SMALL, grey=GREY)
        heads = [self.word(f"head_{one}") for one in ("time", "act", "by", "sha256")]
        names = self._making.names
        rows = [
            (
                one.time.replace("T", " ").removesuffix("Z"),
                dossier_words.act(self.word, one.act),
                names.get(one.reviewer, self.word("nameless")),
                one.plain,
            )
            for one in self._of.acts
        ]
        self._layout.table([heads, *rows], (0.2, 0.18, 0.22, 0.4), head=True)

    def _hashes(self) -> None:
        self._layout.heading(self.word("hashes"))
        self._layout.paragraph(self.word("hashes_note"), size=SMALL, grey=GREY)
        rows = [(one.path, one.sha256) for one in self._of.documents if one.path]
        rows += [(one.path, digest(one.given.text.encode())) for one in self._of.beside if one.path]
        rows += [(one.path, one.sha256) for one in self._of.read]
        heads = self.word("head_path"), self.word("head_sha256")
        self._layout.table([heads, *rows], (0.5, 0.5), head=True)

    def _pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        """A table of names and values; an empty value shows a dash."""
        self._layout.table([(name, value or "–") for name, value in rows], (0.3, 0.7))

    @property
    def _texts(self) -> dict[str, Document]:
        """The documents that are texts, by the SHA-256 of what was written."""
        return {one.source: one for one in self._of.documents if one.file is None}

    @property
    def _questions(self) -> dict[str, Any]:
        return {one.code: one for one in self._making.campaign.questions}

    def _label(self, listed: str, code: str) -> str:
        label = self._making.campaign.reviewing.label(listed, code, self._making.language)
        return label if label == code else f"{code} {label}"

    def _category(self, code: str) -> str:
        found = {one.code: one for one in self._making.campaign.categories}
        return f"{code} {found[code].in_(self._making.language)}" if code in found else code

    def _harm(self, one: Mapping[str, str]) -> str:
        categories = self._making.campaign.categories
        labels = {harm.code: harm for category in categories for harm in category.harms}
        label = labels[one["harm"]].in_(self._making.language) if one["harm"] in labels else ""
        status = self._label("harm_status", one["status"])
        return f"{one['harm']} {label} ({status})"
