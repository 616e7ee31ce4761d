"""The pages' sentences in one language: reading a catalog, and refusing one that is not safe.

A catalog is a compiled gettext file (.mo) of an operator's own. Its translations go into pages as
they are, so one that is more than plain text, or that has other placeholders than its sentence, is
refused before the first page is shown. A sentence without a translation is shown in English.
"""

import gettext
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import write_po

from dropbox import data_files
from dropbox.errors import CatalogError
from dropbox.label import ENGLISH, LANGUAGES, is_printable, is_tag
from dropbox.language import Language
from dropbox.settings import Settings
from dropbox.system_error import explained

_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
# Characters that would end a text or an attribute of a page, or begin something else in it.
_MARKUP = re.compile('[<>&"]')
# No sentence of ours is half as long; a page has to hold any of them.
_CHARACTERS = 2_000
# How much of a sentence an error's text quotes.
_QUOTED = 60
# The plural rule is tried for every number below this one.
_NUMBERS = 300
# Put around values in a sentence: they keep their own direction and do not affect what is around
# them.
_ISOLATE, _END = "\u2068", "\u2069"

# The key of one form of a sentence: the English sentence for one thing, and the form's number.
_Form = tuple[str, int]


@dataclass(frozen=True)
class Sentences:
    """The pages' sentences in one language.

    ``texts`` has the translation of each form of an English sentence that has one; ``form`` gives
    the number of the form for a number of things.
    """

    texts: Mapping[_Form, str]
    form: Callable[[int], int]
    direction: str

    def ugettext(self, sentence: str) -> str:
        """*sentence* in this language, else in English."""
        found = self.texts.get((sentence, 0))
        return self._directed(found or sentence, is_english=found is None)

    def ungettext(self, one: str, many: str, number: int) -> str:
        """The sentence *one*, or *many*, for *number* things, in this language, else in English."""
        found = self.texts.get((one, self.form(number)))
        return self._directed(found or (one if number == 1 else many), is_english=found is None)

    def _directed(self, sentence: str, *, is_english: bool) -> str:
        if self.direction == "ltr":
            return sentence
        sentence = _PLACEHOLDER.sub(rf"{_ISOLATE}\g<0>{_END}", sentence)
        return f"{_ISOLATE}{sentence}{_END}" if is_english else sentence


def read_catalogs(settings: Settings, languages: Mapping[str, Language]) -> Mapping[str, Sentences]:
    """The pages' sentences in each of *languages*.

    Raises CatalogError, naming the file and the sentence, for a catalog that cannot be used.
    """
    return {tag: _sentences(settings, language) for tag, language in languages.items()}


def missing(settings: Settings, tag: str) -> list[str]:
    """The English sentences that the catalog of *tag* does not translate. Raises CatalogError."""
    texts = _forms(_loaded(_path(settings, tag)))
    return [forms[0] for forms in originals() if (forms[0], 0) not in texts]


