"""A desk alone: a process without a network and with a disk of its own, where one reviewer works.

It is told what to do line by line, in JSON, and runs the desk's own commands. What it gives others
and gets from them are files on a stick, the one folder that it shares with anybody.
"""

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dropbox.gpg_agent import stop_agent
from scripts.desk import __main__ as desk
from scripts.desk.casebook.casebook import Casebook
from support import remembered
from support.desks import Desk
from support.team import toml

# Without these two it would be no other computer.
APART = ("unshare", "--map-root-user", "--net", "--mount")
TESTS = Path(__file__).parents[1]
WORDS = "one two three four five six seven eight"
# What a reviewer does, and how often in a hundred acts.
_ACTS = {
    "review": 46,
    "answer": 14,
    "translate": 10,
    "link": 8,
    "release": 8,
    "show": 6,
    "assign": 4,
    "quality": 4,
}
# What can be refused at work that goes by chance.
_REFUSED = (
    "took everything back",
    "asked not to be answered",
    "have this very answer",
    "out of your hands",
    "No answer to them waits for a release",
    "You wrote this yourself",
    "wait for another reviewer's `release`",
    "No answer is waiting to leave",
)


class LoneDesk:
    """Desk *number* in a process of its own; *home* is copied to its disk, mounted at *place*."""

    def __init__(self, number: int, place: Path, home: Path, stick: Path) -> None:
        self.number = number
        place.mkdir()
        environment = {**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}"}
        self._process = subprocess.Popen(
            [*APART, sys.executable, "-m", "support.lone_desk", place, home, stick, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=TESTS.parent,
            text=True,
        )

    def __call__(self, act: str, **given: object) -> Any:
        """Have it do one of the methods of :class:`Seat`, and return what that returned."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps([act, given]), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline() or '["ended", null]')
        assert answer[0] == "done", f"desk {self.number}: {act}: {answer}"
        return answer[1]

    def end(self) -> None:
        """End the process, with its disk and all that is on it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=60)


