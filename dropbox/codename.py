"""The codename: eight ordinary words that are the only way back to an answer, and its keys.

Seven words are random (77 bits); the eighth is computed from them, so a typing mistake is found
before the slow hash and without asking a server. The codename *is* the sequence of the words'
indexes: typed in pinyin, in Chinese characters of either script, or in English, it is the same
codename.
"""

import hashlib
import itertools
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from nacl.public import PrivateKey
from nacl.pwhash import argon2id

from dropbox.errors import BadCodename, CasedropError

LIST_WORDS = 2_048  # 11 bits a word
RANDOM_WORDS = 7
WORDS = RANDOM_WORDS + 1
_BITS = 11
_PACKED_BYTES = 10  # 77 bits

# The lengths of a word in southern spelling, which may drop or add the h of both syllables and
# write n for ng.
_FEWEST_LETTERS, _MOST_LETTERS = 3, 14

# The longest input: eight words with numbers, in full-width forms, with generous separators.
MAX_CHARACTERS = 400

_FOLDER = Path(__file__).parent / "words"
_CHECK, _REPLY, _TAG_KEY, _WITHDRAW, _REPLY_SYMMETRIC = (
    b"cd1:check",
    b"cd1:reply",
    b"cd1:tag",
    b"cd1:withdraw",
    b"cd2:reply-symm",
)


class UnknownWord(BadCodename):
    """A word is not in the list."""

    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position  # from 1


class WrongCount(BadCodename):
    """A codename has eight words."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count


class WrongCheck(BadCodename):
    """These words do not belong together."""


class BadWordList(CasedropError):
    """A word list of Casedrop is damaged."""


@dataclass(frozen=True, repr=False)
class Codename:
    """RANDOM_WORDS indexes below LIST_WORDS. It has no repr: the words are the secret."""

    indexes: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.indexes) != RANDOM_WORDS or not all(
            0 <= index < LIST_WORDS for index in self.indexes
        ):
            raise BadCodename

    def packed(self) -> bytes:
        """The indexes as one big-endian number of 77 bits in 10 bytes."""
        number = 0
        for index in self.indexes:
            number = number << _BITS | index
        return number.to_bytes(_PACKED_BYTES, "big")

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """The codename of :meth:`packed`. Raises BadCodename."""
        number = int.from_bytes(packed, "big")
        if len(packed) != _PACKED_BYTES or number >> (_BITS * RANDOM_WORDS):
            raise BadCodename
        return cls(
            tuple(
                number >> _BITS * place & LIST_WORDS - 1 for place in reversed(range(RANDOM_WORDS))
            )
        )

    @property
    def check(self) -> int:
        """The index of the check word, which catches 2,047 of 2,048 mistakes."""
        digest = hashlib.blake2b(self.packed(), person=_CHECK, digest_size=8).digest()
        return int.from_bytes(digest, "big") % LIST_WORDS


def new_codename(choose: Callable[[int], int] = secrets.randbelow) -> Codename:
    """A fresh codename; *choose* returns a random number below its argument."""
    return Codename(tuple(choose(LIST_WORDS) for _ in range(RANDOM_WORDS)))


@dataclass(frozen=True)
class Cost:
    """Argon2id's memory in bytes and its number of passes; libsodium always uses one lane."""

    memory: int
    operations: int


# OWASP Password Storage Cheat Sheet, Argon2id's first configuration: 19 MiB, 2 passes, 1 lane.
COST = Cost(19 * 2**20, 2)
# libsodium's minimum, for tests.
CHEAPEST = Cost(argon2id.MEMLIMIT_MIN, argon2id.OPSLIMIT_MIN)


@dataclass(frozen=True, repr=False)
class CodenameKeys:
    """Keys derived from a codename, 32 bytes each: for replies an X25519 pair and a symmetric key,
    and two hash keys.
    """

    reply_private: bytes
    reply_public: bytes
    tag_key: bytes
    withdraw_key: bytes
    reply_symmetric: bytes


def derive_keys(codename: Codename, *, salt: bytes, cost: Cost = COST) -> CodenameKeys:
    """The keys of *codename* on the drop with this 16-byte *salt*. Never cached, never logged.

    Needs cost.memory bytes while it runs.
    """
    master = argon2id.kdf(
        32, codename.packed(), salt, opslimit=cost.operations, memlimit=cost.memory
    )
    reply, tag, withdraw, symmetric = (
        hashlib.blake2b(b"", key=master, person=label, digest_size=32).digest()
        for label in (_REPLY, _TAG_KEY, _WITHDRAW, _REPLY_SYMMETRIC)
    )
    return CodenameKeys(reply, bytes(PrivateKey(reply).public_key), tag, withdraw, symmetric)


