"""Links between cases that may be about one thing: the same file, the same or nearly the same text.

Cases are linked, never merged. Two texts are nearly the same if they share enough character 3-grams
(Jaccard), which needs no word segmenter, and if those cover nearly all of either text: two people
who quote one notice, or fill in one form, also have words of their own. Candidates come from
MinHash signatures cut into bands (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive
Datasets, chapter 3) and are then compared gram by gram.
"""

import hashlib
import json
import struct
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

from scripts.desk.case import Part
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search.derived import Register
from scripts.desk.search.folding import letters

_VERSION = 4
_TABLES = ("link", "same_text", "band", "same_file")
FILE, TEXT, NEAR = "file", "text", "near"
# Measured on the sample cases: any two of the eight share at most 4 % of their 3-grams. A copy in
# which one character in ten was replaced keeps 57 % (0.9**3 of either side), a copy with a tenth of
# it rewritten in one position 80 %.
NEAR_JACCARD = 0.4
# The share of either text that the other's 3-grams must cover: they cover at least 80 % of a copy
# with a tenth altered, wherever it was altered. So a claimant who quotes a notice and adds a third
# as much in their own words is not linked to everybody else who quotes it.
NEAR_SHARE = 0.75
# A shorter text ("thank you", "see the file") means nothing, and reading more of a longer one costs
# time without adding information. Two sentences about one kind of event are similar by chance, so
# the limit for nearly the same text is longer than that for the same text.
LEAST_LETTERS, LEAST_NEAR, MOST_LETTERS = 20, 40, 2_000
# A text that thousands have pasted is linked to this many earlier cases of each kind, not to all.
MOST_LINKS = 20
# 32 bands of 3 rows: of pairs with 57 % in common 99.8 % meet in a band, with 80 % all of them,
# with 4 % one in 500.
_BANDS, _ROWS = 32, 3
_BINS = _BANDS * _ROWS
# Odd, of 64 bits, and fixed, because the casebook keeps what is computed with them.
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
# A band's key is a hash of its bins. It need not be a strong one: texts that were made to collide
# are still compared gram by gram.
_BAND_BYTES = 8 * _ROWS
_MOST_IN_BAND, _MOST_COMPARED = 64, 24
_KEYS = ", ".join("?" * _BANDS)
_IN_BANDS = f"SELECT part FROM band WHERE key IN ({_KEYS}) LIMIT ?"  # noqa: S608 - ours alone
_FIRST_IN_BANDS = (
    "SELECT (SELECT json_group_array(part) FROM "
    "(SELECT part FROM band WHERE key = wanted.value ORDER BY part LIMIT ?2)) "
    "FROM json_each(?1) AS wanted"
)
_EMPTY_FILE = hashlib.sha256(b"").hexdigest()
_STEP = 256

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Link:
    """Another case with the same file or text, or nearly the same text (``percent`` in common)."""

    other: int
    why: str
    percent: int