def empty_catalog(tag: str) -> str:
    """A catalog (.po) of all sentences, for the language *tag*. Raises CatalogError if that is not
    one.
    """
    if not is_tag(tag):
        raise CatalogError(f"{tag!r} is no language tag; one looks like ug, zh-Hans or kk-Arab-CN.")
    named = tag.replace("-", "_")
    catalog = Catalog(named, fuzzy=False)
    for forms in originals():
        catalog.add(forms if len(forms) > 1 else forms[0])
    written = BytesIO()
    write_po(written, catalog, width=0, omit_header=True)
    # Not Babel's header, which asks for the translator's name.
    header = (
        "Project-Id-Version: Casedrop",
        f"Language: {named}",
        f"Plural-Forms: {catalog.plural_forms}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    )
    lines = "".join(f'"{line}\\n"\n' for line in header)
    return f'msgid ""\nmsgstr ""\n{lines}\n{written.getvalue().decode("utf-8")}'


@cache
def originals() -> tuple[tuple[str, ...], ...]:
    """The English sentences of all pages, each with its form for many if it has one."""
    # Every sentence is in each catalog that Casedrop comes with.
    found = _loaded(_packaged(LANGUAGES[0]))
    return tuple(_strings(message.id) for message in found if message.id)


def _sentences(settings: Settings, language: Language) -> Sentences:
    if language.tag == ENGLISH:
        return Sentences({}, lambda number: 0, language.direction)
    if language.tag in LANGUAGES:
        catalog = _loaded(_packaged(language.tag))
    else:
        path = _path(settings, language.tag)
        catalog = _loaded(path)
        _check(catalog, path, language.tag)
    return Sentences(_forms(catalog), gettext.c2py(catalog.plural_expr), language.direction)


def _packaged(tag: str) -> Path:
    return data_files.translations() / tag.replace("-", "_") / "LC_MESSAGES" / "messages.mo"


def _path(settings: Settings, tag: str) -> Path:
    return (settings.catalogs or Path()) / f"{tag}.mo"


def _loaded(path: Path) -> Catalog:
    try:
        with path.open("rb") as file:
            catalog = read_mo(file)
        gettext.c2py(catalog.plural_expr)
    except OSError as why:
        # Babel's own error, for a file that is not a catalog, has the number 0.
        reason = explained(why) if why.errno else "it is not a compiled catalog (.mo)."
    except UnicodeDecodeError:
        reason = "it is not in UTF-8."
    except (ValueError, IndexError, struct.error):
        reason = "it is damaged, or its plural forms are."
    else:
        return catalog
    raise CatalogError(f"The catalog {path} cannot be read: {reason}") from None


def _strings(value: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _forms(catalog: Catalog) -> dict[_Form, str]:
    """The translations by form, without those that are empty."""
    found = {}
    for message in catalog:
        ids, texts = _strings(message.id), _strings(message.string)
        # Where there are several forms, Babel compiles the English ones in place of empty ones.
        if not message.id or message.context or (len(ids) > 1 and set(texts) <= set(ids)):
            continue
        found.update({(ids[0], number): text for number, text in enumerate(texts) if text})
    return found


def _check(catalog: Catalog, path: Path, tag: str) -> None:
    """Raise CatalogError unless the translations in *catalog* can be shown on a page."""
    named = catalog.locale_identifier
    if named and named.replace("_", "-").lower() != tag.lower():
        raise CatalogError(f"The catalog {path} says that its language is {named}, not {tag}.")
    form = gettext.c2py(catalog.plural_expr)
    if not all(0 <= form(number) < catalog.num_plurals for number in range(_NUMBERS)):
        raise CatalogError(f"The catalog {path} has fewer plural forms than its rule gives.")
    texts = _forms(catalog)
    for forms in originals():
        found = [texts.get((forms[0], number), "") for number in range(catalog.num_plurals)]
        needed = found if len(forms) > 1 else found[:1]
        fault = "lacks one of its plural forms" if any(needed) and not all(needed) else None
        for text in filter(None, needed):
            fault = fault or _fault(text, forms[-1])
        if fault:
            quoted = forms[0] if len(forms[0]) <= _QUOTED else forms[0][:_QUOTED] + "…"
            raise CatalogError(f'The catalog {path}: the translation of "{quoted}" {fault}.')


def _fault(text: str, sentence: str) -> str | None:
    """Why *text* cannot be shown in place of *sentence*, as the end of a sentence, or None."""
    wanted, given = set(_PLACEHOLDER.findall(sentence)), set(_PLACEHOLDER.findall(text))
    if wanted - given:
        return f"lacks {min(wanted - given)}"
    if given - wanted:
        return f"has {min(given - wanted)}, which its sentence does not have"
    if "%" in _PLACEHOLDER.sub("", text):
        return "has a % that begins no placeholder"
    if _MARKUP.search(text):
        return 'has one of < > & ", which are not text on a page; use other quotation marks'
    if not is_printable(text):
        return "has a line break, or an invisible character that can reorder the text"
    return f"is longer than {_CHARACTERS} characters" if len(text) > _CHARACTERS else None
