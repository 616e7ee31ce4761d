"""Files with nearly the same text when read by machine: one screenshot, sent twice or by two
people.

The method is that of :mod:`scripts.desk.search.similar`, over transcripts instead of reports. A
screenshot that was cut, shrunk or photographed has other bytes than the first, but nearly the same
text. Likeness is computed file by file when a case is shown; only the bands in which files meet are
stored.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search.derived import Register
from scripts.desk.search.folding import letters
from scripts.desk.search.similar import LEAST_NEAR, MOST_LINKS, Progress, bands, grams, likeness
from scripts.desk.transcripts.transcript import Transcript

_VERSION = 1
_TABLES = ("reading", "reading_band", "reading_stale")
_UPON = ("reading_stale_noted", "reading_translation_noted")
_STEP = 200
_MOST_MET, _MOST_COMPARED = 500, 24
_WITH_TRANSCRIPTS = (
    "SELECT \"case\" FROM translation WHERE kind = 'transcript' UNION "
    'SELECT "case" FROM desk_row JOIN case_name USING (characters) '
    "WHERE kind = 'translation' AND \"row\" ->> 'kind' = 'transcript'"
)


class AlikeFile(NamedTuple):
    """The file ``sha256`` of case ``case`` (a number), and how much text they have in common."""

    case: int
    sha256: str
    percent: int


def catch_up(casebook: Casebook, progress: Progress | None = None) -> None:
    """Take in transcripts made since the last call. *progress* gets (done, total) cases."""
    register = _register(casebook)
    stale = register.stale()
    if not stale:
        return
    found = casebook.database.execute(_WITH_TRANSCRIPTS)
    with_transcripts = {case for (case,) in found}.intersection(stale)
    for first in range(0, len(stale), _STEP):
        cases = stale[first : first + _STEP]
        with register.taking_stale(cases):
            for case in with_transcripts.intersection(cases):
                _take(casebook, case)
        if progress is not None and with_transcripts:
            progress(min(first + _STEP, len(stale)), len(stale))


def _register(casebook: Casebook) -> Register:
    return Register(
        casebook.database,
        "readings",
        version=_VERSION,
        tables=_TABLES,
        stale="reading_stale",
        upon=_UPON,
    )


def _take(casebook: Casebook, case: int) -> None:
    database = casebook.database
    database.execute(
        'DELETE FROM reading_band WHERE reading IN (SELECT number FROM reading WHERE "case" = ?)',
        [case],
    )
    database.execute('DELETE FROM reading WHERE "case" = ?', [case])
    for sha256, text in _texts(casebook, case):
        number = database.execute(
            'INSERT INTO reading ("case", file) VALUES (?, ?)', [case, sha256]
        ).lastrowid
        database.conn.executemany(
            "INSERT OR IGNORE INTO reading_band VALUES (?, ?)",
            [(key, number) for key in bands(text)],
        )


def _texts(casebook: Casebook, case: int) -> Iterator[tuple[str, str]]:
    """The folded texts of those files of *case* that have enough text, by SHA-256."""
    for sha256, one in casebook.translations.transcripts(case).items():
        transcript = Transcript.from_text(one.text)
        text = letters(transcript.text) if transcript is not None else ""
        if len(text) >= LEAST_NEAR:
            yield sha256, text


def alike_files(
    casebook: Casebook, case: int, *, without: Collection[int] = ()
) -> dict[str, list[AlikeFile]]:
    """By the SHA-256 of each file of *case*: other files with nearly the same text, the most
    similar first; at most MOST_LINKS for each. Files of the cases *without* are left out.
    """
    catch_up(casebook)
    texts = {case: dict(_texts(casebook, case))}
    found: dict[str, list[AlikeFile]] = {}
    for sha256, text in texts[case].items():
        mine = grams(text)
        near = []
        for other, file in _met(casebook, text, case, sha256, without):
            if other not in texts:
                texts[other] = dict(_texts(casebook, other))
            if percent := int(100 * likeness(text, mine, texts[other].get(file, ""))):
                near.append(AlikeFile(other, file, percent))
        if near:
            near.sort(key=lambda one: (-one.percent, one.case, one.sha256))
            found[sha256] = near[:MOST_LINKS]
    return found


def _met(
    casebook: Casebook, text: str, case: int, sha256: str, without: Collection[int]
) -> Iterator[tuple[int, str]]:
    """The other files that share most bands with *text*: their case and SHA-256."""
    rows = casebook.database.execute(
        'SELECT reading."case", reading.file FROM reading_band '
        "JOIN reading ON reading.number = reading_band.reading "
        "WHERE key IN (SELECT value FROM json_each(?)) LIMIT ?",
        [json.dumps(bands(text)), _MOST_MET],
    )
    met = Counter((other, file) for other, file in rows if other not in without)
    # The same file in another case is linked as such.
    return (
        one
        for one, _ in met.most_common(_MOST_COMPARED)
        if one != (case, sha256) and one[1] != sha256
    )
