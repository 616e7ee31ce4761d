"""`review --edit` and `--blank`: forms lie in the casebook's folder, and are erased after use."""

import json
import shlex
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from support.export_bundles import Drop
from support.team import Prepared, Team

from dropbox.openpgp import Reviewers
from scripts.desk.form_file import FORMS, FormError, editor
from scripts.desk.reviewing import hand_in

# What stands in for an editor: it runs the code in the file that it is given first.
_EDITOR = """
import os, sys
from pathlib import Path
from typing import Any
form = Path(sys.argv[1])
text = form.read_text().replace('urgency = ""', 'urgency = "normal"')
"""


@pytest.fixture
def filed(team: Team, reviewers: Reviewers, prepared: Prepared) -> Team:
    """One case."""

    def file_one(team: Team) -> None:
        drop = Drop(reviewers, team.directory)
        drop.report("text", claimant=1)
        team(0, "import", drop.bundle(1))

    prepared.bring("one case to edit", team, file_one)
    return team


def typing(team: Team, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Have $EDITOR do this with ``form``, the file, and ``text``, what is in it."""
    script = team.directory / "editor.py"
    script.write_text(_EDITOR + code, "utf-8")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", shlex.join([sys.executable, str(script)]))


def writes(old: str, new: str) -> str:
    return f"form.write_text(text.replace({old!r}, {new!r}))"


GOOD = writes('merit = ""', 'merit = "m2"')


def forms(team: Team) -> list[Path]:
    return sorted(path for path in (team.casebook / FORMS).rglob("*") if path.is_file())


@pytest.mark.slow
def test_an_edited_form_is_taken_and_nothing_of_it_is_left(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = filed.directory / "seen"
    modes = "f'{form.stat().st_mode:o} {form.parent.stat().st_mode:o}'"
    looks = f"Path({str(seen)!r}).write_text({modes})"
    copies = (
        "Path(str(form) + '~').write_text(text); Path(os.environ['TMPDIR'], 'x').write_text('y')"
    )
    typing(filed, monkeypatch, "\n".join([looks, copies, GOOD]))

    assert "version 1 of your review was saved" in filed(0, "review", filed.case(), "--edit")
    assert seen.read_text() == "100600 40700"
    assert not (filed.casebook / FORMS).exists()
    assert '"merit": "m2"' in filed(0, "show", filed.case(), "--json")


@pytest.mark.slow
def test_a_wrong_form_is_kept_until_it_is_right(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(filed, monkeypatch, writes('merit = ""', 'merit = "m9" # typed'))
    code, out, err = filed.run(0, "review", filed.case(), "--edit")
    assert (code, out) == (2, "") and "merit" in err and "The form stays in" in err
    (form,) = forms(filed)
    assert "# typed" in form.read_text()

    typing(filed, monkeypatch, writes('"m9"', '"m2"'))
    code, out, err = filed.run(0, "review", filed.case(), "--edit")
    assert code == 0 and "was saved" in out and "Going on with what you typed before" in err
    assert forms(filed) == []


@pytest.mark.slow
def test_somebody_at_a_terminal_edits_a_wrong_form_once_more(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        lines = 0

        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            self.lines += 1
            assert self.lines < 3
            return "\n"

    wrong_first = (
        "form.write_text(text.replace('\"m9\"', '\"m2\"') if 'm9' in text else "
        "text.replace('merit = \"\"', 'merit = \"m9\"'))"
    )
    typing(filed, monkeypatch, wrong_first)
    terminal = Terminal()
    monkeypatch.setattr("sys.stdin", terminal)

    code, out, err = filed.run(0, "review", filed.case(), "--edit")
    assert (code, terminal.lines) == (0, 1) and "was saved" in out and "must be one of m0" in err


@pytest.mark.slow
def test_a_form_of_an_earlier_state_is_put_beside_a_new_one(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(filed, monkeypatch, writes('merit = ""', 'merit = "m9" # typed'))
    filed.run(0, "review", filed.case(), "--edit")
    filed.judge(0, filed.case(), merit="m1", urgency="normal")
    typing(filed, monkeypatch, writes('merit = "m1"', 'merit = "m9"'))

    code, _, err = filed.run(0, "review", filed.case(), "--edit")
    assert code == 2 and "The case has changed since you last edited its form" in err
    assert ["typed" in path.read_text() for path in forms(filed)] == [True, False]
    typing(filed, monkeypatch, writes('"m9"', '"m2"'))
    assert filed.run(0, "review", filed.case(), "--edit")[0] == 0
    assert not (filed.casebook / FORMS).exists()


@pytest.mark.slow
def test_an_unchanged_form_and_an_editor_that_fails_add_nothing(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(filed, monkeypatch, "pass")
    assert "Nothing was changed" in filed(0, "review", filed.case(), "--edit")
    assert not (filed.casebook / FORMS).exists()
    typing(filed, monkeypatch, f"{GOOD}; sys.exit(1)")
    code, _, err = filed.run(0, "review", filed.case(), "--edit")
    assert code == 2 and "The editor ended with an error" in err and len(forms(filed)) == 1
    assert '"layers": []' in filed(0, "show", filed.case(), "--json")


def filled_in(form: Path, **said: str) -> None:
    """Fill in fields that are empty in *form*."""
    text = form.read_text("utf-8")
    for name, value in said.items():
        assert f'{name} = ""' in text
        text = text.replace(f'{name} = ""', f'{name} = "{value}"')
    form.write_text(text, "utf-8")


def test_a_blank_form_is_in_the_casebooks_directory_and_erased_once_it_was_taken(
    filed: Team,
) -> None:
    case = filed.case()
    form = Path(filed(0, "review", case, "--blank").splitlines()[0])
    assert forms(filed) == [form]
    assert [f"{path.stat().st_mode:o}" for path in (form, form.parent)] == ["100600", "40700"]
    form.with_name("form.toml~").write_text("an editor's copy", "utf-8")

    filled_in(form, merit="m9", urgency="normal")
    code, out, err = filed.run(0, "review", case, "--form", form)
    assert (code, out) == (2, "") and "merit" in err and form in forms(filed)

    form.write_text(form.read_text("utf-8").replace("m9", "m2"), "utf-8")
    said = filed(0, "review", case, "--form", form)
    assert "version 1 of your review was saved" in said and "still there" not in said
    assert not (filed.casebook / FORMS).exists()


def test_a_form_that_was_begun_is_gone_on_with_and_never_written_over(filed: Team) -> None:
    case = filed.case()
    form = Path(json.loads(filed(0, "review", case, "--blank", "--json"))["form"])
    assert filed(0, "review", case, "--blank").startswith(f"{form}\n")  # nothing typed yet
    filled_in(form, note="typed before", merit="m1", urgency="normal")
    typed = form.read_bytes()

    code, _, err = filed.run(0, "review", case, "--blank")
    assert code == 0 and "Going on with what you typed before" in err
    assert form.read_bytes() == typed
    for version in (1, 2):
        filed.judge(0, case, merit=f"m{version}", urgency="normal")
        code, _, err = filed.run(0, "review", case, "--blank")
        assert code == 0 and "The case has changed since you last edited its form" in err
    assert sorted(path.name for path in forms(filed)) == [
        "before-1.toml",
        "before-2.toml",
        "form.toml",
    ]
    assert (form.parent / "before-1.toml").read_bytes() == typed


def test_another_reviewer_at_the_same_casebook_never_gets_a_form_that_was_begun(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = filed.case()
    mine = Path(filed(0, "review", case, "--blank").splitlines()[0])
    filled_in(mine, note="first-reviewers-remark")

    theirs = Path(filed(1, "review", case, "--blank").splitlines()[0])
    assert theirs != mine and "first-reviewers-remark" not in theirs.read_text("utf-8")
    typing(filed, monkeypatch, "assert 'first-reviewers-remark' not in text\n" + GOOD)
    assert "was saved" in filed(1, "review", case, "--edit")
    assert forms(filed) == [mine] and "forms begun: 1" in filed(0, "status")


def test_only_the_casebooks_own_form_is_erased_and_only_as_it_was_taken(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = filed.case()
    other = filed.directory / "elsewhere.toml"
    other.write_text(filed.sheet(0, case, merit="m1", urgency="normal"), "utf-8")
    assert f"{other} is not the casebook's own form" in filed(0, "review", case, "--form", other)
    assert other.exists()

    form = Path(filed(0, "review", case, "--blank").splitlines()[0])
    form.write_text(form.read_text("utf-8").replace('merit = "m1"', 'merit = "m2"'), "utf-8")

    def typed_on(*given: Any, **more: Any) -> Any:
        form.write_text(form.read_text("utf-8") + "# typed on", "utf-8")
        return hand_in(*given, **more)

    monkeypatch.setattr("scripts.desk.screen.sheets.hand_in", typed_on)
    said = filed(0, "review", case, "--form", form)
    assert "version 2 of your review was saved" in said and "was changed while it was taken" in said
    assert form.read_text("utf-8").endswith("# typed on")


@pytest.mark.parametrize(
    ("name", "behind", "option"),
    [("vim", "vim.basic", "-i"), ("vi", "vim.tiny", "-n"), ("nano", "nano", "--ignorercfiles")],
)
def test_known_editors_keep_no_copies_and_no_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, behind: str, option: str
) -> None:
    program = tmp_path / behind
    program.write_text("#!/bin/sh\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    if name != behind:
        (tmp_path / name).symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{name} -x")
    assert editor()[:2] == [name, "-x"] and option in editor()
    monkeypatch.delenv("EDITOR")
    assert editor()[0] == name
    monkeypatch.setenv("EDITOR", "emacs")
    with pytest.raises(FormError, match="No editor was found"):
        editor()