def grams(text: str) -> frozenset[str]:
    """The character 3-grams of the first MOST_LETTERS of a folded text; none if it is too short."""
    if len(text) < LEAST_LETTERS:
        return frozenset()
    cut = text[:MOST_LETTERS]
    return frozenset([cut[index : index + 3] for index in range(len(cut) - 2)])


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of the union of both that both contain; 0 if they have nothing in common."""
    common = len(one & other)
    return common / (len(one) + len(other) - common) if common else 0.0


def share(text: str, other: frozenset[str]) -> float:
    """The share of the characters of a folded text that the 3-grams *other* cover."""
    cut = text[:MOST_LETTERS]
    covered = bytearray(len(cut))
    for index in range(len(cut) - 2):
        if cut[index : index + 3] in other:
            covered[index : index + 3] = b"\1\1\1"
    return sum(covered) / max(1, len(covered))


def likeness(text: str, mine: frozenset[str], other: str) -> float:
    """The share of either folded text that is in the other; 0 if they are not similar enough.

    *mine* are the grams of *text*.
    """
    theirs = grams(other)
    if min(len(text), len(other)) < LEAST_NEAR or jaccard(mine, theirs) < NEAR_JACCARD:
        return 0.0
    common = min(share(text, theirs), share(other, mine))
    return common if common >= NEAR_SHARE else 0.0


def _hashes(text: str) -> Sequence[int]:
    """A 32-bit hash of each 3-gram of *text*.

    It is the upper half of a sum of products (Dietzfelbinger 1996). All are computed at once, in
    one large number with 128 bits for each character: a loop in Python would take longer than all
    the rest.
    """
    lanes = array("I", bytes(16 * len(text)))
    lanes[::4] = array("I", text.encode("utf-32-le"))
    characters = int.from_bytes(lanes.tobytes(), "little")
    sums = sum((characters >> 128 * lane) * factor for lane, factor in enumerate(_FACTORS))
    return array(
        "I", (sums & (1 << 128 * (len(text) - 2)) - 1).to_bytes(16 * (len(text) - 2), "little")
    )[1::4]


def bands(text: str) -> list[int]:
    """The keys under which folded texts with many grams in common are likely to meet.

    *text* must have grams. Each gram is hashed once, and each of _BINS bins keeps the least hash;
    an empty bin takes that of the next full one, marked by the distance (one permutation hashing:
    Li, Owen, Zhang 2012; its densification by rotation: Shrivastava, Li 2014).
    """
    # From the largest to the smallest, so that the smallest is set last and stays.
    least = {
        value % _BINS: value for value in sorted(set(_hashes(text[:MOST_LETTERS])), reverse=True)
    }
    backwards, far = list[int](), min(least)
    next_full = least[far]
    for index in range(_BINS - 1, -1, -1):
        far += 1
        if index in least:
            far, next_full = 0, least[index]
        backwards.append(next_full + (far << 32))
    packed = struct.pack(f"<{_BINS}Q", *reversed(backwards))
    rows = (packed[band * _BAND_BYTES : (band + 1) * _BAND_BYTES] for band in range(_BANDS))
    return [crc32(row, band) for band, row in enumerate(rows)]


def catch_up(casebook: Casebook, progress: Progress | None = None) -> None:
    """Link what came since the last call to what was there before.

    *progress* gets (done, total) items.
    """
    database = casebook.database
    links = Links(casebook, Register(database, "duplicates", version=_VERSION, tables=_TABLES))
    ends = {
        "part": casebook.last_part(),
        "attachment": database.execute("SELECT coalesce(max(rowid), 0) FROM attachment").fetchone()[
            0
        ],
    }
    begins = {source: links.register.upto(source) for source in ends}
    total, done = sum(ends.values()) - sum(begins.values()), 0
    for source, take in (("part", links.take_parts), ("attachment", links.take_files)):
        for after in range(begins[source], ends[source], _STEP):
            upto = min(after + _STEP, ends[source])
            with links.register.taking(source, upto):
                take(after, upto)
            done += upto - after
            if progress is not None:
                progress(done, total)


class Links:
    """Links new parts and files to earlier ones, inside the register's transaction."""

    def __init__(self, casebook: Casebook, register: Register) -> None:
        self.register = register
        self._casebook = casebook
        self._database = casebook.database

    def take_parts(self, after: int, upto: int) -> None:
        """Link the parts with the numbers after *after*, up to *upto*."""
        for number in range(after + 1, upto + 1):
            self._take_part(self._casebook.part(number))

    def _take_part(self, part: Part) -> None:
        text = letters(part.report.text)
        if len(text) < LEAST_LETTERS:
            return  # too short to mean anything
        sha256 = hashlib.sha256(text.encode()).digest()
        same = self._others('SELECT "case" FROM same_text WHERE sha256 = ?', sha256, part.case)
        self._link(part.case, same, TEXT)
        self._database.execute("INSERT OR IGNORE INTO same_text VALUES (?, ?)", [sha256, part.case])
        keys = bands(text)
        self._link_near(part, text, keys)
        self._database.conn.executemany(
            "INSERT OR IGNORE INTO band VALUES (?, ?)", [(key, part.number) for key in keys]
        )

    def _link_near(self, part: Part, text: str, keys: Sequence[int]) -> None:
        met = self._met(keys)
        mine = grams(text) if met else frozenset()
        near: dict[int, list[int]] = {}
        for number, _count in met.most_common(_MOST_COMPARED):
            other = self._casebook.part(number)
            other_text = letters(other.report.text)
            # The same text is linked as such, or is one of too many.
            if (
                other.case != part.case
                and other_text != text
                and (common := likeness(text, mine, other_text))
            ):
                near.setdefault(other.case, []).append(int(100 * common))
        for percent, case in sorted((-max(each), case) for case, each in near.items())[:MOST_LINKS]:
            self._link(part.case, [case], NEAR, -percent)

    def _met(self, keys: Sequence[int]) -> Counter[int]:
        """The parts in these bands, and in how many each is; from a full band only the first
        parts.
        """
        found = self._database.execute(_IN_BANDS, [*keys, _MOST_IN_BAND + 1]).fetchall()
        if len(found) <= _MOST_IN_BAND:
            return Counter(number for (number,) in found)
        met: Counter[int] = Counter()
        for (numbers,) in self._database.execute(
            _FIRST_IN_BANDS, [json.dumps(keys), _MOST_IN_BAND]
        ):
            met.update(json.loads(numbers))
        return met

    def take_files(self, after: int, upto: int) -> None:
        """Link the cases of the opened files with the row numbers after *after*, up to *upto*."""
        found = self._database.execute(
            'SELECT part."case", attachment.sha256 FROM attachment '
            "JOIN part ON part.number = attachment.part "
            "WHERE attachment.rowid > ? AND attachment.rowid <= ? ORDER BY attachment.rowid",
            [after, upto],
        )
        for case, sha256 in found.fetchall():
            if sha256 != _EMPTY_FILE:
                self._link(
                    case,
                    self._others('SELECT "case" FROM same_file WHERE sha256 = ?', sha256, case),
                    FILE,
                )
                self._database.execute(
                    "INSERT OR IGNORE INTO same_file VALUES (?, ?)", [sha256, case]
                )

    def _others(self, select: str, sha256: str | bytes, case: int) -> list[int]:
        """The first cases, but *case*, that have this hash."""
        found = self._database.execute(
            f'{select} AND "case" <> ? ORDER BY "case" LIMIT ?', [sha256, case, MOST_LINKS]
        )
        return [other for (other,) in found]

    def _link(self, case: int, others: Iterable[int], why: str, percent: int = 100) -> None:
        for other in others:
            row = [max(case, other), min(case, other), why, percent]
            self._database.execute(
                'INSERT INTO link VALUES (?, ?, ?, ?) ON CONFLICT ("case", other, why) '
                "DO UPDATE SET percent = max(percent, excluded.percent)",
                row,
            )


