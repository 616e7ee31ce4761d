"""`translate`: adds a gist or translation beside a text of a case, or lists texts and
translations.
"""

import argparse

from scripts.desk.casebook.translations import GIST, TRANSLATION
from scripts.desk.given_text import read_text
from scripts.desk.identity import own_case, today, viewer, working
from scripts.desk.options import add_case, add_json
from scripts.desk.screen.output import print_json, print_rich
from scripts.desk.screen.translation_tables import texts_table, translation_values
from scripts.desk.translating import (
    GIST_CHARACTERS,
    TRANSLATION_BYTES,
    TranslationError,
    add_translation,
    text_of,
    texts_of,
)

HELP = "add a gist or a translation beside a text of a case, or list its texts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_case(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--part", type=int, metavar="N", help="of which part, as listed; by default the first"
    )
    which.add_argument("--answer", type=int, metavar="N", help="or of which answer")
    parser.add_argument(
        "--gist",
        metavar="FILE",
        help=f"a file with one line of at most {GIST_CHARACTERS} characters, or - for standard "
        "input",
    )
    parser.add_argument(
        "--translation", metavar="FILE", help="a file with the whole text, or - for standard input"
    )
    parser.add_argument(
        "--into", default="en", metavar="LANGUAGE", help="its language, by default en"
    )
    parser.add_argument(
        "--machine",
        default="",
        metavar="NAME",
        help="the program that made it; without this, you made it by hand",
    )
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Add a gist or translation, or list the texts with those added before."""
    # Read before the casebook is locked, because somebody may still be typing it.
    given = _given(asked)
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        texts = texts_of(casebook, case)
        if given:
            name, number = ("answer", asked.answer) if asked.answer else ("part", asked.part or 1)
            text = text_of(texts, name, number)
            with casebook.together():
                for kind, words in given.items():
                    add_translation(
                        casebook,
                        case,
                        text,
                        words,
                        kind=kind,
                        language=asked.into,
                        machine=asked.machine,
                        today=today(),
                    )
        else:
            casebook.viewed(case)
        current, reader = casebook.translations.current(case.number), viewer(casebook, "en")
    if asked.json:
        print_json(translation_values(texts, current, reader))
    elif given:
        kinds = " and the ".join(given)
        print(f"The {kinds} of {name} {number} of {case.name} is kept beside the original.")
    else:
        print_rich(texts_table(texts, current, reader))


def _given(asked: argparse.Namespace) -> dict[str, str]:
    """The gist or translation given, by kind. Raises TranslationError."""
    files = {GIST: asked.gist, TRANSLATION: asked.translation}
    if asked.gist == asked.translation == "-":
        raise TranslationError("Only one of gist and translation can be on standard input.")
    return {
        kind: read_text(name, TRANSLATION_BYTES, f"The {kind}")
        for kind, name in files.items()
        if name is not None
    }
