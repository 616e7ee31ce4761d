"""What reviewers type of facts, and what other desks' rows say they rest on."""

from datetime import date
from pathlib import Path

from dropbox import campaign
from dropbox.campaign import Campaign
from dropbox.report import Attachment, Report
from fuzz.target import Target, bounded_time
from scripts.desk.case import Case, Part
from scripts.desk.casebook.facts import CONTACT, EVENT, PARTY
from scripts.desk.facts import dates, sources, toml_forms
from scripts.desk.facts.dates import BadDate, FactDate
from scripts.desk.facts.extent import Extent
from scripts.desk.facts.fact_errors import FactError
from scripts.desk.facts.filled_in import Known, fact_said
from scripts.desk.facts.sources import Source, Sources
from scripts.desk.facts.toml_forms import Form, Printed

_DAY = date(2026, 11, 24)
_KINDS = (EVENT, PARTY, CONTACT)
_CAMPAIGN = Campaign.read(Path(campaign.__file__).parent / "campaign.toml")
_FILE = Attachment("一.png", "image/png", 5, "0" * 64, bytes(32), 1, 100)
_PART = Part(
    1,
    1,
    b"b" * 16,
    _DAY,
    1,
    Report("report", "wechat-2020", "zh-Hans", "c1", (), "一", (_FILE,), bytes(32), bytes(32)),
)
_CASE = Case(1, "K7-QX4M", bytes(32), bytes(32), (_PART,))
_ENTRY = "P" + "7" * 9
_KNOWN = Known(_CAMPAIGN.reviewing, Sources(_CASE, ()), lambda *_: Extent(2, 3), [_ENTRY])


def fact_form(data: bytes) -> Form:
    """A byte for the kind, and a form. FactError, or the form, in whose name nothing is kept that
    a correction's form does not give back.
    """
    kind = _KINDS[data[0] % 3] if data else EVENT
    with bounded_time():
        form = toml_forms.read(data[1:], kind)
        said, _ = fact_said(form, kind, _KNOWN, entry=_ENTRY, reviewer="F" * 40, today=_DAY)
    printed = Printed(_CASE.name, said, 1)
    blank = toml_forms.blank(kind, printed, _CAMPAIGN, "zh-Hant", _KNOWN.sources, "")
    again = toml_forms.read(blank.encode(), kind)
    assert again.case == _CASE.name and (again.entry, again.version) == (_ENTRY, 1)
    once_more, _ = fact_said(again, kind, _KNOWN, entry=_ENTRY, reviewer="F" * 40, today=_DAY)
    assert once_more == said, "a correction's form says something else than what was entered"
    return form


def fact_date(data: bytes) -> FactDate:
    """A date as it is typed. BadDate, or a date that its one notation gives again."""
    with bounded_time():
        read = dates.parse(data.decode("utf-8", "replace"))
    assert dates.parse(read.written) == read == dates.read(read.written)
    assert read.first is None or read.last is None or read.first <= read.last
    assert isinstance(read.order, tuple) and all(map(read.shown, ("en", "zh-Hans")))
    return read


def kept_source(data: bytes) -> Source | None:
    """What a row of another desk says: a source that is written the same, or None."""
    written = data.decode("utf-8", "replace")
    read = sources.read(written)
    assert read is None or read.written == written
    assert _KNOWN.sources.shown(written, "en")
    _KNOWN.sources.values(written)
    return read


def _blank(of: str, /, **filled: str) -> bytes:
    """A form of this kind with some of its fields filled in."""
    form = toml_forms.blank(of, Printed(_CASE.name), _CAMPAIGN, "en", _KNOWN.sources, "Ann")
    for name, value in filled.items():
        line = next(one for one in form.splitlines() if one.startswith(f"{name} = "))
        form = form.replace(line, f"{name} = {value}")
    return bytes([_KINDS.index(of)]) + form.encode()


FACT_FORM = Target(
    fact_form,
    (FactError,),
    [
        _blank(
            EVENT,
            when='"约2019年3月"',
            kind='"ev.notice"',
            text='"【虚构】通知"',
            parties='["P7777"]',
            file="1",
            page="2",
        ),
        _blank(PARTY, names='["腾讯", "Tencent"]', kind='"organisation"', role='"platform"'),
        _blank(CONTACT, when='"2026-11-20"', channel='"phone"', text='"""a\nb"""'),
        b"\0case = 'K7-QX4M'\nwhen = '2019'\nkind = 'ev.other'\ntext = 'x'\n",
    ],
    8_192,
    words=[
        *(b'when = "', b'names = ["', b"part = 1\n", b"line = 3\n", b"take_back = true\n"),
        *(b"[[", b'"""', b"\\u0000", b"2019-02-29", b"..", "至".encode(), "\u2028".encode()),
    ],
)
FACT_DATE = Target(
    fact_date,
    (BadDate,),
    [
        one.encode()
        for one in ("2019-03-15", "~2019-03", "2019..2020-02", "<1900", "> 2100", "2019年3月左右")
    ]
    + [b"between 2019 and 2020", "不详".encode(), "２０１９年".encode()],
    200,
    words=[b"about ", "约".encode(), "之前".encode(), b"..", b"-", b"2019", "年".encode()],
)
KEPT_SOURCE = Target(
    kept_source,
    (),
    [
        b"",
        b"part " + b"62" * 16 + b" line 3",
        b"file " + b"0" * 64 + b" page 2 line 9999999",
        b"answer " + b"ab" * 32,
    ],
    400,
    words=[b" page ", b" line ", b"file ", b"1", "１".encode(), b"\n"],
)
