"""Paper shares with real gpg: k sheets bring a secret back, fewer do not; typos are named."""

import io
import re
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import wcwidth
from shamir_mnemonic.wordlist import WORDLIST
from support.shared import copy_home, made_once, make_home

from dropbox.durable_file import CannotWrite
from dropbox.errors import CannotOpen, KeysError
from dropbox.gpg_agent import delete_secret, secret_file, stop_agent
from dropbox.openpgp import Opener
from dropbox.reviewer_key import WeeklyKey, make_reviewer_key, reviewer_key, seal_to_week
from scripts.ceremony import __main__ as ceremony
from scripts.ceremony import shares
from scripts.ceremony.paper import COLUMNS, LINES
from scripts.ceremony.shares import WORDS, Sealed, _sheets, join, joined_key, split
from scripts.ceremony.weeks import CeremonyError, Epoch, epochs


def make_two_weeks(home: Path) -> None:
    start = datetime.now(UTC).date() - timedelta(days=7)
    make_reviewer_key(home, name="blue", weeks=2, start=start, passphrase="")


@pytest.fixture(scope="session")
def two_weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gpg home of two weeks that are both valid today, made once for all workers."""
    return made_once(tmp_path_factory, "two-weeks", lambda place: make_home(make_two_weeks, place))


@pytest.fixture
def home(gpg_home: Path, two_weeks: Path) -> Path:
    """Two weeks that are both valid today."""
    return copy_home(two_weeks, gpg_home)


@pytest.fixture
def split_home(
    gpg_home: Path, out: Path, two_weeks: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same, of which the first is on two sheets in *out*, both of them needed."""

    def make(place: Path) -> None:
        (place / "out").mkdir()
        make_home(lambda copy: cut(copy, place / "out", 2, 2), copy_home(two_weeks, place / "g"))

    made = made_once(tmp_path_factory, "split", make)
    shutil.copytree(made / "out", out, dirs_exist_ok=True)
    return copy_home(made / "g", gpg_home)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "shares").mkdir()
    return tmp_path / "shares"


def first(home: Path) -> Epoch:
    return epochs(reviewer_key(home))[0]


def cut(home: Path, out: Path, needed: int = 3, sheets: int = 5) -> tuple[Path, list[Path]]:
    sealed, *written = split(home, first(home), name="blue", needed=needed, shares=sheets, out=out)
    return sealed, written


def texts(paths: list[Path]) -> list[tuple[str, str]]:
    return [(path.name, path.read_text("utf-8")) for path in paths]


def words(path: Path) -> list[str]:
    """The words of a sheet by their numbers, which are those that a mistyped word is named by."""
    found = re.findall(r"(\d+)\.\s+([a-z]+)", path.read_text("utf-8"))
    by_number = {int(number): word for number, word in found}
    assert sorted(by_number) == list(range(1, WORDS + 1)) and len(found) == WORDS
    return [by_number[number] for number in sorted(by_number)]


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("chosen", [(0, 1, 2), (4, 2, 0), (0, 1, 2, 3, 4)])
def test_any_k_sheets_bring_back_what_was_taken_out(
    chosen: tuple[int, ...], home: Path, out: Path
) -> None:
    week = first(home)
    message = seal_to_week(home, week.key, b"old")

    sealed, sheets = cut(home, out)

    assert not first(home).secret
    with pytest.raises(CannotOpen):
        Opener(home).open(message)
    assert join(home, sealed, texts([sheets[at] for at in chosen])) == Epoch(
        week.week, week.first, week.last, first_key(home)
    )
    assert Opener(home).open(message) == b"old"
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in home.glob("private-keys-v1.d/*"))


def first_key(home: Path) -> WeeklyKey:
    key = first(home).key
    # What was known about it while it was still on paper.
    return WeeklyKey(key.fingerprint, key.keygrip, key.made, key.expires, secret=False)


def test_fewer_sheets_open_nothing(home: Path, out: Path) -> None:
    sealed, sheets = cut(home, out)

    with pytest.raises(CeremonyError, match="2 of 3 needed sheets"):
        join(home, sealed, texts(sheets[:2]))
    with pytest.raises(
        CeremonyError, match=f"{sheets[0].name} is the same sheet as {sheets[0].name}"
    ):
        join(home, sealed, texts([sheets[0], sheets[1], sheets[0]]))
    with pytest.raises(CeremonyError, match="No sheet"):
        join(home, sealed, [])

    assert not first(home).secret


