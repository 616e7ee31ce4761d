"""docs/texts.md: adding a language and checking it as the guide says, command by command."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po
from support.front import ONION, Front, make_settings
from support.made_up_language import TAG, in_another_language, made_up, write_catalog
from support.report_form import report_page, send

from dropbox.campaign import Campaign
from dropbox.catalog import originals
from dropbox.label import LANGUAGES
from dropbox.settings import Settings
from scripts import casedrop
from scripts.newsite import make_site

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "texts.md").read_text("utf-8")
# How the guide writes the language that is added.
ADDED = "ug"


def commands() -> list[str]:
    """The commands of the guide, in its order."""
    return [
        line
        for block in re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]


def settings_lines() -> str:
    """What the guide adds to a settings file."""
    return toml_block("[site]")


def toml_block(begin: str) -> str:
    """The guide's TOML that begins so."""
    blocks = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    (block,) = (one for one in blocks if one.startswith(begin))
    return str(block)


@pytest.fixture
def site(tmp_path: Path, keys_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the guide's commands are typed, with a site in var."""
    monkeypatch.chdir(tmp_path)
    make_site(tmp_path / "var", onion=ONION, keys=keys_dir)
    return tmp_path


def typed(line: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the guide, with the made-up language in place of the guide's."""
    line = re.sub(rf"\b{ADDED}\b", TAG, line)
    bin_folder = Path(sys.executable).parent
    here = line.replace(".venv-server/bin/", f"{bin_folder}/")
    return subprocess.run(
        ["/bin/sh", "-c", here],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )


def translate(path: Path) -> None:
    """What a translator does with the empty catalog."""
    with path.open("rb") as file:
        catalog = read_po(file)
    for message in catalog:
        if message.id and isinstance(message.id, str):
            message.string = made_up(message.id)
        elif message.id:
            message.string = tuple(made_up(one) for one in message.id)
    with path.open("wb") as file:
        write_po(file, catalog)


def add_to_settings(path: Path) -> None:
    """What the guide adds, in the sections that are there already, and the language's own table."""
    text = path.read_text("utf-8")
    added = re.sub(rf"\b{ADDED}\b", TAG, settings_lines())
    for section, lines in re.findall(r"^\[([a-z.]+)\]\n((?:(?!\[).+\n)*)", added, re.MULTILINE):
        if f"[{section}]\n" in text:
            text = text.replace(f"[{section}]\n", f"[{section}]\n{lines}")
        else:
            text += f"\n[{section}]\n{lines}"
    path.write_text(text, "utf-8")


@pytest.mark.slow
def test_the_guide_adds_a_language_as_it_is_written(site: Path) -> None:
    new, compiled, checked = commands()
    assert (site / "var" / "settings.toml").is_file()
    done = typed(new)
    assert (done.returncode, done.stderr) == (0, "")
    translate(site / f"{TAG}.po")
    (site / "var" / "catalogs").mkdir()
    assert typed(compiled).returncode == 0
    campaign = site / "var" / "campaign.toml"
    packaged = (ROOT / "dropbox" / "campaign.toml").read_text("utf-8")
    campaign.write_text(in_another_language(packaged, TAG, made_up), "utf-8")
    add_to_settings(site / "var" / "settings.toml")

    done = typed(checked)
    assert done.stderr == "" and done.returncode == 0
    assert f"{TAG}: every sentence is translated." in done.stdout
    assert re.search(r"The longest page is .* in qaa: \d\d,\d{3} of 45,056 bytes\.", done.stdout)
    settings = Settings.load({"CASEDROP_SETTINGS": str(site / "var" / "settings.toml")})
    assert settings.languages[-1] == TAG and TAG in Campaign.read(settings.campaign).languages


def test_an_empty_catalog_has_every_sentence_and_asks_for_no_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert casedrop.main(["texts", "--new", "kk-Arab"]) == 0
    printed = capsys.readouterr().out

    assert printed.count('\nmsgid "') == len(originals()) and "FULL NAME" not in printed
    assert '"Language: kk_Arab\\n"' in printed and '"Plural-Forms: nplurals=2; ' in printed
    assert "nplurals=6" in (casedrop.main(["texts", "--new", "ar"]), capsys.readouterr().out)[1]


@pytest.mark.parametrize("tag", ["../x", "EN", "", "x\ny"])
def test_what_is_no_tag_makes_no_catalog(tag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert casedrop.main(["texts", f"--new={tag}"]) == 2
    out, err = capsys.readouterr()

    assert out == "" and err.count("\n") == 1


def changed_site(site: Path, *, without: str = "", page_bytes: int = 45_056) -> Path:
    """Its settings file, with the made-up language."""
    file = site / "var" / "settings.toml"
    campaign = site / "var" / "campaign.toml"
    packaged = (ROOT / "dropbox" / "campaign.toml").read_text("utf-8")
    campaign.write_text(in_another_language(packaged, TAG, made_up), "utf-8")
    write_catalog(site / "var" / "catalogs", without=(without,))
    add_to_settings(file)
    text = file.read_text("utf-8").replace("page_bytes = 45056", f"page_bytes = {page_bytes}")
    file.write_text(text, "utf-8")
    return file


@pytest.mark.slow
def test_sentences_that_are_missing_are_listed(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = changed_site(site, without="Leave")
    assert casedrop.main(["texts", "--settings", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()

    at = lines.index(f"{TAG}: 1 of {len(originals())} sentences are shown in English:")
    assert lines[at + 1] == "  Leave" and lines[0] == "zh-Hans: every sentence is translated."


@pytest.mark.slow
def test_what_stops_a_start_is_said_with_exit_code_2(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = changed_site(site, page_bytes=36_864)
    assert casedrop.main(["texts", "--settings", str(file)]) == 2
    assert "set [limits] page_bytes to 45056 or more" in capsys.readouterr().err
    (site / "var" / "catalogs" / f"{TAG}.mo").write_bytes(b"no catalog")
    assert casedrop.main(["texts", "--settings", str(file)]) == 2
    assert "it is not a compiled catalog (.mo)." in capsys.readouterr().err


def test_the_guides_campaign_takes_reports_and_has_the_usual_reviewing(
    tmp_path: Path, keys_dir: Path, front_of: Callable[[Settings], Front]
) -> None:
    path = tmp_path / "dam.toml"
    path.write_text(toml_block('code = "dam-2026"'), "utf-8")
    settings = replace(make_settings(tmp_path / "var", keys_dir), campaign=path)
    front, campaign = front_of(settings), Campaign.read(path)

    with front.browser() as browser:
        for language in LANGUAGES:
            prefix = language.lower()
            assert campaign.title[language] in browser.get(f"/{prefix}/").text
            assert send(browser, report_page(browser, prefix), category="loss").status == 200

    assert [report.category for report in front.reports()] == ["loss"] * 3
    assert campaign.unsure == "unsure" and campaign.reviewing.codes("urgency")[-1] == "danger"
    assert [(one.code, one.kind) for one in campaign.reviewing.fields] == [("warned", "date")]
