"""Three people at one desk, on the command line."""

import json
import pickle
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from scripts.desk import __main__ as desk
from support.cases import name
from support.shared import made_once

Result = TypeVar("Result")


@dataclass
class Team:
    """Three reviewers at one casebook, one after another."""

    casebook: Path
    homes: list[Path]
    capsys: pytest.CaptureFixture[str]
    directory: Path

    def __call__(self, who: int, *arguments: object) -> str:
        code, out, err = self.run(who, *arguments)
        assert (code, err) == (0, ""), err
        return out

    def case(self, number: int = 1) -> str:
        """What the case is called that came as number *number*."""
        return name(self.casebook, number)

    def run(self, who: int, *arguments: object) -> tuple[int, str, str]:
        always = ["--casebook", str(self.casebook), "--home", str(self.homes[who])]
        code = desk.main([*always, *map(str, arguments)])
        out, err = self.capsys.readouterr()
        return code, out, err

    def sheet(self, who: int, case: str, act: str = "review", **changes: object) -> str:
        """The desk's review sheet of a case, filled in."""
        return toml({**tomllib.loads(self(who, act, case, "--print")), **changes})

    def judge(self, who: int, case: str, act: str = "review", **changes: object) -> dict[str, Any]:
        """Fill in the desk's review sheet, and submit it."""
        form = self.directory / "sheet.toml"
        form.write_text(self.sheet(who, case, act, **changes), "utf-8")
        return dict(json.loads(self(who, act, case, "--form", form, "--json")))


class Prepared:
    """Casebooks by name: the first test of a run that asks for one makes it, the others get a copy,
    whatever their worker. All of a run's reviewers have the same keys.
    """

    def __init__(self, directories: pytest.TempPathFactory) -> None:
        self._directories = directories

    def bring(self, name: str, team: Team, make: Callable[[Team], Result]) -> Result:
        """Put *team* where *make* would bring it, and return what that returned."""

        def keep(place: Path) -> None:
            result = make(team)
            shutil.copytree(team.directory, place / "directory")
            (place / "result").write_bytes(pickle.dumps(result))

        kept = made_once(self._directories, f"prepared {name}", keep)
        shutil.rmtree(team.casebook, ignore_errors=True)
        shutil.copytree(kept / "directory", team.directory, dirs_exist_ok=True)
        return pickle.loads((kept / "result").read_bytes())  # type: ignore[no-any-return]


def _inline(value: object) -> str:
    """A value in TOML, which writes all but tables as JSON does."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {json.dumps(one)}" for key, one in value.items())
        return "{" + ", ".join(pairs) + "}"
    return json.dumps(value)


def toml(sheet: dict[str, Any]) -> str:
    """A filled-in review sheet."""
    flat = {key: value for key, value in sheet.items() if key not in ("harms", "amounts")}
    lines = [f"{key} = {_inline(value)}" for key, value in flat.items()]
    lines += [
        "[harms]",
        *(
            f"{json.dumps(harm)} = {json.dumps(found)}"
            for harm, found in sheet.get("harms", {}).items()
        ),
    ]
    for amount in sheet.get("amounts", []):
        lines += ["[[amounts]]", *(f"{key} = {json.dumps(value)}" for key, value in amount.items())]
    return "\n".join(lines)


def fingerprint(team: Team, who: int) -> str:
    rows = json.loads(team(0, "reviewers", "--json"))
    return next(str(row["fingerprint"]) for row in rows if row["name"] == f"reviewer-{who + 1}")
