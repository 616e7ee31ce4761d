"""Writing a folder for counsel: cases, documents, load files, and a signed list of all hashes.

The folder gets its name only once everything in it is on the disk; an interrupted one can be thrown
away, and the documents keep the numbers that they were given.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dropbox.errors import CasedropError
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.facts.entities import entities
from scripts.desk.identity import at_desk, names, today
from scripts.desk.pictures.drawing_room import Room
from scripts.desk.production import load_files, unfinished_folder
from scripts.desk.production.case_writer import CaseWriter
from scripts.desk.production.dossier_contents import Making
from scripts.desk.production.dossier_words import words
from scripts.desk.production.faces import faces
from scripts.desk.production.folder import Folder
from scripts.desk.production.follow_the_money import Entities
from scripts.desk.production.plan import Held, Plan, size

SCHEMA = Path(__file__).with_name("case.schema.json")
_LIST, _SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
_README = """\
What is here

cases.csv           a line for each case, for a spreadsheet (UTF-8)
cases.jsonl         the same and more, a JSON object in each line; case.schema.json says what it is
texts/              what claimants wrote, each text under its number
translations/       texts in other languages; load.dat and cases.jsonl say who made each, by hand or
                    by which machine. They are not what claimants wrote
transcripts/        what a machine read in pictures, each under the number of its file, and where on
                    which page in cases.jsonl. Nobody has compared it with the pictures
natives/            what claimants sent, byte for byte, each file under its number; not those in
                    which something is redacted
images/             a picture of each page, with its number below it, or a slip sheet that says why
                    there is none; what is redacted is black
dossiers/           a PDF for each case: statement, translations, answers, facts, custody, hashes
load.dat            all documents with their numbers, for a review platform (Concordance, UTF-8)
load.opt            the pictures of their pages (Opticon)
entities.ftm.json   people, organisations, events and documents for investigations
                    (FollowTheMoney 3 and 4); lines with one id are one
privilege-log.csv   cases that are withheld because they are privileged
withheld.csv        all cases of the selection that are not here, and why
SHA256SUMS          the SHA-256 of every file here; SHA256SUMS.sig is a reviewer's OpenPGP signature

A document's number is that of its first page; the others are called like D0-000001.0002.

Files in natives/ come from strangers and nobody has opened them: treat them as hostile. Check the
folder with `gpg --verify SHA256SUMS.sig SHA256SUMS`, then `sha256sum -c SHA256SUMS`.
"""


class HandOverError(CasedropError):
    """The folder cannot be written."""


@dataclass(frozen=True)
class HandedOver:
    """How many cases, documents and bytes are in the folder, and the SHA-256 of its list.

    ``removed`` are folders left by hand-overs that were killed.
    """

    cases: int
    documents: int
    bytes: int
    sha256: str
    removed: int = 0


def hand_over(
    casebook: Casebook,
    plan: Plan,
    out: Path,
    sign: Callable[[bytes], bytes],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    day: date | None = None,
    room: Room | None = None,
) -> HandedOver:
    """Write the cases of *plan* into the new folder *out*, private to its owner.

    *day* is the date on dossiers, by default today. Files are drawn in *room*; without one they get
    slip sheets. *sign* makes a detached OpenPGP signature. Raises HandOverError, EvidenceError for
    a file that was altered, NoRoom, RedactionError, or OSError; then *out* is not there.
    """
    if out.exists():
        raise HandOverError(f"{out} is there already; what is handed over goes into a new folder.")
    removed = unfinished_folder.remove(out.parent)
    with unfinished_folder.begun(out) as part:
        folder = Folder(part, day or today())
        making = _making(casebook, plan, day or today())
        handed = _write(casebook, plan, folder, making, room, progress)
        listed = folder.listed()
        folder.add(_LIST, listed)
        folder.add(_SIGNATURE, sign(listed))
        folder.close()
    return HandedOver(len(plan.ready), handed, folder.written, digest(listed), removed)


def _write(
    casebook: Casebook,
    plan: Plan,
    folder: Folder,
    making: Making,
    room: Room | None,
    progress: Callable[[int, int], None],
) -> int:
    """Write everything but the list. Returns the number of documents."""
    count = 0
    made = Entities(casebook.desks.sample_key(), making.campaign, _joined(casebook, plan))
    with CaseWriter.into(folder, casebook, making, made, room) as writer:
        for done, number in enumerate(plan.ready):
            progress(done, len(plan.ready))
            count += writer.write(casebook.case(number))
    _write_withheld(casebook, plan, folder)
    folder.add("case.schema.json", SCHEMA.read_bytes())
    folder.add("README.txt", _README.encode())
    return count


def _joined(casebook: Casebook, plan: Plan) -> dict[str, str]:
    """The entry under which each party of the plan's cases goes: reviewers may say two are one."""
    # Parties joined only through a case that does not leave are not joined.
    without = set(casebook.parties.all()) - set(plan.ready)
    return {
        one.party.entry: min(entity.entries)
        for entity in entities(casebook, without)
        for one in entity.parties
    }


def _making(casebook: Casebook, plan: Plan, day: date) -> Making:
    known = names(casebook)

    def name(reviewer: str) -> str:
        return known.get(reviewer, words(plan.language)("nameless"))

    preparing = at_desk(casebook)
    approved = casebook.productions.approved_by(plan.sha256) - {preparing}
    return Making(
        casebook.campaign,
        plan.language,
        day,
        prepared=name(preparing),
        approved=sorted(map(name, approved)),
        names=known,
        faces=faces(),
    )


def _write_withheld(casebook: Casebook, plan: Plan, folder: Folder) -> None:
    def rows(held: list[Held]) -> Iterator[bytes]:
        yield load_files.csv_row(load_files.PRIVILEGE_HEADS, head=True)
        for one in held:
            yield load_files.csv_row((one.name, *size(casebook, one), one.reason))

    privileged = [one for one in plan.held if one.reason == "privileged"]
    for name, held in (("privilege-log.csv", privileged), ("withheld.csv", list(plan.held))):
        folder.add(name, b"".join(rows(held)))
