"""Every command of the desk, typed one after the other: what it prints, refuses and returns, whole.

command_outputs.txt has what is typed, after "$", and what is printed then, without the room in
tables; after "!" what is printed as an error, and after "+" what the custody log notes of it. What
differs from run to run has a name there: C1 is the first case, FP1 the first reviewer's
fingerprint, P1 and E1 the entries of a person and an event.
"""

import io
import json
import re
import shlex
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.cases import add, attachment, know_vault, report
from support.decided_cases import FULL, HOSTILE, put
from support.team import Prepared, Team

from scripts.desk.casebook.casebook import Casebook

SESSIONS = {
    title: lines.strip("\n").split("\n")
    for title, lines in re.findall(
        r"^=== (.+)\n((?:(?!===).*\n)+)",
        Path(__file__).with_name("command_outputs.txt").read_text("utf-8"),
        re.M,
    )
}
_CODE = r"\b[0-9a-f]{4}(?:-[0-9a-f]{4}){3}\b"
# The disk under the tests, and the year of the reviewers' keys.
_OF_THE_MACHINE = re.compile(
    "disk: |weekly secrets here: |last day of the weekly keys: |Warning: The (?:casebook|disk) "
)
# How a command is used, as each version of Python says it in its own way.
_USAGE = re.compile(r"\Ausage: .*?^(?=casedrop-desk )", re.DOTALL | re.MULTILINE)
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


# What counsel adds to the campaign file: when claims lapse, and a rate.
OF_COUNSEL = """
[[review.limitation]]
code = "terms"
label = { zh-Hans = "条款", zh-Hant = "條款", en = "Terms" }
months = 24
begins = ["period_to", "period_from"]
where = ["category=c1"]

[[review.rate]]
currency = "CNY"
into = "USD"
rate = "0.1"
day = 2026-10-30
source = "a bank"

"""
FACTS = {"province": "prov.GD", "period_from": "2020"}
LOST = {"amount": "1000", "currency": "CNY", "as_of": "2020", "what": "salary"}
DECIDED = {
    **FULL,
    **{"merit": "m3", "us": "california", "note": "a note"},
    "amounts": [{**LOST, "method": "documented"}],
}


