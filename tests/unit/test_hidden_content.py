"""What holds a claimant's words, or a secret, does not show them when somebody prints it.

A dataclass writes all its fields into every message and traceback that it is part of.
"""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator

import dropbox.front
from dropbox.front.pages import Pages

HIDDEN = {
    "dropbox.codename": {"Codename", "CodenameKeys", "Spelling", "WordLists"},
    "dropbox.day_key": {"DayKey"},
    "dropbox.front.form_token": {"FormState"},
    "dropbox.front.forms": {"OpenedToken"},
    "dropbox.front.intake": {"Draft", "ReceivedReply"},
    "dropbox.front.photo_sealing": {"Photo"},
    "dropbox.front.submission": {"PostedPage", "Question", "Refusal"},
    "dropbox.front.uploads": {"ReceivedForm"},
    "dropbox.hpke": {"SecretKey"},
    "dropbox.reply": {"Reply"},
    "dropbox.report": {"Attachment", "Report"},
    "scripts.desk.case": {"Answer", "Case", "FileOfPart", "Part"},
    "scripts.desk.outbox.writing": {"Letter"},
    "scripts.desk.review.judgement": {"Judgement", "Layer", "Reviews"},
    "scripts.desk.search.finding": {"Answered", "Found"},
    "scripts.desk.search.summary": {"Outline"},
    "scripts.desk.split_files": {"SplitFile"},
}


def dataclasses_of(module: str) -> Iterator[type]:
    for found in vars(importlib.import_module(module)).values():
        is_dataclass = isinstance(found, type) and dataclasses.is_dataclass(found)
        if is_dataclass and found.__module__ == module:
            yield found


def hidden(module: str) -> set[str]:
    return {one.__name__ for one in dataclasses_of(module) if "__repr__" not in vars(one)}


def test_a_dataclass_with_content_shows_none_of_it() -> None:
    assert {module: names & hidden(module) for module, names in HIDDEN.items()} == HIDDEN


def test_nothing_in_the_front_shows_its_content() -> None:
    modules = [name for _, name, _ in pkgutil.iter_modules(dropbox.front.__path__)]
    shown = {
        one
        for name in modules
        if name != "wsgi"  # which starts the front
        for one in dataclasses_of(f"dropbox.front.{name}")
        if "__repr__" in vars(one)
    }

    assert shown == {Pages}
