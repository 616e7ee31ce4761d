"""What many tests share: where and when each of them runs, and reviewers with real gpg keys, made
once for all.
"""

import copy
import gc
import gettext
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask.templating import Environment
from support import clocks, collected, remembered
from support.clocks import MovedClock
from support.desk_side import QUANTUM
from support.front import PACKAGE, Front, make_front, make_settings
from support.made_up_language import add_to_site
from support.shared import copy_home, made_once, make_home
from support.waived import WAIVED
from werkzeug.routing import Rule

from dropbox import catalog, gpg_command, week_secrets
from dropbox.campaign import Campaign
from dropbox.catalog import Sentences
from dropbox.codename import WordLists
from dropbox.gpg_agent import stop_agent
from dropbox.label import LANGUAGES
from dropbox.language import Language
from dropbox.openpgp import Opener, Reviewers
from dropbox.reviewer_key import export_public, make_reviewer_key
from dropbox.settings import Settings

pytest_plugins = [
    "support.ahead",
    "support.spread",
    "support.measured",
    "support.alone",
    "support.unwaited",
    "pytester",
]

# Until all tests are collected, much is made and hardly anything let go.
gc.disable()

TESTS = Path(__file__).parent
# What a test needs that is in one of these, as its mark says.
FOLDERS = ("drop", "onion", "browser", "package")


def folder(item: pytest.Item) -> str:
    """The folder of tests/ that a test is in."""
    return item.path.relative_to(TESTS).parts[0]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test by its folder, if that says what it needs."""
    if folder(item) in FOLDERS:
        item.add_marker(folder(item))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before anything is left out: promises are compared with what pytest really collects."""
    collected.note(config, items)


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end, and need not be searched for garbage every time, nor
    now: there is none.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def commands_remember() -> Iterator[None]:
    """Campaigns are parsed once, and the desk's command line is made once."""
    with pytest.MonkeyPatch.context() as patch:
        remembered.campaigns(patch)
        remembered.command_lines(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_catalogs_are_read_once() -> Iterator[None]:
    """The catalogs that come with Casedrop do not change. In earnest a process makes one front."""
    read, known = catalog._sentences, dict[Language, Sentences]()

    def remembered(settings: Settings, language: Language) -> Sentences:
        if language.tag not in LANGUAGES:
            return read(settings, language)
        if language not in known:
            known[language] = read(settings, language)
        return known[language]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "_sentences", remembered)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_word_lists_are_read_once() -> Iterator[None]:
    """They do not change, and are frozen. In earnest a process reads them once, if at all."""
    read, known = WordLists.read.__func__, list[WordLists]()  # type: ignore[attr-defined]

    def remembered(cls: type[WordLists], *folder: Path) -> WordLists:
        if folder:
            return read(cls, *folder)  # type: ignore[no-any-return]
        if not known:
            known.append(read(cls))
        return known[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WordLists, "read", classmethod(remembered))
        yield


