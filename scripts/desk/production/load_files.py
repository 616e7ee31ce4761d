"""Files for counsel's programs: CSV for a spreadsheet, a load file for a review platform."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from dropbox.campaign import Campaign
from scripts.desk.casebook.productions import page_number
from scripts.desk.production.imaging import IMAGES
from scripts.desk.production.records import NATIVES, TEXTS, Document
from scripts.desk.production.transcribed import Transcribed
from scripts.desk.production.translated import Translated, gist_of

# A spreadsheet reads a cell that begins this way as a formula (OWASP, "CSV injection"); in Chinese
# and Japanese some do so for full-width characters, too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Concordance's delimiters: between fields, around values, and for a line's end in a value.
_FIELD, _QUOTE, _LINE = "\x14", "þ", "®"
_BOM = "\ufeff"
CASE_HEADS = (
    *("case", "received", "language", "status", "decided", "category", "category_label", "merit"),
    *("urgency", "evidence", "period_from", "period_to", "harms", "flags", "amounts", "gist"),
    *("gist_by", "translations", "documents", "dossier"),
)
_DAT_HEADS = (
    *("BEGBATES", "ENDBATES", "BEGATTACH", "ENDATTACH", "CASE", "DOCTYPE", "DATERECEIVED"),
    *("LANGUAGE", "FILENAME", "FILESIZE", "SHA256", "TEXTPATH", "NATIVEPATH"),
    *("PAGECOUNT", "REDACTED"),
    *("GIST", "GISTBY", "TRANSLATIONPATH", "TRANSLATIONBY", "TRANSCRIPTBY"),
)
# The name that review platforms give a delivery of pictures.
_VOLUME = "CASEDROP"
PRIVILEGE_HEADS = ("case", "received", "documents", "withheld_for")


def cell(value: object) -> str:
    """*value* as a spreadsheet cell that is never a formula and has no control characters."""
    text = "".join(
        character if character >= " " or character in "\n\t" else "\ufffd"
        for character in str(value).replace("\r\n", "\n")
    )
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_row(values: Sequence[object], *, head: bool = False) -> bytes:
    """A line of a CSV file in UTF-8; the first one begins with the mark that Excel looks for."""
    line = io.StringIO()
    csv.writer(line).writerow([cell(value) for value in values])
    return ((_BOM if head else "") + line.getvalue()).encode()


def case_heads(campaign: Campaign) -> tuple[str, ...]:
    """The first line of the table of cases: CASE_HEADS, and the campaign's own fields."""
    return (*CASE_HEADS, *(one.code for one in campaign.reviewing.fields))


def case_cells(record: Mapping[str, Any], fields: Sequence[str]) -> list[object]:
    """The cells of a case below CASE_HEADS and the campaign's own *fields*."""
    amounts = "; ".join(f"{one['amount']} {one['currency']}" for one in record["amounts"])
    harms = "; ".join(f"{one['harm']} ({one['status']})" for one in record["harms"])
    numbers = [one["number"] for one in record["documents"]]
    told = {
        **record,
        "period_from": record["period"]["from"],
        "period_to": record["period"]["to"],
        "harms": harms,
        "flags": "; ".join(record["flags"]),
        "amounts": amounts,
        "translations": "; ".join(map(_translation, record["translations"])),
        "documents": "; ".join(numbers),
        "dossier": record["dossier"]["path"],
    }
    own = (record["fields"][code] for code in fields)
    return [
        *(told[head] for head in CASE_HEADS),
        *("; ".join(value) if isinstance(value, list) else value for value in own),
    ]


def _translation(one: Mapping[str, Any]) -> str:
    """Where a translation is, of what, and who made it and how; gists have their own cells."""
    made = f"by machine: {one['machine']}" if one["machine"] else "by hand"
    return f"{one['path'] or one['kind']} of {one['of']} ({one['by']}, {made})"


def dat_head() -> bytes:
    """The first line of a Concordance load file."""
    return (_BOM + _dat_line(_DAT_HEADS)).encode()


def dat_row(
    case: str,
    document: Document,
    family: Sequence[Document],
    beside: Sequence[Translated] = (),
    read: Transcribed | None = None,
) -> bytes:
    """A document's line; *family* are all documents that came with it, *beside* are its
    translations.

    A document's number is that of its first page. What a machine *read* in a file is its text.
    """
    number, file = str(document.number), document.file
    gist = gist_of(beside)
    whole = [one for one in beside if one.path]
    return _dat_line(
        (
            *(number, document.last, str(family[0].number), family[-1].last, case, document.kind),
            *(document.part.day.isoformat(), document.part.report.language, document.name),
            *("" if document.redacted and file else str(document.size), document.sha256),
            read.path if read else document.path if document.path.startswith(TEXTS) else "",
            document.path if document.path.startswith(NATIVES) else "",
            *(str(document.pages), "Yes" if document.redacted else ""),
            *((gist.given.text, gist.told) if gist else ("", "")),
            "; ".join(one.path for one in whole),
            "; ".join(one.told for one in whole),
            read.told if read else "",
        )
    ).encode()


def opt_rows(document: Document) -> bytes:
    """The lines of a document's pages in an Opticon file: the first one says how many there are."""
    lines = []
    for page in range(1, document.pages + 1):
        number = page_number(document.number, page)
        first = page == 1
        path = f"{IMAGES}\\{number}.png"
        cells = (number, _VOLUME, path, "Y" if first else "", "", "")
        lines.append(",".join((*cells, str(document.pages) if first else "")) + "\r\n")
    return "".join(lines).encode()


def _dat_line(values: Sequence[str]) -> str:
    return _FIELD.join(f"{_QUOTE}{_dat_value(value)}{_QUOTE}" for value in values) + "\r\n"


def _dat_value(value: str) -> str:
    """*value* without the delimiters, so that nothing in a name can end it."""
    lines = value.replace(_QUOTE, "th").replace(_LINE, "(R)").replace("\r\n", "\n")
    return "".join(
        _LINE if character == "\n" else character if character >= " " else "\ufffd"
        for character in lines
    )
