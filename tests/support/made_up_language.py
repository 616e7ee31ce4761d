"""A language that nobody speaks: English in Hebrew letters, from right to left and a third longer.

It shows where a page takes a language for granted; no translation is needed, and none is shipped.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo

from dropbox import data_files
from dropbox.label import LANGUAGES

# A code for private use (ISO 639-2): Babel knows nothing about it, and never will.
TAG = "qaa"
NAME = "צלקית"
_LETTERS = "אבגדהוזחטיכלמנסעפצקרשת"
_KEPT = re.compile(r"(%\(\w+\)[sd])")
# A campaign's texts for reviewers begin with this line.
_REVIEWERS = "\n[review]\n"


def made_up(english: str) -> str:
    """*english* in the made-up language, with its placeholders, digits and signs."""
    parts = _KEPT.split(english)
    return "".join(
        part if _KEPT.fullmatch(part) else re.sub("[A-Za-z]+", _word, part) for part in parts
    )


def _word(found: re.Match[str]) -> str:
    word = found[0].lower()
    letters = [_LETTERS[(ord(letter) - ord("a")) % len(_LETTERS)] for letter in word]
    # A word of up to two letters stays as short as it is.
    return "".join(letters + letters[: (len(letters) + 1) // 3])


def sentences() -> list[str | tuple[str, str]]:
    """Every English sentence of the pages, in pairs if it has a plural."""
    path = data_files.translations() / "zh_Hans" / "LC_MESSAGES" / "messages.mo"
    with path.open("rb") as file:
        return [
            message.id if isinstance(message.id, str) else (message.id[0], message.id[1])
            for message in read_mo(file)
            if message.id
        ]


def write_catalog(
    folder: Path,
    tag: str = TAG,
    *,
    translate: Callable[[str], str] = made_up,
    without: Iterable[str] = (),
) -> Path:
    """Write the catalog of *tag* into *folder*, *without* the translations of some sentences."""
    folder.mkdir(exist_ok=True)
    catalog = Catalog()
    for one in sentences():
        if isinstance(one, str):
            catalog.add(one, "" if one in without else translate(one))
        else:
            catalog.add(one, tuple("" if one[0] in without else translate(text) for text in one))
    path = folder / f"{tag}.mo"
    with path.open("wb") as file:
        write_mo(file, catalog)
    return path


def in_another_language(campaign: str, tag: str, translate: Callable[[str], str]) -> str:
    """The text of a campaign file with what claimants read in one more language."""
    claimants, review, reviewers = campaign.partition(_REVIEWERS)

    def add(found: re.Match[str]) -> str:
        between = "\n" if found[0].startswith("\n") else ", "
        return f'{found[0]}{between}{tag} = "{translate(found[1])}"'

    return re.sub(r'(?:^|[ \n])en = "([^"]*)"', add, claimants) + review + reviewers


# What the made-up texts need; English ones need less than the length that is the default.
PAGE_BYTES = 45_056


def add_to_site(settings_file: Path, page_bytes: int = PAGE_BYTES) -> Path:
    """Add the made-up language to a new site, as the last one. Returns its campaign's file."""
    folder = settings_file.parent
    write_catalog(folder / "catalogs")
    campaign = folder / "campaign.toml"
    packaged = (data_files.PACKAGE / "campaign.toml").read_text("utf-8")
    campaign.write_text(in_another_language(packaged, TAG, made_up), "utf-8")
    site = (
        "[site]",
        f"languages = {[*LANGUAGES, TAG]}",
        'catalogs = "catalogs"',
        'campaign = "campaign.toml"',
        "",
    )
    text = settings_file.read_text("utf-8").replace("[site]\n", "\n".join(site))
    table = f'[language.{TAG}]\nname = "{NAME}"\ndirection = "rtl"\n'
    settings_file.write_text(f"{text}\n{table}\n[limits]\npage_bytes = {page_bytes}\n", "utf-8")
    return campaign