@pytest.fixture(scope="session", autouse=True)
def missing_catalogs_are_looked_for_once() -> Iterator[None]:
    """argparse asks for a translation of each of its words, and finds no catalog each time."""
    find, known = gettext.find, dict[object, Any]()

    def remembered(domain: str, *named: Any, **more: Any) -> Any:
        if any(named) or any(more.values()):
            return find(domain, *named, **more)
        asked = (domain, *map(os.environ.get, ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")))
        if asked not in known:
            known[asked] = find(domain)
        return known[asked]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gettext, "find", remembered)
        yield


@pytest.fixture(scope="session", autouse=True)
def gpg_is_asked_once() -> Iterator[None]:
    """The same gpg has the same version, and lists the same secret keys of the same files. In
    earnest each of the desk's commands is a process and asks again.
    """
    start = gpg_command.gpg_in
    started, listed = dict[str, Any](), dict[object, list[Any]]()

    def remembered(home: Path, options: Sequence[str]) -> Any:
        program = str(shutil.which("gpg"))
        if program not in started or not home.is_dir():
            gpg = start(home, options)
            started[program] = copy.copy(gpg)
        else:
            gpg = copy.copy(started[program])
            gpg.gnupghome, gpg.options = str(home), list(options)
        ask = gpg.list_keys

        def list_keys(secret: bool = False) -> Any:
            files = [home / "pubring.kbx", *sorted(home.glob("private-keys-v1.d/*"))]
            # A stand-in for gpg may give another answer, or have another time, each time.
            if not secret or not files[0].exists() or is_script(program):
                return ask(secret)
            kept = ((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
            state = (program, *options, *kept)
            if state not in listed:
                listed[state] = list(ask(secret))
            return copy.deepcopy(listed[state])

        gpg.list_keys = list_keys
        return gpg

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpg_command, "gpg_in", remembered)
        yield


@cache
def is_script(program: str) -> bool:
    """Whether a program is a text for an interpreter."""
    with Path(program).open("rb") as file:
        return file.read(2) == b"#!"


@pytest.fixture(scope="session", autouse=True)
def routes_are_compiled_once() -> Iterator[None]:
    """The same route of each new front has the same builder of URLs; compiling all of them takes
    longer than most tests of a front. In earnest a process makes one front.
    """
    compile_builder, made = Rule._compile_builder, dict[object, Callable[..., Any]]()

    def remembered(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), append_unknown)
        if key not in made:
            made[key] = compile_builder(rule, append_unknown)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", remembered)
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """No test goes past midnight (UTC): what it asks for the day more than once is told the same
    one.
    """
    clocks.wait_past_midnight()


@pytest.fixture(scope="session")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> date:
    """The UTC day on which this run began, whatever the worker: that of the reviewers' keys."""

    def write(place: Path) -> None:
        (place / "day").write_text(datetime.now(UTC).date().isoformat(), "ascii")

    return date.fromisoformat(
        (made_once(tmp_path_factory, "day", write) / "day").read_text("ascii")
    )


@pytest.fixture(scope="session")
def made_homes(tmp_path_factory: pytest.TempPathFactory, first_day: date) -> dict[str, Path]:
    """gpg home directories of three reviewers by name, made once for all workers; each works with
    copies.
    """

    def make(name: str, weeks: int, start: date) -> Path:
        return made_once(
            tmp_path_factory,
            f"made-{name}",
            lambda place: make_home(
                lambda home: make_reviewer(home, name, weeks, start),
                place,
            ),
        )

    last_week = first_day - timedelta(days=7)
    return {
        "first": make("first", 4, last_week),
        "second": make("second", 4, last_week),
        "third": make("third", 2, last_week),
    }


def make_reviewer(home: Path, name: str, weeks: int, start: date) -> None:
    """A reviewer's key without a passphrase, and its weekly HPKE keys."""
    make_reviewer_key(home, name=f"Reviewer {name}", weeks=weeks, start=start, passphrase="")
    week_secrets.add_missing(home, today=start, passphrase="")


def add_public(home: Path, keys: Path, name: str) -> str:
    """Put a reviewer's public files into *keys*. Returns the line that pins the key."""
    fingerprint = Opener(home).secret_fingerprints()[0]
    (keys / f"{name}.asc").write_bytes(export_public(home, fingerprint))
    hpke = week_secrets.signed_weeks(home, fingerprint)
    (keys / f"{name}.hpke").write_bytes(hpke.data)
    (keys / f"{name}.hpke.sig").write_bytes(hpke.signature)
    return f"{fingerprint}  {name}.asc\n"


def copied(made: Path, directories: pytest.TempPathFactory) -> Iterator[Path]:
    home = copy_home(made, directories.mktemp(made.name.removeprefix("made-")))
    yield home
    stop_agent(home)


@pytest.fixture(scope="session")
def first_home(
    made_homes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The first reviewer's gpg home directory."""
    yield from copied(made_homes["first"], tmp_path_factory)


@pytest.fixture(scope="session")
def second_home(
    made_homes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The second reviewer's."""
    yield from copied(made_homes["second"], tmp_path_factory)


@pytest.fixture(scope="session")
def third_home(
    made_homes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """That of a third reviewer, to whom nothing is sealed: an adjudicator."""
    yield from copied(made_homes["third"], tmp_path_factory)


@pytest.fixture(scope="session")
def reviewer_homes(first_home: Path, second_home: Path) -> list[Path]:
    """Two gpg home directories, each with one reviewer's secret keys (no passphrase, four weeks
    from last week).
    """
    return [first_home, second_home]


@pytest.fixture
def gpg_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a gpg home directory may be made; its agent is ended afterwards."""
    # Short, since gpg-agent's socket is in it.
    place = tmp_path_factory.mktemp("h") / "g"
    yield place
    if place.exists():
        stop_agent(place)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    """gpg's clock, moved by a gpg in front of the real one; one that is told a time itself keeps
    that.
    """
    told = tmp_path / "clock"
    script = tmp_path / "clocked" / "gpg"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\nexec {shutil.which("gpg")} --faked-system-time "$(cat {told})!" "$@"\n',
        "utf-8",
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)
    clock = MovedClock(told)
    clock.move(datetime.now(UTC).date())
    return clock


@pytest.fixture(scope="session")
def keys_dir(reviewer_homes: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keys directory with both reviewers' public files and the pin file. Tests that change it
    copy it first.
    """
    keys = tmp_path_factory.mktemp("keys")
    pins = [
        add_public(home, keys, f"reviewer-{number}")
        for number, home in enumerate(reviewer_homes, 1)
    ]
    (keys / "FINGERPRINTS").write_text("".join(pins), "utf-8")
    return keys


@pytest.fixture(scope="session")
def desk_keys(keys_dir: Path, third_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keys directory with all three."""
    keys = tmp_path_factory.mktemp("desk-keys")
    for file in keys_dir.iterdir():
        (keys / file.name).write_bytes(file.read_bytes())
    pin = add_public(third_home, keys, "reviewer-3")
    with (keys / "FINGERPRINTS").open("a", encoding="utf-8") as pins:
        pins.write(pin)
    return keys


@pytest.fixture(scope="session")
def reviewers(keys_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Reviewers:
    """The two pinned reviewers, ready to be sealed to."""
    return Reviewers.load(keys_dir, tmp_path_factory.mktemp("front-gnupg"))


@pytest.fixture(scope="session")
def opener(reviewer_homes: list[Path]) -> Opener:
    """The first reviewer's workstation."""
    return Opener(reviewer_homes[0])


@pytest.fixture(scope="session")
def campaign() -> Campaign:
    """The campaign that comes with Casedrop."""
    return Campaign.read(PACKAGE / "campaign.toml")


@pytest.fixture(scope="session")
def words() -> WordLists:
    """The two word lists that come with Casedrop."""
    return WordLists.read()


@pytest.fixture(scope="session", autouse=True)
def memory_folder() -> Iterator[Path]:
    """A folder in memory, where each site's front has the keys of its form pages."""
    with (
        tempfile.TemporaryDirectory(prefix="casedrop-", dir="/dev/shm") as name,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("XDG_RUNTIME_DIR", name)
        yield Path(name)


@pytest.fixture(scope="session", autouse=True)
def any_machine_will_do() -> Iterator[None]:
    """How the machine that tests a drop is set up does not matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEDROP_LOCKDOWN_WAIVED", " ".join(WAIVED))
        yield


@pytest.fixture(scope="session", autouse=True)
def drops_have_small_quanta() -> Iterator[None]:
    """A vault then writes 23 MB at each of its starts, and not 137."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEDROP_VAULT_QUANTUM", str(QUANTUM))
        yield


@pytest.fixture(scope="session")
def made_up_settings(tmp_path_factory: pytest.TempPathFactory, keys_dir: Path) -> Settings:
    """Those of a site whose pages are in a made-up language, too, from right to left."""
    return make_settings(tmp_path_factory.mktemp("made-up"), keys_dir, add_to_site)


@pytest.fixture(scope="session")
def front_of(
    reviewer_homes: list[Path],
    reviewers: Reviewers,
    words: WordLists,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Settings], Front]:
    """Makes a front with such settings."""
    templates = made_once(tmp_path_factory, "templates", lambda _: None)

    def new(settings: Settings) -> Front:
        campaign = Campaign.read(settings.campaign)
        return make_front(settings, reviewer_homes, reviewers, campaign, words, templates)

    return new


@pytest.fixture
def front(new_front: Callable[[], Front]) -> Front:
    """A front with the cheapest derivation and small limits."""
    return new_front()


@pytest.fixture(scope="session")
def new_front(
    keys_dir: Path,
    reviewer_homes: list[Path],
    reviewers: Reviewers,
    campaign: Campaign,
    words: WordLists,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], Front]:
    """Makes such a front; all are of one site."""
    settings = make_settings(tmp_path_factory.mktemp("site"), keys_dir)
    templates = made_once(tmp_path_factory, "templates", lambda _: None)
    kept: list[Environment] = []

    def new() -> Front:
        made = make_front(settings, reviewer_homes, reviewers, campaign, words, templates)
        # Loaded templates know nothing of the front that renders them.
        if not kept:
            kept.append(made.app.jinja_env)
        made.app.jinja_env = kept[0]
        return made

    return new