class Seat:
    """What the reviewer at a lone desk does; each public method is an act."""

    def __init__(self, place: Path, home: Path, stick: Path, number: int) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
        self._casebook, self._home, self._stick = place / "c", place / "h", stick
        shutil.copytree(home, self._home, ignore=shutil.ignore_patterns("S.*", "*.lock"))
        self._home.chmod(0o700)
        self._place, self._number = place, number
        self._count = 0
        self._cases: list[str] = []
        self.done = Counter[str]()

    def run(self, *arguments: object, stdin: str = "", may_fail: bool = False) -> str:
        """One command of the desk. Returns what it printed, "" if it was refused."""
        always = ["--casebook", str(self._casebook), "--home", str(self._home)]
        out, err = io.StringIO(), io.StringIO()
        typed = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            before, sys.stdin = sys.stdin, typed
            try:
                code = desk.main([*always, *map(str, arguments)])
            finally:
                sys.stdin = before
        if code and not (may_fail and any(one in err.getvalue() for one in _REFUSED)):
            raise AssertionError(f"{arguments[0]}: {code}: {err.getvalue()}")
        self.done[f"{arguments[0]}{' refused' if code else ''}"] += 1
        return "" if code else out.getvalue()

    def read(self, *arguments: object) -> Any:
        """One command's JSON."""
        return json.loads(self.run(*arguments, "--json"))

    def begin(self, keys: str, campaign: str, server_key: str) -> None:
        """Make the casebook."""
        named = ["--keys", keys, "--campaign", campaign, "--desk", self._number]
        self.run("init", "--server-key", server_key, *named)

    def take(self, bundle: str) -> dict[str, Any]:
        """Import a bundle of the drop's."""
        found: dict[str, Any] = self.read("import", bundle)
        return found

    def give(self, keys: str) -> str:
        """Write all that is known to the stick. Returns the file's name."""
        self._count += 1
        name = f"desk-{self._number}-{self._count}.work"
        self.run("export-work", "--to", self._stick / name, "--keys", keys)
        return name

    def merge(self, name: str) -> dict[str, Any]:
        """Import what another desk gave."""
        merged: dict[str, Any] = self.read("import-work", self._stick / name)
        return merged

    def leave(self) -> int:
        """Write the answers out. Returns the reply bundle's number, 0 for none."""
        self._count += 1
        path = self._place / f"replies-{self._count}.tar"
        written = self.run("export-replies", path, "--yes", "--json", may_fail=True)
        return int(json.loads(written)["bundle"]) if written else 0

    def backup(self) -> None:
        """Copy the casebook, sealed, onto the stick."""
        with contextlib.suppress(FileNotFoundError):
            (self._stick / f"backup-{self._number}").unlink()
        from scripts.desk import casebook_backup  # noqa: PLC0415

        casebook_backup.remember(self._casebook, WORDS)
        self.run("backup", self._stick / f"backup-{self._number}", stdin=WORDS + "\n")

    def lose(self) -> None:
        """Lose the casebook, and go on with the one from the backup."""
        shutil.rmtree(self._casebook)
        self.run("restore", self._stick / f"backup-{self._number}", stdin=WORDS + "\n")

    def work(self, seed: int, acts: int) -> dict[str, int]:
        """Do *acts* of all kinds by chance. Returns how many commands ran, by name."""
        chance = random.Random(seed)
        self.done.clear()
        rows = self.read("list", "--limit", 0)
        self._cases = [row["case"] for row in rows if not row["conflict"]]
        kinds = chance.choices(list(_ACTS), list(_ACTS.values()), k=acts)
        for kind in kinds:
            getattr(self, f"_{kind}")(chance)
        return dict(self.done)

    def finish(self, seed: int) -> int:
        """Give all second and third reviews that wait for this reviewer. Returns how many."""
        chance = random.Random(seed)
        waiting = [
            *self.read("list", "--queue", "second", "--limit", 0),
            *self.read("list", "--queue", "disagree", "--limit", 0),
        ]
        mine = {row["case"] for row in self.read("list", "--queue", "mine", "--limit", 0)}
        rows = [row for row in waiting if row["case"] in mine]
        for row in rows:
            self._judge(chance, row["case"], row["status"], whole=True)
        return len(rows)

    def state(self) -> Any:
        """All that desks should agree on.

        Of a review that is closed its reviewer's desk has the layer, others have sealed copies of
        their own; that none is lacking is agreed on.
        """
        waiting = self.waiting()
        found = Desk(self._casebook, self._number).state()
        work = json.loads(str(found.pop("work")))
        copied = {line for one in work.pop("closed") for line in one[1]}
        lacking = {line for line, *_ in work["promises"]} - copied
        layers = found.pop("layers")
        assert isinstance(layers, list)
        open_layers = [one for one in layers if one[0] not in waiting]
        return {"work": work, "lacking": sorted(lacking), "open": open_layers, **found}

    def waiting(self) -> dict[str, Any]:
        """The cases that were reviewed and wait for another: who cannot give it, and its standing.

        Those cannot who have reviewed the case, or given it away.
        """
        with Casebook.open(self._casebook) as casebook:
            return {
                case.name: [sorted(reviews.conflicted | reviews.committed), standing]
                for case in casebook.cases()
                if (reviews := casebook.layers.of(case)).committed and not reviews.complete
                if (standing := casebook.layers.standing(case))
            }

    def verify(self) -> dict[str, Any]:
        """Verify everything."""
        found: dict[str, Any] = self.read("verify")
        return found

    # What a reviewer does by chance

    def _case(self, chance: random.Random) -> str:
        return chance.choice(self._cases)

    def _review(self, chance: random.Random) -> None:
        rows = self.read("list", "--queue", "mine", "--limit", 0)
        if rows:
            row = chance.choice(rows)
            self._judge(chance, row["case"], row["status"])

    def _judge(self, chance: random.Random, case: str, status: str, *, whole: bool = False) -> None:
        act = "adjudicate" if status == "st.adjudicate" else "review"
        form = Path(self.read(act, case, "--blank")["form"])
        sheet = tomllib.loads(form.read_text("utf-8"))
        look = chance.random() < 0.1 and act == "review" and not whole
        sheet |= {
            "category": "c1",
            "merit": "" if look else chance.choice(("m0", "m1", "m2", "m3", "m4")),
            "urgency": chance.choice(("normal", "normal", "deadline", "danger")),
            "tags": [f"tag-{chance.randrange(9)}"],
            "note": f"【虚构】{chance.random()}",
            "conflict": chance.random() < 0.03 and not whole,
        }
        if chance.random() < 0.2:
            sheet["flags"] = [chance.choice(("privileged", "minor"))]
        if sheet["conflict"]:
            sheet["merit"] = ""
        form.write_text(toml(sheet), "utf-8")
        self.run(act, case, "--form", form)
        assert not form.exists()

    def _answer(self, chance: random.Random) -> None:
        what = ["--text-file", "-"] if chance.random() < 0.6 else ["--template", "answer.when"]
        text = f"【虚构】{chance.random()}"
        self.run("answer", self._case(chance), *what, "--yes", stdin=text, may_fail=True)

    def _translate(self, chance: random.Random) -> None:
        machine = ["--machine", "argos"] if chance.random() < 0.5 else []
        text = f"A gist, {chance.random()}"
        asked = ["translate", self._case(chance), "--gist", "-", *machine]
        self.run(*asked, stdin=text, may_fail=True)

    def _link(self, chance: random.Random) -> None:
        one, other = self._case(chance), self._case(chance)
        if one != other:
            said = chance.choice(("--confirm", "--deny"))
            self.run("link", one, other, said, may_fail=True)

    def _release(self, chance: random.Random) -> None:
        self.run("release", self._case(chance), "--yes", may_fail=True)

    def _show(self, chance: random.Random) -> None:
        self.run("show", self._case(chance), may_fail=True)

    def _assign(self, chance: random.Random) -> None:
        to = [f"reviewer-{number}" for number in chance.sample((1, 2, 3), 2)]
        self.run("assign", "--next", 6, "--to", to[0], "--to", to[1])

    def _quality(self, _chance: random.Random) -> None:
        self.run("quality", "--draw")


def lines() -> Iterator[tuple[str, dict[str, Any]]]:
    """What is to be done, line by line."""
    for line in sys.stdin:
        act, given = json.loads(line)
        yield act, given


def main() -> None:
    """Do what is asked for on standard input until it ends."""
    parser = argparse.ArgumentParser()
    for name in ("place", "home", "stick"):
        parser.add_argument(name, type=Path)
    parser.add_argument("number", type=int)
    asked = parser.parse_args()
    seat = Seat(asked.place, asked.home, asked.stick, asked.number)
    patch = pytest.MonkeyPatch()
    remembered.campaigns(patch)
    remembered.command_lines(patch)
    try:
        for act, given in lines():
            try:
                answer = ["done", getattr(seat, act)(**given)]
            except AssertionError as why:
                answer = ["failed", str(why)]
            print(json.dumps(answer, default=str), flush=True)
    finally:
        stop_agent(asked.place / "h")


if __name__ == "__main__":
    main()