def links_of(casebook: Casebook, case: int, *, without: Collection[int] = ()) -> list[Link]:
    """The cases to which *case* is linked, by number, except those *without*.

    There are at most MOST_LINKS earlier ones of each kind, but all later ones that were linked to
    it.
    """
    catch_up(casebook)
    found = casebook.database.execute(
        'SELECT other, why, percent FROM link WHERE "case" = ? UNION ALL '
        'SELECT "case", why, percent FROM link WHERE other = ? ORDER BY 1, 2',
        [case, case],
    )
    return [Link(*row) for row in found if row[0] not in without]


def linked(
    casebook: Casebook, cases: Iterable[int], *, without: Collection[int] = ()
) -> dict[int, int]:
    """The number of cases to which each of *cases* is linked, not counting those *without*.

    Links that a reviewer denied do not count. Cases without a link are left out.
    """
    catch_up(casebook)
    wanted = json.dumps(list(cases))
    denied = json.dumps(list(casebook.link_decisions.denied()))
    found = casebook.database.execute(
        "WITH wanted AS (SELECT value AS number FROM json_each(?)) "
        "SELECT number, count(DISTINCT other) FROM ("
        'SELECT number, other FROM wanted JOIN link ON link."case" = number UNION ALL '
        'SELECT number, "case" FROM wanted JOIN link ON link.other = number) '
        "WHERE other NOT IN (SELECT value FROM json_each(?)) AND (number, other) NOT IN "
        "(SELECT value ->> 0, value ->> 1 FROM json_each(?)) GROUP BY number",
        [wanted, json.dumps(list(without)), denied],
    )
    return dict(found.fetchall())
