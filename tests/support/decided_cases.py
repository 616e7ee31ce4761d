"""Decided cases that are handed over to counsel, on the command line and in one process."""

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from dropbox.codename import WordLists
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import Session
from scripts.desk.production.handing_over import HandedOver, hand_over
from scripts.desk.production.plan import Plan, planned
from support.cases import DAY, add, attachment, report
from support.team import Team

FULL: dict[str, Any] = {"category": "c1", "merit": "m2", "urgency": "normal", "evidence": 2}
HOSTILE = "=cmd|' /C calc'!A0\x1b[31m\u202e.exe"


def put(casebook: Casebook, content: bytes) -> None:
    path = casebook.file_path(hashlib.sha256(content).hexdigest())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def decide(team: Team) -> None:
    """Two cases that were decided, one of them with a file and a hostile name, and an open one."""
    with Casebook.open(team.casebook) as casebook:
        put(casebook, b"abc")
        named = attachment(HOSTILE, b"abc")
        add(
            casebook,
            report("【虚构】甲", 1, attachments=(named,), facts={"province": "prov.GD"}),
            report("=1+1\r\nsecond line", 2),
            report("【虚构】丙", 3),
        )
    for number in (1, 2):
        for who in (0, 1):
            team.judge(who, team.case(number), **FULL, us="california", note="a note of ours")


def handed(team: Team, *options: object) -> Path:
    """Have the second reviewer approve, and the first write."""
    out = team.directory / "production"
    options = ("--without-pictures", *options)
    code = json.loads(team(0, "hand-over", "--json", *options))["code"]
    team(1, "hand-over", "--approve", code, *options)
    team(0, "hand-over", "--out", out, *options)
    return out


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def at_work(casebook: Casebook) -> None:
    """Have the custody log note what is done from now on."""
    casebook.session = Session(casebook.database, casebook.origin, "F" * 40, lambda _: b"signature")


def plan_of(casebook: Casebook, *allowed: str, cases: tuple[int, ...] = (1, 2, 3)) -> Plan:
    return planned(casebook, cases, allowed, WordLists.read())


def decided(casebook: Casebook, case: int) -> None:
    """Two reviews of *case* by people whom this casebook does not know, as they would be kept."""
    one = casebook.case(case)
    sample = casebook.layers.of(casebook.case(1)).layers[0].judgement
    for reviewer in ("A" * 40, "B" * 40):
        judgement = casebook.layers.placed(one, sample)
        casebook.layers.add(one, judgement, reviewer=reviewer, role="review", day=DAY)
    casebook.layers.settle(one)


def held(casebook: Casebook) -> dict[int, str]:
    """The reason for each case that is withheld, by its number."""
    return {one.number: one.reason for one in plan_of(casebook).held}


def written(
    casebook: Casebook, out: Path, *allowed: str, cases: tuple[int, ...] = (1, 2, 3)
) -> HandedOver:
    """Hand over what may be handed over of the open *casebook*, in one process."""
    if casebook.session is None:
        at_work(casebook)
    return hand_over(
        casebook, plan_of(casebook, *allowed, cases=cases), out, lambda _: b"signature"
    )
