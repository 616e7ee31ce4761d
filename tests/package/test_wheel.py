"""What pip installs from the built package: the pages in three languages, words, campaign, tables
and commands.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from babel.messages.pofile import read_po

from dropbox.codename import WordLists

ROOT = Path(__file__).parents[2]
PACKAGES = ("dropbox", "onion", "scripts")
# They belong to a checkout.
LEFT_OUT = ("scripts/rehearsal/", "scripts/release/")
# What the sources hold that no installed program reads.
UNREAD = (".po", ".md")


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environ, capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source package, built from a copy of the checkout without what was built in it."""
    place = tmp_path_factory.mktemp("sdist")
    hidden = {path.name for path in ROOT.iterdir() if path.name.startswith(".")}
    shutil.copytree(
        ROOT,
        place / "tree",
        ignore=lambda folder, names: (
            {"build", "var", "casedrop.egg-info", *hidden} & set(names)
            if Path(folder) == ROOT
            else {name for name in names if name == "__pycache__" or name.endswith(".mo")}
        ),
    )
    build = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    run(sys.executable, "-c", build, place / "out", cwd=place / "tree")
    [made] = (place / "out").iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source package without a network."""
    place = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", place / "out")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", *options, sdist, cwd=place)
    [made] = (place / "out").iterdir()
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with only the wheel, which sees the packages that the tests run with."""
    place = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", place / "venv", cwd=place)
    python = place / "venv" / "bin" / "python"
    options = ("--quiet", "--no-deps", "--no-index", "--no-compile")
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel, cwd=place)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = place / "venv" / "lib" / version / "site-packages"
    # Only appended to the path: what this folder's own .pth files name, the checkout, is not seen.
    (site / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return place / "venv"


def test_the_wheel_holds_every_module_and_all_that_programs_read(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.suffix not in (*UNREAD, ".mo")
    }
    catalogs = (ROOT / "dropbox" / "translations").rglob("*.po")
    expected |= {path.relative_to(ROOT).with_suffix(".mo").as_posix() for path in catalogs}
    expected |= {f"dropbox/templates/{path.name}" for path in (ROOT / "templates").iterdir()}

    assert held == {name for name in expected if not name.startswith(LEFT_OUT)}
    assert {PurePosixPath(name).parts[0] for name in held} == set(PACKAGES)


PAGES = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
import dropbox
from dropbox import data_files
from dropbox.campaign import Campaign
from dropbox.codename import WordLists
from dropbox.front.factory import create_front
from dropbox.front.shared_keys import SharedKeys
from dropbox.public_keys import PublicKeys
from dropbox.settings import Settings
from scripts.newsite import make_site

onion, place = "casedrop" * 7 + ".onion", Path(sys.argv[1])
site = make_site(place, onion=onion, keys=place)
settings = Settings.load({"CASEDROP_SETTINGS": str(site.settings_file)})
front = create_front(
    settings, intake=SimpleNamespace(charge=lambda what, **_: None), public_keys=PublicKeys([]),
    campaign=Campaign.read(settings.campaign), words=WordLists.read(),
    keys=SharedKeys.private(lambda: 1.8e9),
    clock=lambda: 1.8e9, step_seconds=0.0,
)
browser = front.test_client()
pages = {
    f"{language}/{page}": browser.get(f"/{language}/{page}", base_url=f"http://{onion}").get_data(as_text=True)
    for language in ("zh-hans", "zh-hant", "en") for page in ("", "bridges", "keys")
}
templates = str(data_files.templates())
print(json.dumps({"pages": pages, "package": dropbox.__file__, "templates": templates}))
"""


def test_the_front_shows_the_same_pages_as_in_a_checkout(installed: Path, tmp_path: Path) -> None:
    seen = {}
    for name, python, path in (
        ("installed", installed / "bin" / "python", ""),
        ("checkout", Path(sys.executable), f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"),
    ):
        (tmp_path / name).mkdir()
        code = path + PAGES
        seen[name] = json.loads(
            run(python, "-c", code, tmp_path / name / "site", cwd=tmp_path / name).stdout
        )
    pages = seen["installed"]["pages"]

    assert Path(seen["installed"]["package"]).is_relative_to(installed)
    assert Path(seen["installed"]["templates"]).is_relative_to(installed)
    assert seen["checkout"]["templates"] == str(ROOT / "templates")
    assert pages == seen["checkout"]["pages"]
    assert len(set(pages.values())) == 9
    title = "The reviewers’ keys"
    titles = {"en": title}
    for language, folder in (("zh-hans", "zh_Hans"), ("zh-hant", "zh_Hant")):
        catalog = ROOT / "dropbox" / "translations" / folder / "LC_MESSAGES" / "messages.po"
        with catalog.open("rb") as source:
            message = read_po(source).get(title)
            assert message is not None
            titles[language] = str(message.string)
    assert len(set(titles.values())) == 3
    for language, words in titles.items():
        assert f"<h1>{words}</h1>" in pages[f"{language}/keys"]


ROOMS = """
import json
from pathlib import Path
from dropbox.campaign import Campaign
from dropbox.codename import WordLists
from dropbox.settings import Settings
import scripts.ceremony.__main__, scripts.courier.__main__, scripts.desk.__main__, onion.__main__
from importlib.resources import files
sql = [len(files(p).joinpath(n).read_text()) for p, n in (
    ("scripts.desk.casebook", "schema.sql"), ("scripts.desk.search", "derived.sql"))]
print(json.dumps([WordLists.read().chinese, WordLists.read().english, sql]))
"""


def test_words_and_tables_are_there_and_each_room_can_be_entered(
    installed: Path, tmp_path: Path
) -> None:
    chinese, english, sql = json.loads(
        run(installed / "bin" / "python", "-c", ROOMS, cwd=tmp_path).stdout
    )

    assert english == WordLists.read().english
    assert list(map(tuple, chinese)) == WordLists.read().chinese
    assert min(sql) > 100


def test_every_command_says_its_version_and_how_it_is_used(installed: Path, tmp_path: Path) -> None:
    listed = (
        "from importlib.metadata import distribution as d; "
        "print(*(e.name for e in d('casedrop').entry_points))"
    )
    commands = run(installed / "bin" / "python", "-c", listed, cwd=tmp_path).stdout.decode().split()

    assert sorted(commands) == [
        "casedrop", "casedrop-ceremony", "casedrop-courier", "casedrop-desk",
    ]  # fmt: skip
    for command in commands:
        said = run(installed / "bin" / command, "--help", cwd=tmp_path)
        assert said.stdout.startswith(b"usage: ") and said.stderr == b""
        said = run(installed / "bin" / command, "--version", cwd=tmp_path)
        assert said.stdout.count(b"\n") == 1 and said.stderr == b""
    assert list(tmp_path.iterdir()) == []
