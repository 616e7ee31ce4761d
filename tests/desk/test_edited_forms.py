"""`review --edit`: the form is edited in the casebook's directory, taken back, and erased."""

import shlex
import stat
import sys
from pathlib import Path

import pytest
from support.export_bundles import Drop
from support.team import Prepared, Team

from dropbox.openpgp import Reviewers
from scripts.desk.form_file import FORMS, FormError, editor

# What stands in for an editor: it runs the code in the file that it is given first.
_EDITOR = """
import os, sys
from pathlib import Path
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
