"""Builds both codename word lists from word sources on PyPI: the same sources, the same files.

    python -m scripts.release.words            write dropbox/words/zh.txt and en.txt
    python -m scripts.release.words --check    say whether they are what the sources give

dropbox/words/README.md lists the sources and licences, dropbox/words/exclude_*.txt the words that
are left out by hand.
"""

import argparse
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

WORDS = 2_048
FOLDER = Path(__file__).resolve().parents[2] / "dropbox" / "words"

# The least frequency in jieba's corpus: not everybody knows rarer words.
_LEAST_FREQUENCY = 50
# jieba's part-of-speech tags: nouns first, because one can picture them, then verbs and adjectives.
# Names have other tags.
_KINDS = (("n", "t"), ("v", "vn", "a", "an", "ad"))
_PINYIN_LENGTHS = range(4, 11)
_ENGLISH_LENGTHS = range(5, 10)

# Sounds that speakers of southern dialects do not distinguish.
_ACCENT = (
    ("zh", "z"),
    ("ch", "c"),
    ("sh", "s"),
    ("ng", "n"),
    ("l", "n"),
    ("f", "h"),
    ("hui", "hei"),
)


def near(word: str) -> Iterator[str]:
    """*word* itself and with each letter left out: words that are one edit apart share one."""
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def near2(word: str) -> set[str]:
    """*word* with up to two letters left out: words that are two edits apart share one."""
    return {shorter for once in near(word) for shorter in near(once)}


def distance(first: str, second: str) -> int:
    """The edit distance (insert, delete, replace) between two words."""
    row = list(range(len(second) + 1))
    for i, one in enumerate(first, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(second, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (one != other))
    return row[-1]


class Apart:
    """Collects words, except those nearer than *least* edits (2 or 3) to one it has."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._marks = near2 if least > 2 else lambda word: set(near(word))
        self._taken: dict[str, list[str]] = {}

    def take(self, word: str) -> bool:
        """Take *word* if it is far enough from all taken before. Returns whether it was."""
        marks = self._marks(word)
        if any(
            distance(word, other) < self._least
            for mark in marks
            for other in self._taken.get(mark, ())
        ):
            return False
        for mark in marks:
            self._taken.setdefault(mark, []).append(word)
        return True


def excluded(name: str) -> tuple[set[str], set[str]]:
    """The words and (on lines that begin with ``*``) characters that the file *name* excludes."""
    words: set[str] = set()
    characters: set[str] = set()
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        content = line.partition("#")[0]
        if content.startswith("*"):
            characters.update(content[1:].replace(" ", ""))
        else:
            words.update(content.split())
    return words, characters


def accent(pinyin: str) -> str:
    """*pinyin* with all sounds merged that some speakers do not distinguish."""
    for sound, same in _ACCENT:
        pinyin = pinyin.replace(sound, same)
    return pinyin


def _reading(word: str) -> str:
    """The word's toneless reading in a-z, "" if there are several or one has other letters."""
    from pypinyin import Style, lazy_pinyin, pinyin  # noqa: PLC0415 - needed only for building

    readings = (pinyin(character, style=Style.NORMAL, heteronym=True)[0] for character in word)
    if any(len(set(several)) > 1 for several in readings):
        return ""
    joined = "".join(lazy_pinyin(word, style=Style.NORMAL, v_to_u=True))
    return joined if joined.isascii() and joined.isalpha() else ""


def chinese() -> list[tuple[str, str, str]]:
    """(pinyin, simplified, traditional) of WORDS words, sorted by pinyin."""
    from opencc import OpenCC  # noqa: PLC0415 - needed only for building

    to_traditional, words, characters = OpenCC("s2t"), *excluded("exclude_zh.txt")
    apart, sounds, chosen, hanzi = Apart(2), set[str](), [], set[str]()
    for word in _jieba_words():
        if word in words or characters & set(word) or word[0] == word[1]:
            continue
        typed = _reading(word)
        written = {word, to_traditional.convert(word)}
        if (
            len(typed) not in _PINYIN_LENGTHS
            or accent(typed) in sounds
            or hanzi & written
            or not apart.take(typed)
        ):
            continue
        sounds.add(accent(typed))
        hanzi |= written
        chosen.append((typed, word, to_traditional.convert(word)))
        if len(chosen) == WORDS:
            return sorted(chosen)
    raise SystemExit(f"Only {len(chosen)} Chinese words are left.")


def _source(package: str, path: str) -> str:
    """A text file of an installed package, read without importing the package."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"The package {package} is not installed.")
    return (Path(found.submodule_search_locations[0]) / path).read_text("utf-8")


def _jieba_words() -> list[str]:
    """Two-character words by part of speech, the most frequent ones first."""
    entries = []
    for line in _source("jieba", "dict.txt").splitlines():
        word, frequency, kind = line.split(" ")
        rank = next((number for number, kinds in enumerate(_KINDS) if kind in kinds), None)
        if (
            len(word) == 2
            and rank is not None
            and int(frequency) >= _LEAST_FREQUENCY
            and word.isalpha()
        ):
            entries.append((rank, -int(frequency), word))
    return [word for _, _, word in sorted(entries)]


def english(taken: Iterable[str]) -> list[str]:
    """WORDS words, sorted, none of which is in *taken* or one edit away from it."""
    words, _ = excluded("exclude_en.txt")
    pinyin = {mark for typed in taken for mark in near(typed)}
    apart, chosen = Apart(3), []
    for word in _english_words():
        if (
            word in words
            or len(word) not in _ENGLISH_LENGTHS
            or not word.isalpha()
            or set(near(word)) & pinyin
        ):
            continue
        if apart.take(word):
            chosen.append(word)
            if len(chosen) == WORDS:
                return sorted(chosen)
    raise SystemExit(f"Only {len(chosen)} English words are left.")


def _english_words() -> list[str]:
    """BIP39's words, the most common ones, then EFF's long list; shorter words first in each."""
    bip39 = _source("mnemonic", "wordlist/english.txt").split()
    eff = _source("xkcdpass", "static/eff-long").split()
    return [
        *sorted(bip39, key=lambda word: (len(word), word)),
        *sorted(eff, key=lambda word: (len(word), word)),
    ]


def built() -> dict[str, str]:
    """The contents of both files by name."""
    zh = chinese()
    en = english(typed for typed, _, _ in zh)
    return {
        "zh.txt": "".join(f"{a}\t{b}\t{c}\n" for a, b, c in zh),
        "en.txt": "".join(word + "\n" for word in en),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Build or check. Returns 1 when the files differ from what the sources give."""
    parser = argparse.ArgumentParser(
        prog="build_words", description="Builds the codename word lists."
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing, say whether the files are current"
    )
    asked = parser.parse_args(arguments)
    for name, content in built().items():
        path = FOLDER / name
        if asked.check and path.read_text("utf-8") != content:
            print(f"{path} is not what the sources give.", file=sys.stderr)
            return 1
        if not asked.check:
            path.write_text(content, "utf-8")
    print(f"{WORDS} words in each list.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