def test_neither_the_secret_nor_its_key_is_anywhere_but_on_the_sheets(
    home: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = next(
        path.read_bytes()
        for path in (home / "private-keys-v1.d").iterdir()
        if path.name.startswith(first(home).key.keygrip)
    )
    key = bytes(range(32))
    monkeypatch.setattr("scripts.ceremony.shares.secrets.token_bytes", lambda size: key[:size])

    sealed, sheets = cut(home, out)

    assert joined_key(texts(sheets[2:])) == key
    assert Sealed.from_bytes(sealed.read_bytes()).open(key) == secret
    for path in [
        path for directory in (home, out) for path in directory.rglob("*") if path.is_file()
    ]:
        content = path.read_bytes()
        assert (
            secret not in content
            and secret[-60:] not in content
            and key not in content
            and key.hex().encode() not in content
        )


@pytest.mark.slow
def test_a_sheet_is_its_owners_alone_and_fits_on_one_page(home: Path, out: Path) -> None:
    _, sheets = cut(home, out, 16, 16)

    for number, path in enumerate(sheets, 1):
        lines = path.read_text("utf-8").splitlines()
        assert (
            path.stat().st_mode & 0o777 == 0o600
            and path.name == f"blue-{first(home).week}-sheet-{number}-of-16.txt"
        )
        assert len(lines) <= LINES and max(map(wcwidth.wcswidth, lines)) <= COLUMNS
        assert len(words(path)) == WORDS and set(words(path)) <= set(WORDLIST)
    assert len({tuple(words(path)) for path in sheets}) == 16


def other_word(word: str) -> str:
    return str(WORDLIST[(WORDLIST.index(word) + 1) % len(WORDLIST)])


@pytest.mark.parametrize("at", [0, 4, 17, 32])
def test_a_mistyped_word_is_named_by_its_number_and_never_by_itself(
    at: int, home: Path, out: Path
) -> None:
    sealed, sheets = cut(home, out, 2, 2)
    right = words(sheets[0])
    good = ("Sheet 2", " ".join(words(sheets[1])))

    for wrong, sentence in [
        ("acadmic", f"Sheet 1: not in the list of words: word {at + 1}. Check it again."),
        (
            other_word(right[at]),
            f"Sheet 1: word {at + 1} is not the one on the sheet. Check it again.",
        ),
    ]:
        typed = " ".join([*right[:at], wrong, *right[at + 1 :]])
        with pytest.raises(CeremonyError) as refused:
            join(home, sealed, [("Sheet 1", typed), good])
        assert str(refused.value) == sentence
    assert not first(home).secret


def test_words_that_are_missing_exchanged_or_several_times_wrong_are_said(
    home: Path, out: Path
) -> None:
    sealed, sheets = cut(home, out, 2, 2)
    right, good = words(sheets[0]), texts(sheets[1:])[0]
    several = [*map(other_word, right[:3]), *right[3:]]

    for typed, sentence in [
        (right[:-1], "32 words instead of 33"),
        ([*right, right[0]], "34 words"),
        (several, "several words"),
        ([], "0 words"),
    ]:
        with pytest.raises(CeremonyError, match=sentence):
            join(home, sealed, [("Sheet 1", " ".join(typed)), good])
    assert join(home, sealed, [("Sheet 1", " ".join(right).upper()), good])


@pytest.mark.slow
def test_sheets_of_another_week_or_another_splitting_are_refused(
    home: Path, out: Path, tmp_path: Path
) -> None:
    sealed, sheets = cut(home, out, 2, 3)
    join(home, sealed, texts(sheets[:2]))
    (tmp_path / "again").mkdir()
    other, others = cut(home, tmp_path / "again", 2, 3)

    with pytest.raises(CeremonyError, match="another week, or another split,"):
        join(home, other, texts([sheets[0], others[1]]))
    with pytest.raises(CeremonyError, match="do not belong to this sealed file"):
        join(home, other, texts(sheets[:2]))
    assert join(home, other, texts(others[1:]))
    with pytest.raises(CeremonyError, match="is here already"):
        join(home, other, texts(others[1:]))


def test_another_keys_sealed_file_is_refused(home: Path, out: Path, tmp_path: Path) -> None:
    sealed, sheets = cut(home, out, 2, 2)
    stranger = tmp_path / "s"
    make_reviewer_key(
        stranger, name="green", weeks=1, start=datetime.now(UTC).date(), passphrase=""
    )

    with pytest.raises(CeremonyError, match="belongs to another key"):
        join(stranger, sealed, texts(sheets))
    stop_agent(stranger)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data.replace(b'"needed": 2', b'"needed": 3'), "was altered"),
        (lambda data: data.replace(b'"name": "blue"', b'"name": "grey"'), "was altered"),
        (lambda data: data.replace(b'"casedrop_week": 1', b'"casedrop_week": 2'), "of a version"),
        (lambda data: data.replace(b'"box": "', b'"box": "AAAA'), "was altered"),
        (lambda data: data.replace(b'"week"', b'"weak"'), "not a week's sealed file"),
        (lambda data: data[:-5], "not a week's sealed file"),
        (lambda data: b"[" * 60_000, "not a week's sealed file"),
        (lambda data: b"", "not a week's sealed file"),
        (lambda data: b"7", "not a week's sealed file"),
        (lambda data: b"\xff\xfe", "not a week's sealed file"),
    ],
)
@pytest.mark.slow
def test_an_altered_sealed_file_is_refused(
    change: Callable[[bytes], bytes], sentence: str, split_home: Path, out: Path
) -> None:
    home, (sealed, *sheets) = split_home, sorted(out.iterdir(), key=lambda path: path.suffix)
    good = sealed.read_bytes()
    assert change(good) != good
    sealed.write_bytes(change(good))

    with pytest.raises(CeremonyError, match=sentence):
        join(home, sealed, texts(sheets))
    assert not first(home).secret
    sealed.write_bytes(good)
    assert join(home, sealed, texts(sheets))


