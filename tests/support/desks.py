"""Several desks of one drop, each with one reviewer, without gpg."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from fuzz.openpgp import NOW, reviewer_of, signed_by
from nacl.signing import SigningKey

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.creation import create
from scripts.desk.casebook.custody import Session, digest
from scripts.desk.casebook.desks import Closed, WorkRow
from scripts.desk.casebook.draws import Draw
from scripts.desk.casebook.facts import Contact, Event, Party, SameParty
from scripts.desk.casebook.link_decisions import CONFIRMED
from scripts.desk.casebook.redactions import BOX, TEXT, End, Redaction
from scripts.desk.casebook.releases import Confirmation, Release
from scripts.desk.casebook.translations import GIST, Translation
from scripts.desk.exchange.merging import Merged, gather, merge
from scripts.desk.exchange.work_bundle import Work, pack
from scripts.desk.review.judgement import REVIEW, Judgement
from support.cases import CAMPAIGN, DAY, report
from support.export_bundles import SERVER

SIGNERS = [SigningKey(bytes([one]) * 32) for one in b"abcd"]
REVIEWERS = [reviewer_of(signer) for signer in SIGNERS]


def closed(whose: str, rows: tuple[WorkRow, ...]) -> Closed:
    """Rows for one reviewer alone, not really sealed."""
    return Closed(whose, tuple(row.line for row in rows), pack(rows))


@dataclass
class Desk:
    """Desk *number* with the reviewer of that number."""

    directory: Path
    number: int

    @classmethod
    def make(
        cls, directory: Path, number: int, *, known: int = 3, campaign: Path = CAMPAIGN
    ) -> "Desk":
        reviewers = {f"reviewer-{n}": key for n, key in enumerate(REVIEWERS[:known])}
        create(
            directory,
            server_key=bytes(SERVER.verify_key),
            campaign=campaign,
            desk=number,
            reviewers=reviewers,
        )
        return cls(directory, number)

    @property
    def reviewer(self) -> str:
        return REVIEWERS[self.number].fingerprint

    @contextmanager
    def working(self) -> Iterator[Casebook]:
        with Casebook.open(self.directory) as casebook:
            casebook.session = Session(
                casebook.database,
                casebook.origin,
                self.reviewer,
                lambda data: signed_by(SIGNERS[self.number], data),
            )
            yield casebook

    def file(self, claimants: Sequence[int], *, again: int = 0, day: date = DAY) -> None:
        """Import a report of each claimant, or another message."""
        with self.working() as casebook:
            for one in claimants:
                casebook.add_part(
                    block_id=bytes([again]) * 8 + one.to_bytes(8, "big"),
                    block_sha256="00" * 32,
                    day=day,
                    bundle=1 + again,
                    report=report(claimant=one, kind="message" if again else "report"),
                )

    def case(self, casebook: Casebook, claimant: int) -> Case:
        return next(
            case for case in casebook.cases() if case.reply_public == claimant.to_bytes(32, "big")
        )

    def judge(
        self, claimant: int, merit: str = "m3", role: str = REVIEW, day: date = DAY, **said: object
    ) -> None:
        fields = {"category": "c1", "merit": merit, **said}
        with self.working() as casebook:
            case = self.case(casebook, claimant)
            judgement = Judgement(**fields)  # type: ignore[arg-type]
            casebook.add_layer(case, judgement, role=role, day=day)

    def answer(self, claimant: int, text: str, *, leave: bool = True, kind: str = "answer") -> None:
        with self.working() as casebook:
            case = self.case(casebook, claimant)
            casebook.answers.queue(case, kind=kind, language="zh-Hans", day=DAY, text=text)
            if leave:
                number = casebook.counts().last_replies + 1
                answers = casebook.answers.numbered(casebook.answers.queued())
                casebook.leave(number, "00" * 32, DAY, answers, lambda: None)

    def translate(self, claimant: int, text: str, kind: str = GIST, machine: str = "") -> None:
        """A gist or translation into English of what the claimant sent first."""
        with self.working() as casebook, casebook.together():
            case = self.case(casebook, claimant)
            source = case.parts[0].block_id.hex()
            given = Translation(source, kind, "en", machine, text, self.reviewer, DAY)
            casebook.translations.add(case, given)

    def assign(self, claimant: int, to: int | None) -> None:
        """Give the case to the reviewer of desk number *to*, or to nobody."""
        assignee = "" if to is None else REVIEWERS[to].fingerprint
        with self.working() as casebook, casebook.together():
            case = self.case(casebook, claimant)
            casebook.assignments.add(case, assignee, reviewer=self.reviewer, day=DAY)
            casebook.layers.settle(case)

    def draw(self, claimant: int, percent: int = 100) -> None:
        """Have the case come back for a second review."""
        with self.working() as casebook, casebook.together():
            case = self.case(casebook, claimant)
            key = casebook.desks.drawing()
            casebook.draws.add(case, Draw(key, percent, self.reviewer, DAY))
            casebook.layers.settle(case)

    def release(self, claimant: int) -> None:
        """Let all answers to the case leave that this desk knows of."""
        with self.working() as casebook, casebook.together():
            case = self.case(casebook, claimant)
            for sha256, desk, answer in casebook.desks.hashes_of_answers(case.number):
                release = Release(desk, answer, sha256, self.reviewer, DAY)
                casebook.releases.add(case, release)

    def confirm(self, desk: int, reply_bundle: int) -> None:
        """Learn from an export bundle that the vault took a reply bundle of *desk*."""
        signer = REVIEWERS[desk].fingerprint
        with self.working() as casebook, casebook.together():
            casebook.confirmations.add(
                [Confirmation("ab" * 16, desk, signer, reply_bundle, 3, DAY)]
            )

    def link(self, claimant: int, other: int, decision: str = CONFIRMED) -> None:
        """Say whether two cases are about one thing."""
        with self.working() as casebook, casebook.together():
            one, two = (self.case(casebook, number) for number in (claimant, other))
            casebook.link_decisions.add(one, two, decision, reviewer=self.reviewer, day=DAY)

    def state_fact(self, claimant: int, fact: Event | Party | Contact) -> None:
        """A fact of the case, or a later version of one."""
        with self.working() as casebook, casebook.together():
            case = self.case(casebook, claimant)
            if isinstance(fact, Event):
                casebook.events.add(case, fact)
            elif isinstance(fact, Party):
                casebook.parties.add(case, fact)
            else:
                casebook.contacts.add(case, fact)
            casebook.layers.settle(case)

    def event(self, claimant: int, entry: str, text: str, **more: Any) -> None:
        """That something happened."""
        made = Event(
            entry=entry,
            kind="ev.other",
            text=text,
            reviewer=self.reviewer,
            day=DAY,
            **{"date": "2019-03", **more},
        )
        self.state_fact(claimant, made)

    def party(self, claimant: int, entry: str, names: str, **more: Any) -> None:
        """That somebody is in the case."""
        made = Party(
            entry=entry,
            kind="organisation",
            names=names,
            reviewer=self.reviewer,
            day=DAY,
            **{"role": "platform", **more},
        )
        self.state_fact(claimant, made)

    def contact(self, claimant: int, entry: str, text: str) -> None:
        """That the reviewer had contact with somebody."""
        made = Contact(
            entry=entry,
            date="2026-11-20",
            channel="phone",
            team="reviewer",
            text=text,
            reviewer=self.reviewer,
            day=DAY,
        )
        self.state_fact(claimant, made)

    def same(self, claimant: int, one: str, other: str, decision: str = CONFIRMED) -> None:
        """Say whether two parties are one."""
        with self.working() as casebook, casebook.together():
            case = self.case(casebook, claimant)
            word = SameParty(one, other, decision, "", self.reviewer, DAY)
            casebook.same_parties.add(case, word)

    def redact(self, claimant: int, key: str, *, start: int = 0, page: int = 0) -> None:
        """Black out a character of what the claimant sent first, or a box on a page of a file."""
        with self.working() as casebook, casebook.together():
            case = self.case(casebook, claimant)
            sha256 = digest(case.parts[0].report.text.encode())
            span = (start, start + 1) if not page else (0, 0)
            where = (page, 10, 20, 30, 40) if page else (0, 0, 0, 0, 0)
            kind = BOX if page else TEXT
            casebook.redactions.add(
                case, Redaction(key, kind, sha256, *where, *span, "minor", self.reviewer, DAY)
            )

    def end_redaction(self, claimant: int, key: str) -> None:
        """Take a redaction back."""
        with self.working() as casebook, casebook.together():
            case = self.case(casebook, claimant)
            casebook.redactions.end(case, End(key, "no need", self.reviewer, DAY))

    def work(self) -> Work:
        with Casebook.open(self.directory) as casebook:
            return gather(casebook, self.reviewer, closed)

    def merge(self, work: Work) -> Merged:
        with Casebook.open(self.directory) as casebook:
            return merge(
                casebook, work, NOW, reviewer=self.reviewer, open_closed=lambda sealed: sealed
            )

    def copy(self, directory: Path) -> "Desk":
        shutil.copytree(self.directory, directory)
        return Desk(directory, self.number)

    def state(self) -> dict[str, object]:
        """All that desks should agree on, in one order."""
        with Casebook.open(self.directory) as casebook:
            names = {case.number: case.name for case in casebook.cases()}
            standings = {
                names[row.pop("case")]: row for row in map(dict, casebook.layers.standings())
            }
            layers = {
                case.name: [
                    (layer.reviewer, layer.version, layer.role, layer.judgement.to_json())
                    for layer in casebook.layers.of(case).layers
                ]
                for case in casebook.cases()
            }
            answers = {
                case.name: sorted(
                    (
                        casebook.desk if one.desk is None else one.desk,
                        one.id,
                        one.text,
                        one.number,
                        one.bundle,
                        one.left,
                    )
                    for one in casebook.answers.to(case)
                )
                for case in casebook.cases()
            }
            added = {
                case.name: [
                    [vars(one) for one in casebook.translations.of(case.number)],
                    casebook.assignments.of(case.number),
                    casebook.draws.of(case.number),
                    casebook.releases.of(case.number),
                    casebook.redactions.of(case.number),
                    casebook.redactions.standing(case.number),
                    sorted(casebook.redactions.ends(case.number).items()),
                    sorted(
                        (names[one.other], *one[1:])
                        for one in casebook.link_decisions.of(case.number)
                    ),
                    *(
                        sorted(
                            (entry, [vars(one) for one in versions])
                            for entry, versions in found.items()
                        )
                        for facts in (casebook.events, casebook.parties, casebook.contacts)
                        for found in (facts.versions(case.number), facts.contested(case.number))
                    ),
                ]
                for case in casebook.cases()
            }
            confirmations = casebook.confirmations.all()
            same = casebook.same_parties.said()
            work = gather(casebook, self.reviewer, closed).to_bytes()
        body = json.loads(work)
        del body["reviewer"]  # only who signs
        return {
            "names": sorted(names.values()),
            "standings": sorted(standings.items()),
            "layers": sorted(layers.items()),
            "answers": sorted(answers.items()),
            "added": [sorted(added.items()), confirmations, same],
            "work": json.dumps(body),
        }