class Noon(datetime):
    """It is noon of one day at the desk."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return NOW


@pytest.fixture
def told(team: Team, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> "Session":
    """Two decided cases, an open one, and a fourth that the first reviewer gave away."""
    monkeypatch.setattr("scripts.desk.identity.datetime", Noon)
    monkeypatch.setenv("COLUMNS", "150")
    session = Session(team, monkeypatch)

    def begin(team: Team) -> dict[str, str]:
        campaign = team.casebook / "campaign.toml"
        before, after = campaign.read_text("utf-8").split("# The reviewers' ready answers", 1)
        campaign.write_text(f"{before}{OF_COUNSEL}# The{after}", "utf-8")
        with Casebook.open(team.casebook) as casebook:
            put(casebook, b"abc")
            named = attachment(HOSTILE, b"abc")
            know_vault(casebook, team.homes[0])
            add(
                casebook,
                report("【虚构】甲", 1, attachments=(named,), facts=FACTS),
                report("【虚构】乙", 2, facts={"period_from": "2025-03"}),
                *(report(f"【虚构】{text}", number) for number, text in enumerate("丙丁", 3)),
            )
        names = {f"C{number}": team.case(number) for number in range(1, 5)}
        for name in (names["C1"], names["C2"]):
            for who in (0, 1):
                # In a tier in which every case has two reviews: no chance is in it.
                team.judge(who, name, **DECIDED)
        team.judge(0, names["C4"], conflict=True, urgency="normal")

        def entered(who: int, act: str, case: str, **fields: object) -> str:
            form = team.directory / "form.toml"
            given = {"case": names[case], **fields}
            text = (f"{key} = {json.dumps(one, ensure_ascii=False)}" for key, one in given.items())
            form.write_text("\n".join(text), "utf-8")
            return str(json.loads(team(who, act, names[case], "--form", form, "--json"))["entry"])

        company = {"kind": "organisation", "role": "platform"}
        names["P1"] = entered(0, "party", "C1", names=["腾讯", "Tencent"], **company)
        names["P2"] = entered(0, "party", "C2", names=["騰訊"], text="another", **company)
        names["P4"] = entered(1, "party", "C4", names=["丁"], kind="person", role="witness")
        restricted = {"kind": "ev.restricted", "part": 1}
        names["E1"] = entered(
            0, "event", "C1", when="2019-03-15", text="blocked", parties=[names["P1"]], **restricted
        )
        names["E2"] = entered(1, "event", "C2", when="unknown", kind="ev.other", text="paid")
        names["E4"] = entered(1, "event", "C4", when="2019", kind="ev.other", text="丁")
        names["K1"] = entered(
            0, "contact", "C1", when="2026-11-20", channel="phone", team="reviewer-0", text="again"
        )
        return names

    session.names = prepared.bring("cases whose every command is compared", team, begin)
    session.type("$ status")
    return session


@dataclass
class Session:
    """What is typed at a desk, with the names that stand for what differs from run to run."""

    team: Team
    patch: pytest.MonkeyPatch
    names: dict[str, str] = field(default_factory=dict)
    last_line: int = 0

    def type(self, line: str) -> list[str]:
        """What is printed, and the exit code if it is none of success.

        *line* may begin with the number of the reviewer at work, and end with what is typed then.
        """
        found = re.fullmatch(r"\$ (?:\[([1-3])\] )?(.*?)(?: < (.*))?", line)
        assert found is not None, line
        self.patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((found[3] or "").encode())))
        words = [self._said(word) for word in shlex.split(found[2])]
        try:
            code, out, err = self.team.run(int(found[1] or 1) - 1, *words)
        except SystemExit as end:
            code, (out, err) = int(end.code or 0), self.team.capsys.readouterr()
        said = self._lines(_USAGE.sub("", err))
        lines = [*self._lines(out), *(f"! {one}" for one in said)]
        lines += [f"+ {one}" for one in self._lines(self._logged())]
        return [*lines, *([f"exit {code}"] if code else [])]

    def _logged(self) -> str:
        """What the custody log notes of the last command, a line for each line of it."""
        with closing(sqlite3.connect(self.team.casebook / "casebook.sqlite")) as database:
            query = "SELECT number, line FROM custody WHERE number > ? ORDER BY number"
            found = database.execute(query, [self.last_line]).fetchall()
        self.last_line = max([self.last_line, *(number for number, _ in found)])
        lines = (json.loads(line) for _, line in found)
        return "".join(
            f"{one['act']} {one['subject']}\n" for one in lines if one["act"] != "session"
        )

    def _said(self, word: str) -> str:
        directory = str(self.team.directory)
        return re.sub(r"\b[CEKP][0-9]\b|CODE", lambda one: self.names[one[0]], word).replace(
            "DIR", directory
        )

    def _lines(self, text: str) -> list[str]:
        if codes := re.findall(_CODE, text):
            self.names["CODE"] = codes[-1]
        directories = (self.team.casebook, "CASEBOOK"), (self.team.directory, "DIR")
        for path, named in directories:
            text = text.replace(str(path), named)
        for number, one in enumerate(dict.fromkeys(re.findall(r"\b[0-9A-F]{40}\b", text)), 1):
            text = text.replace(one, f"FP{number}")
        text = re.sub(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b", "HASH", text)
        text = re.sub(r"\b[0-9A-Z]{41}\b", "CHARACTERS", text)
        text = re.sub("and [0-9,]+ bytes are in", "and some bytes are in", text)
        text = re.sub("█{2,}", lambda bar: f"█ × {len(bar[0])}", text)
        for name, one in self.names.items():
            text = text.replace(one, name)
        # Tables show entries as short as they differ, and those of one person in any order.
        text = re.sub(r"\b[0-9A-Z]{5,9}\b", self._entry, text).replace("P2 P1", "P1 P2")
        lines = (re.sub(" {2,}", " ", line).rstrip() for line in _of_json(text).splitlines())
        return [line for line in lines if line.strip(" ─") and not _OF_THE_MACHINE.match(line)]

    def _entry(self, found: re.Match[str]) -> str:
        return next(
            (name for name, one in self.names.items() if one.startswith(found[0])), found[0]
        )


def _of_json(text: str) -> str:
    """What programs are given, a line for each of its values; any other text as it is."""
    try:
        values = json.loads(text)
    except ValueError:
        return text
    if isinstance(values, list):
        return "".join(f"- {_compact(one)}\n" for one in values) or "[]"
    return "".join(f"{name}: {_compact(one)}\n" for name, one in values.items())


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.slow
@pytest.mark.parametrize("title", SESSIONS)
def test_a_command_prints_this_and_nothing_else(told: Session, title: str) -> None:
    typed, expected = [], SESSIONS[title]
    for line in expected:
        if line.startswith("$ "):
            typed += [line, *told.type(line)]
    assert typed == expected


KIB, MIB = 2**10, 2**20
BOUNDED = [
    (64 * KIB, "The query has at most 64 KiB.", "find --query-file -"),
    (64 * KIB, "The query has at most 64 KiB.", "party --query-file -"),
    (64 * KIB, "The reason has at most 64 KiB.", "party --different P1 P2 --reason -"),
    (64 * KIB, "The list of words has at most 64 KiB.", "redact C1 --words - --yes"),
    (64 * KIB, "The list of words has at most 64 KiB.", "redact C1 --take-back 1 --because -"),
    (1 * MIB, "The gist has at most 1 MiB.", "translate C1 --gist -"),
    (1 * MIB, "The translation has at most 1 MiB.", "translate C1 --translation -"),
    (1 * MIB, "The answer's text is far too long.", "answer C1 --text-file -"),
    (256 * KIB, "The sheet is longer than 262144 bytes.", "review C3 --form -"),
]


@pytest.mark.slow
def test_a_text_that_is_read_has_a_greatest_size(told: Session) -> None:
    for most, sentence, command in BOUNDED:
        assert f"! {sentence}" in told.type(f"$ {command} < x{' ' * most}"), command
        assert f"! {sentence}" not in told.type(f"$ {command} < x{' ' * (most - 1)}"), command