def test_a_secret_that_does_not_open_its_weeks_messages_is_not_left_behind(
    home: Path, out: Path
) -> None:
    """Everything is sealed correctly, but the sheets bring back another week's secret."""
    week, other = epochs(reviewer_key(home))
    delete_secret(home, week.key.keygrip)
    wrong, key = secret_file(home, other.key.keygrip).read_bytes(), b"k" * 32
    sealed = Sealed.of(wrong, key, name="blue", epoch=week, needed=2, shares=2)
    (out / "blue.sealed").write_bytes(sealed.to_bytes())
    sheets = [(f"Sheet {number}", text) for number, text in enumerate(_sheets(key, sealed), 1)]

    with pytest.raises(CeremonyError, match="it was removed again"):
        join(home, out / "blue.sealed", sheets)

    assert not secret_file(home, week.key.keygrip).exists() and not first(home).secret
    assert secret_file(home, other.key.keygrip).read_bytes() == wrong


@pytest.mark.parametrize(("needed", "sheets"), [(1, 3), (0, 0), (4, 3), (2, 17)])
def test_numbers_of_sheets_that_share_nothing_are_refused(
    needed: int, sheets: int, home: Path, out: Path
) -> None:
    with pytest.raises(CeremonyError, match="At least 2 sheets"):
        cut(home, out, needed, sheets)
    assert first(home).secret and names(out) == []


def test_a_splitting_that_fails_leaves_the_secret_and_no_sheet(
    home: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / f"blue-{first(home).week}-sheet-2-of-3.txt").write_text("kept", "utf-8")
    with pytest.raises(CannotWrite, match="not overwritten"):
        cut(home, out, 2, 3)
    assert names(out) == [f"blue-{first(home).week}-sheet-2-of-3.txt"] and first(home).secret

    monkeypatch.setattr(shares, "joined_key", lambda sheets: bytes(32))
    with pytest.raises(CeremonyError):
        cut(home, out, 2, 4)
    assert len(names(out)) == 1 and first(home).secret


