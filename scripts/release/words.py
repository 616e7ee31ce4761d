"""Builds both codename word lists: words chosen by hand, as far as the rules allow them.

    python -m scripts.release.words            write dropbox/words/zh.txt and en.txt
    python -m scripts.release.words --check    say whether they are what the sources give

dropbox/words/README.md has the rules and the sources with their licences. chosen_*.txt there hold
the words to choose from, exclude_*.txt those that are never used, and variants.txt the other forms
of traditional characters.
"""

import argparse
import heapq
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from dropbox.codename import southern

WORDS = 2_048
FOLDER = Path(__file__).resolve().parents[2] / "dropbox" / "words"

_PINYIN_LENGTHS = range(4, 11)
_ENGLISH_LENGTHS = range(5, 11)
# No two English words begin with the same six letters, and no word of five letters begins another:
# they would be twins of one stem.
_STEM = 6
# In a chosen_*.txt, what follows it is taken only when the words before it are used up.
_SECOND_CHOICE = "---"
# GB 2312's first level, the 3,755 common characters, in rows 16 to 55.
_COMMON = range(0xB0, 0xD8)
# Characters that pypinyin lists with several readings although only the first is in use today.
_ONE_READING = frozenset(
    "草石果车肉鞋灯鸟片冰沙红白泥包汤虾房桃土谷窗青胶枝野园味盒柴帘滑墨机跳棋蚕耳母柜池鹿陶洞眼芦葱平食"
    "筋末块拼盖暖洗插袜脚雀蛾漆溪积蕉栗甘百喜腊丁蹄汽路褥肥拖夹羽刺筒蝶化月泵典景印苹葡芒柠橙番南苦芋粥"
    "酪零棍醋冷餐碟波客窖屏服帕絮挎渠茧幼庄猎杜家昆蛙胆灌芭蓝瀑淡穴激承达皿桅铅蜡句童言事陀扑叭戏足排拍"
    "游跑方半术胞杠大角地尾种被干度体兔虫尺虹合数底提斗勺核单刻秤谜扁挑比扳芥胳膊梢钥匙担脉蕊凿卷荔龙樱榴"
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


def excluded(name: str) -> tuple[set[str], set[str], set[str]]:
    """What the file *name* excludes: words, characters (on lines that begin with ``*``), and words
    that no word may sound like (``=``).
    """
    words: set[str] = set()
    characters: set[str] = set()
    heard: set[str] = set()
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        content = line.partition("#")[0]
        if content.startswith("*"):
            characters.update(content[1:].replace(" ", ""))
        elif content.startswith("="):
            heard.update(content[1:].split())
        else:
            words.update(content.split())
    return words, characters, heard


def common(word: str) -> bool:
    """Whether everybody knows the characters of *word*: all are in GB 2312's first level."""
    return all(
        len(code) == 2 and code[0] in _COMMON
        for code in (character.encode("gb2312", "replace") for character in word)
    )


def toneless(word: str) -> str:
    """The usual reading of *word*, without tones."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - needed only for building

    return "".join(lazy_pinyin(word, style=Style.NORMAL, v_to_u=True))


def _reading(word: str) -> str:
    """The word's toneless reading in a-z, "" if there are several or one has other letters."""
    from pypinyin import Style, lazy_pinyin, pinyin  # noqa: PLC0415 - needed only for building

    for character, read in zip(
        word, lazy_pinyin(word, style=Style.NORMAL, v_to_u=True), strict=True
    ):
        readings = pinyin(character, style=Style.NORMAL, heteronym=True, v_to_u=True)[0]
        if len(set(readings)) > 1 and (character not in _ONE_READING or readings[0] != read):
            return ""
    joined = toneless(word)
    return joined if joined.isascii() and joined.isalpha() else ""


def _chosen(name: str) -> Iterator[tuple[int, str]]:
    """(0 for first or 1 for second choice, word) of the file *name*, each word once."""
    choice, met = 0, set[str]()
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        if line == _SECOND_CHOICE:
            choice = 1
        for word in line.partition("#")[0].split():
            if word not in met and word != _SECOND_CHOICE:
                met.add(word)
                yield choice, word


def _far_apart(
    words: Sequence[tuple[int, str, str]],
    marks: Callable[[str, str], Iterable[str]],
    near: Callable[[tuple[int, str, str], tuple[int, str, str]], bool],
) -> list[tuple[int, str, str]]:
    """As many of *words* (choice, typed, written) as possible without two that are near each other,
    first choices before the others. Only words that share a mark are compared.

    The word with the fewest near ones is taken first and these are dropped, and so on.
    """
    sharing: dict[str, list[int]] = {}
    for number, (_, typed, written) in enumerate(words):
        for mark in set(marks(typed, written)):
            sharing.setdefault(mark, []).append(number)
    others: list[set[int]] = [set() for _ in words]
    for numbers in sharing.values():
        for at, one in enumerate(numbers):
            for other in numbers[at + 1 :]:
                if other not in others[one] and near(words[one], words[other]):
                    others[one].add(other)
                    others[other].add(one)
    left = set(range(len(words)))
    taken: list[tuple[int, str, str]] = []
    waiting = [(words[number][0], len(others[number]), number) for number in left]
    heapq.heapify(waiting)
    while waiting:
        _, count, number = heapq.heappop(waiting)
        if number not in left or count != len(others[number] & left):
            continue
        taken.append(words[number])
        gone = {number} | others[number] & left
        left -= gone
        for one in {other for out in gone for other in others[out] & left}:
            heapq.heappush(waiting, (words[one][0], len(others[one] & left), one))
    return taken


def chinese() -> list[tuple[str, str, str]]:
    """(pinyin, simplified, traditional) of WORDS words, sorted by pinyin."""
    from opencc import OpenCC  # noqa: PLC0415 - needed only for building

    frequency = {
        word: int(count)
        for word, count, _ in (
            line.split(" ") for line in _source("jieba", "dict.txt").splitlines()
        )
    }
    words, characters, heard = excluded("exclude_zh.txt")
    never = {southern(toneless(word)) for word in heard}
    candidates = [
        (choice, typed, word)
        for choice, word in _chosen("chosen_zh.txt")
        if len(set(word)) == 2
        and word in frequency
        and word not in words
        and not characters & set(word)
        and common(word)
        and len(typed := _reading(word)) in _PINYIN_LENGTHS
        and southern(typed) not in never
    ]
    found = _far_apart(
        candidates,
        lambda typed, written: [*near(typed), "=" + southern(typed), "".join(sorted(written))],
        lambda one, other: (
            distance(one[1], other[1]) < 2
            or southern(one[1]) == southern(other[1])
            or one[2] == other[2][::-1]
        ),
    )
    found.sort(key=lambda word: (word[0], -frequency[word[2]], word[1]))
    if len(found) < WORDS:
        raise SystemExit(f"Only {len(found)} Chinese words are left.")
    to_traditional = OpenCC("s2tw").convert
    return sorted((typed, word, usual(to_traditional(word))) for _, typed, word in found[:WORDS])


# OpenCC's forms, and what people in Taiwan and Hong Kong write instead.
_USUAL = str.maketrans("溼柺佈揹綵剷伕傢盃樑釦絃巖", "濕拐布背彩鏟夫家杯梁扣弦岩")
_USUAL_WORDS = {"姜塊": "薑塊", "家俱": "家具", "錘鍊": "錘煉", "鍊鋼": "煉鋼", "鍊鐵": "煉鐵"}


def usual(form: str) -> str:
    """The traditional *form* that opencc gives, as it is usually written."""
    form = form.translate(_USUAL)
    return _USUAL_WORDS.get(form, form)


def _source(package: str, path: str) -> str:
    """A text file of an installed package, read without importing the package."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"The package {package} is not installed.")
    return (Path(found.submodule_search_locations[0]) / path).read_text("utf-8")


def twins(one: str, other: str) -> bool:
    """Whether two English words share a stem, so that people might confuse them."""
    shorter = min(len(one), len(other), _STEM)
    return one[:shorter] == other[:shorter]


def english(taken: Iterable[str]) -> list[str]:
    """WORDS words, sorted, none of which can be mistaken for one of *taken*, the pinyin forms."""
    known = {*_source("mnemonic", "wordlist/english.txt").split()}
    known |= {*_source("xkcdpass", "static/eff-long").split()}
    spelled = known | {*_source("xkcdpass", "static/legacy").split()}
    words, _, _ = excluded("exclude_en.txt")
    pinyin = {mark for typed in taken for mark in near(typed)}
    heard = {southern(typed) for typed in taken}
    candidates = [
        (choice, word, word)
        for choice, word in _chosen("chosen_en.txt")
        if word in spelled
        and word not in words
        and len(word) in _ENGLISH_LENGTHS
        and not set(near(word)) & pinyin
        and southern(word) not in heard
    ]
    found = _far_apart(
        candidates,
        lambda typed, _: [*near2(typed), "=" + typed[: _STEM - 1]],
        lambda one, other: distance(one[1], other[1]) < 3 or twins(one[1], other[1]),
    )
    found.sort(key=lambda word: (word[0], word[1] not in known, word[1]))
    if len(found) < WORDS:
        raise SystemExit(f"Only {len(found)} English words are left.")
    return sorted(word for _, word, _ in found[:WORDS])


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
