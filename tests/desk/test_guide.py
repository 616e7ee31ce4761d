"""The reviewer's guide, step by step: each command of its table, by three reviewers."""

import io
import json
import re
import shlex
import shutil
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from support.drawing_rooms import refusal
from support.export_bundles import PHOTO
from support.slot_bundles import SlotDrop
from support.team import Team

from dropbox.openpgp import Reviewers
from dropbox.weekly_hpke import WeeklyHpke
from scripts.desk.casebook_backup import remember
from scripts.desk.commands import screen
from scripts.desk.full_screen.app import FullScreen

GUIDE = (Path(__file__).parents[2] / "docs" / "reviewer.md").read_text("utf-8")
# What a person does besides the command: who is at work, and what they type.
DECIDES = {"adjudicate": 2, "release": 1}
WORDS = "one two three four five six seven eight"
TYPED = {
    "find": "训诫书",
    "answer": "【虚构】谢谢您的来信。",
    "translate": "[Fictional] A letter of admonition.",
    "redact": "训诫书",
    "backup": f"{WORDS}\n",
    "restore": f"{WORDS}\n",
}
ASKS_BACK = {"answer", "export-replies", "redact", "release"}


def commands() -> list[str]:
    """The desk's commands in the guide's table, each after ``$D``."""
    return re.findall(r"^\| `\$D ([^`]+)` \|", GUIDE, re.MULTILINE)


@pytest.mark.slow
def test_a_reviewer_can_do_what_the_guide_says(
    team: Team,
    reviewers: Reviewers,
    keys_dir: Path,
    first_day: date,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hpke = WeeklyHpke.load(keys_dir, datetime.now(UTC))
    drop = SlotDrop(reviewers, hpke, team.directory, first_day, quantum=64)
    for number in range(1, 8):
        drop.report(f"【虚构】训诫书 {number}", number, attachments=(drop.file(PHOTO),))
    drop.bundle().rename(team.directory / "casedrop-export-000001")
    monkeypatch.chdir(team.directory)
    # Who closes the editor without a change adds nothing.
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "true")
    # The reviewers' public keys, and a file of work that came by stick: here this desk's own.
    (team.directory / "KEYS").symlink_to(keys_dir)
    (team.directory / "theirs.work").symlink_to(team.directory / "mine.work")
    done = [name for line in commands() if (name := do(team, line, monkeypatch))]

    assert len(done) == len(commands()) >= 14
    assert len(list((team.directory / "DIR").iterdir())) == 1
    assert (team.directory / "replies.tar").stat().st_size > 2**20


def do(team: Team, line: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run one command as the guide gives it. Returns its name."""
    line, _, redirected = line.partition(" > ")
    for example, number in (("K7-QX4M", 1), ("R3-8MWB", 7)):
        line = line.replace(example, team.case(number))
    words = shlex.split(line)
    name = words[0]
    if "HEAD" in words:
        words[words.index("HEAD")] = json.loads(team(0, "status", "--json"))["custody_head"]
    if name == "adjudicate":
        # Two reviewers who disagree, before the third is given a form.
        for who, merit in enumerate(("m3", "m1")):
            team.judge(who, words[1], merit=merit, urgency="normal")
    if name == "assign":
        words[words.index("NAME")] = json.loads(team(0, "reviewers", "--json"))[0]["name"]
    if name == "screen":
        # What it does there is in test_full_screen.py; here it opens the casebook, and closes it.
        monkeypatch.setattr(screen, "at_terminal", lambda: True)
        monkeypatch.setattr(FullScreen, "run", lambda _app, *, mouse: None)
    if name == "picture" and refusal():
        # As the guide says where bubblewrap cannot be had, such as in many containers.
        words.append("--without-bubblewrap")
    if name == "backup":
        # Shown and typed back the first time, at a terminal.
        remember(team.casebook, WORDS)
    if name == "release":
        campaign = team.casebook / "campaign.toml"
        asking = "[review]\nanswers_need_release = true\n"
        campaign.write_text(campaign.read_text("utf-8").replace("[review]\n", asking), "utf-8")
    if name == "restore":
        shutil.rmtree(team.casebook)
    if name in ASKS_BACK and "--templates" not in words:
        words.append("--yes")
    typed = io.TextIOWrapper(io.BytesIO(TYPED.get(name, "").encode()), "utf-8")
    monkeypatch.setattr(sys, "stdin", typed)
    code, out, err = team.run(DECIDES.get(name, 0), *words)

    assert (code, err) == (0, ""), f"{line}: {err}"
    if redirected:
        (team.directory / redirected).write_text(out, "utf-8")
    return name