def test_a_week_that_is_on_paper_is_not_split_again(home: Path, out: Path) -> None:
    cut(home, out)

    with pytest.raises(CeremonyError, match="not here: it was destroyed, or is on paper"):
        cut(home, out)


def test_a_deletion_that_fails_leaves_the_sheets(
    home: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeysError("gpg's agent refused.")

    monkeypatch.setattr(shares, "delete_secret", fail)
    with pytest.raises(KeysError):
        cut(home, out, 2, 2)

    assert len(names(out)) == 3


def run(command: str, home: Path, *more: object) -> int:
    return ceremony.main([command, "--home", str(home), *map(str, more)])


@pytest.mark.slow
def test_the_command_line_splits_joins_and_says_where_everything_goes(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    week = first(home).week
    assert run("split", home, "--out", tmp_path, "--week", week, "--sheets", 3, "--needed", 2) == 0
    said = capsys.readouterr().out
    sealed, *sheets = sorted((tmp_path / "04-shares").iterdir(), key=lambda path: path.suffix)
    assert all(str(path) in said for path in (sealed, *sheets))
    # Two words of the sentences themselves may be on any sheet.
    assert set(words(sheets[0])) & set(said.split()) <= {"hand", "secret"}
    assert run("weeks", home) == 0
    assert (
        f"{week} ({first(home).first} to {first(home).last})  no secret here"
        in capsys.readouterr().out
    )

    assert run("join", home, "--sealed", sealed, "--sheet", sheets[0]) == 2
    assert "1 of 2 needed sheets" in capsys.readouterr().err
    assert run("join", home, "--sealed", sealed, "--sheet", sealed, home / "pubring.kbx") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert run("join", home, "--sealed", sealed, "--sheet", *sheets[1:]) == 0
    assert run("destroy", home, "--out", tmp_path, "--week", week, "--yes", "--force") == 0

    typed = "\n".join(
        [
            *words(sheets[0])[:20],
            " ".join(words(sheets[0])[20:]),
            "",
            " ".join(words(sheets[2])),
            "",
            "",
        ]
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert run("join", home, "--sealed", sealed) == 0 and first(home).secret


def test_sheets_shown_on_the_terminal_are_in_no_file(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        "--out",
        tmp_path,
        "--week",
        first(home).week,
        "--sheets",
        2,
        "--needed",
        2,
        "--terminal",
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert run("split", home, *asked) == 2
    assert first(home).secret and names(tmp_path / "04-shares") == []
    capsys.readouterr()

    monkeypatch.setattr("sys.stdin", io.StringIO("\n\n"))
    assert run("split", home, *asked) == 0
    shown = capsys.readouterr().out.split("\x1b[H\x1b[2J\x1b[3J")
    assert len(shown) == 3 and names(tmp_path / "04-shares") == [f"blue-{first(home).week}.sealed"]
    assert join(
        home,
        tmp_path / "04-shares" / names(tmp_path / "04-shares")[0],
        [("a", shown[0]), ("b", shown[1])],
    )


def test_words_are_asked_for_only_when_they_can_bring_the_secret_back(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody types three sheets and reads then that something else is wrong."""
    sealed, *sheets = split(
        home, first(home), name="blue", needed=2, shares=2, out=tmp_path
    )  # fmt: skip
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("abandon\n\n\n"))
    for wrong, why in (("picture.png", "not a week's sealed file"), ("none", "No such file")):
        assert run("join", home, "--sealed", tmp_path / wrong) == 2
        said = capsys.readouterr()
        assert why in said.err and said.out == ""

    assert run("join", home, "--sealed", sealed, "--sheet", *sheets) == 0
    capsys.readouterr()
    assert run("join", home, "--sealed", sealed) == 2
    said = capsys.readouterr()
    assert "is here already" in said.err and said.out == ""
    assert sys.stdin.read() == "abandon\n\n\n"


def test_a_sheet_that_is_no_text_is_named(
    home: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed, (good, bad) = cut(home, out, 2, 2)
    bad.write_bytes(b"\x89PNG\r\n\x1a\n")

    assert run("join", home, "--sealed", sealed, "--sheet", good, bad) == 2
    assert capsys.readouterr().err == (
        f"{bad} is not text; name the sheets' text files, or type the words.\n"
    )