# Sounds that speakers of southern dialects do not distinguish, even before a g that begins the next
# syllable, as in fang'gai.
_SOUTHERN = (
    ("zh", "z"),
    ("ch", "c"),
    ("sh", "s"),
    ("ngg", "ng"),
    ("ng", "n"),
    ("l", "n"),
    ("f", "h"),
    ("hui", "hei"),
)


def southern(pinyin: str) -> str:
    """*pinyin* with all sounds merged that some speakers do not distinguish."""
    for sound, same in _SOUTHERN:
        pinyin = pinyin.replace(sound, same)
    return pinyin


@dataclass(frozen=True, repr=False)
class Spelling:
    """One word as it is shown: the letters to type, and the Chinese characters ("" in English)."""

    typed: str
    hanzi: str


@dataclass(frozen=True, repr=False)
class WordLists:
    """Both lists, LIST_WORDS entries each: an index means the same word in both.

    ``chinese`` holds (pinyin, simplified, traditional); ``variants`` holds, for a character of a
    traditional word, the other forms in which it is also written. Raises BadWordList if a list is
    damaged.
    """

    chinese: Sequence[tuple[str, str, str]]
    english: Sequence[str]
    variants: Mapping[str, str] = field(default_factory=dict)
    _index: Mapping[str, int] = field(init=False)
    # Keyed by the sounds that southerners hear; no two words share them.
    _by_sound: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        index: dict[str, int] = {}
        for number, word in [
            *enumerate(self.english),
            *((n, w) for n, three in enumerate(self.chinese) for w in self._spellings(*three)),
        ]:
            if index.setdefault(word, number) != number:
                raise BadWordList("A word is twice in the word lists.")
        by_sound = {southern(pinyin): n for n, (pinyin, _, _) in enumerate(self.chinese)}
        if len(by_sound) != len(self.chinese) or by_sound.keys() & set(map(southern, self.english)):
            raise BadWordList("Two words differ only by sounds that southerners do not hear.")
        letters = [*self.english, *(pinyin for pinyin, _, _ in self.chinese)]
        hanzi = [word for _, *both in self.chinese for word in both]
        if len(self.english) != LIST_WORDS or len(self.chinese) != LIST_WORDS:
            raise BadWordList(f"A word list does not have {LIST_WORDS} words.")
        if set(letters) & {pinyin for pinyin, _, _ in self.chinese} & set(self.english):
            raise BadWordList("A word is in both word lists.")
        if not all(re.fullmatch("[a-z]{4,10}", word) for word in letters):
            raise BadWordList("A word to type does not consist of 4 to 10 letters a-z.")
        if not all(len(word) == 2 and all(map(_is_hanzi, word)) for word in hanzi):
            raise BadWordList("A Chinese word does not consist of two characters.")
        object.__setattr__(self, "_index", index)
        object.__setattr__(self, "_by_sound", by_sound)

    def _spellings(self, pinyin: str, simplified: str, traditional: str) -> set[str]:
        """The pinyin, and the characters in every form and in every mixture of both scripts."""
        forms = (
            {one, other, *self.variants.get(other, "")}
            for one, other in zip(simplified, traditional, strict=False)
        )
        return {pinyin, simplified, traditional, *map("".join, itertools.product(*forms))}

    def _find(self, untrusted: str) -> int | None:
        """The index of a word in any of its spellings, or None."""
        exact = self._index.get(untrusted)
        return exact if exact is not None else self._by_sound.get(southern(untrusted))

    @classmethod
    def read(cls, folder: Path = _FOLDER) -> Self:
        """Read the lists of *folder*. Raises BadWordList."""
        try:
            chinese = [
                tuple(line.split("\t"))
                for line in (folder / "zh.txt").read_text("utf-8").splitlines()
            ]
            english = (folder / "en.txt").read_text("utf-8").splitlines()
            variants = {
                usual: "".join(others)
                for usual, *others in (
                    line.split()
                    for line in (folder / "variants.txt").read_text("utf-8").splitlines()
                    if not line.startswith("#")
                )
            }
            return cls([(pinyin, hans, hant) for pinyin, hans, hant in chinese], english, variants)
        except (OSError, ValueError):
            raise BadWordList from None

    def spell(self, codename: Codename, language: str) -> tuple[Spelling, ...]:
        """The WORDS words of *codename*, check word last, in *language*: zh-Hans, zh-Hant or en."""
        indexes = (*codename.indexes, codename.check)
        if language == "en":
            return tuple(Spelling(self.english[index], "") for index in indexes)
        script = 2 if language == "zh-Hant" else 1
        return tuple(
            Spelling(self.chinese[index][0], self.chinese[index][script]) for index in indexes
        )

    def read_codename(self, untrusted: str) -> Codename:
        """The codename that somebody typed, in any of its spellings.

        Raises UnknownWord with its position, WrongCount, or WrongCheck; none of them contains what
        was typed.
        """
        pieces = _pieces(untrusted[:MAX_CHARACTERS])
        letters = "".join(pieces)
        if readings := self._readings(letters, self._index.get):
            return readings[0]
        if readings := self._readings(letters, self._find):
            return readings[0]
        known = self._known(pieces)
        if len(known) == 2 * WORDS and known[::2] == known[1::2] and None not in known:
            # Copied in both spellings, letters and characters.
            known = known[::2]
        if None not in known and len(known) == WORDS:
            # Also for words in southern spelling, and for those that were copied twice.
            words = [index for index in known if index is not None]
            if (codename := Codename(tuple(words[:RANDOM_WORDS]))).check == words[RANDOM_WORDS]:
                return codename
        if len(known) != WORDS:
            raise WrongCount(len(known))
        for position, index in enumerate(known, 1):
            if index is None:
                raise UnknownWord(position)
        raise WrongCheck

    def contains_codename(self, text: str) -> bool:
        """Whether *text* contains a whole codename, separated or run together, in linear time."""
        pieces = _pieces(text)
        known = [self._find(piece) for piece in pieces]
        without_repeats = [
            index for at, index in enumerate(known) if at == 0 or index != known[at - 1]
        ]
        hanzi = [
            [run[at : at + 2] for at in range(start, len(run) - 1, 2)]
            for run in pieces
            if _is_hanzi(run[0])
            for start in (0, 1)
        ]
        if any(
            self._has_codename(row)
            for row in (
                known,
                without_repeats,
                *([self._index.get(two) for two in run] for run in hanzi),
            )
        ):
            return True
        # Eight words without spaces.
        return any(
            _FEWEST_LETTERS * WORDS <= len(run) <= _MOST_LETTERS * WORDS
            and bool(self._readings(run, self._find))
            for run in pieces
        )

    @staticmethod
    def _has_codename(row: Sequence[int | None]) -> bool:
        """Whether WORDS consecutive indexes in *row* are a codename with its check word."""
        for at in range(len(row) - RANDOM_WORDS):
            words = [index for index in row[at : at + WORDS] if index is not None]
            if (
                len(words) == WORDS
                and Codename(tuple(words[:RANDOM_WORDS])).check == words[RANDOM_WORDS]
            ):
                return True
        return False

    def _known(self, pieces: Sequence[str]) -> list[int | None]:
        """The index of each word, or None; two pieces that form one word are joined."""
        known: list[int | None] = []
        at = 0
        while at < len(pieces):
            joined = self._find("".join(pieces[at : at + 2]))
            alone = self._find(pieces[at])
            if alone is None and joined is not None and at + 1 < len(pieces):
                known.append(joined)
                at += 2
            else:
                known.append(alone)
                at += 1
        return known

    @staticmethod
    def _readings(letters: str, find: Callable[[str], int | None]) -> list[Codename]:
        """Every codename spelled by *letters*, without separators; nearly always one or none."""
        readings: dict[int, list[tuple[int, ...]]] = {0: [()]}
        for end in range(1, len(letters) + 1):
            readings[end] = [
                (*prefix, index)
                for length in range(2, min(end, _MOST_LETTERS) + 1)
                if readings[end - length]
                and (index := find(letters[end - length : end])) is not None
                for prefix in readings[end - length]
                if len(prefix) < WORDS
            ]
        found = (
            {reading for reading in readings[len(letters)] if len(reading) == WORDS}
            if letters
            else set()
        )
        codenames = [
            (Codename(reading[:RANDOM_WORDS]), reading[RANDOM_WORDS]) for reading in sorted(found)
        ]
        return [codename for codename, check in codenames if codename.check == check]


def _is_hanzi(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


def _pieces(text: str) -> list[str]:
    """The runs of letters and of Chinese characters in *text*, lower case, without tone marks."""
    return re.findall(r"[a-z]+|[\u3400-\u9fff\U00020000-\U0003ffff]+", "".join(_folded(text)))


def _folded(text: str) -> Iterable[str]:
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    for character in folded:
        # Tone marks and the apostrophe between syllables are not separators.
        if not unicodedata.combining(character) and character not in "'’":
            yield character
