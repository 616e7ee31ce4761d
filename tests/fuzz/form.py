"""What a browser sends: the posted form, its token, and the text in its fields."""

import io
import json
import re
from pathlib import Path
from typing import Any

from dropbox import campaign
from dropbox.campaign import Campaign
from dropbox.codename import Codename, WordLists
from dropbox.errors import BadAnswer, BadCodename, CannotSeal, TooLarge, VaultUnavailable
from dropbox.front.form_token import ForgedToken, FormState, FormTokens, StaleToken
from dropbox.front.personal_data import ACCOUNT, EMAIL, IDENTITY, PHONE, find_personal_data
from dropbox.front.shared_keys import SharedKeys
from dropbox.front.uploads import Busy, ReceivedForm, receive
from dropbox.label import LANGUAGES
from dropbox.report import Attachment
from fuzz.target import Target, bounded_time

ROOM = 16_384

# The first byte of an input of posted_form: the state of the server when it arrives.
SMALL_LIMIT, BREAKS, TOO_LARGE, ONE_PLACE, ONE_FILE, UNFINISHED, PIECES = 1, 2, 4, 8, 16, 32, 64
_PIECE = 61


class Line:
    """A connection that delivers its bytes in pieces and counts them."""

    def __init__(self, body: bytes, piece: int) -> None:
        self._body = io.BytesIO(body)
        self._piece = piece
        self.given = 0

    def readinto(self, memory: memoryview) -> int:
        """At most a piece."""
        size = self._body.readinto(memory[: self._piece])
        self.given += size
        return size


class Sealing:
    """A sealer that checks the order in which it is called."""

    def __init__(self, flags: int) -> None:
        self._flags = flags
        self.data = b""
        self.finished = self.aborted = False

    def write(self, data: bytes | memoryview) -> int:
        """As AttachmentSealer, with the errors that stop sealing."""
        assert not self.finished and not self.aborted, "written to after its end"
        self.data += data
        if self._flags & BREAKS and len(self.data) > 10:
            raise CannotSeal
        if self._flags & TOO_LARGE and len(self.data) > 20:
            raise TooLarge
        return len(data)

    def finish(self, *, name: str, type: str) -> Attachment:
        """As AttachmentSealer; the vault may be gone by now."""
        assert not self.finished and not self.aborted, "finished after its end"
        if self._flags & UNFINISHED:
            raise VaultUnavailable
        self.finished = True
        return Attachment(name, type, len(self.data), "0" * 64, bytes(32), 1, 100)

    def abort(self) -> None:
        """As AttachmentSealer."""
        self.aborted = True


def posted_form(data: bytes) -> None:
    """Flags, a line with the content type, a body.

    A value always: receive() raises nothing for what was sent. Every file that was begun was either
    finished or given up, no more is read than the limits allow, and a form with the line breaks of
    a browser says the same in one piece and in many.
    """
    flags, (kind, _, body) = data[:1], data[1:].partition(b"\n")
    one = _received(flags[0] if flags else 0, kind.decode("latin-1"), body, len(body) + 1)
    many = _received(flags[0] if flags else 0, kind.decode("latin-1"), body, _PIECE)
    if flags and not flags[0] & SMALL_LIMIT and _as_browsers_write(body):
        assert one == many, "cut otherwise, the same form says something else"


def _as_browsers_write(body: bytes) -> bool:
    """Only whole line breaks, and one before each delimiter: otherwise two readings are equally
    valid.
    """
    rest = body.replace(b"\r\n", b"")
    return not {*b"\r\n"} & {*rest} and not re.search(rb"[^\n]\r\n\r\n--", body)


def _received(flags: int, kind: str, body: bytes, piece: int) -> tuple[object, ...]:
    limit = 512 if flags & SMALL_LIMIT else 10**6
    line, opened = Line(body, piece), list[Sealing]()

    def open_sealer() -> Sealing:
        if flags & ONE_PLACE and opened:
            raise Busy
        opened.append(Sealing(flags))
        return opened[-1]

    received = receive(
        line,
        kind,
        limit_bytes=limit,
        files_left=lambda texts: 1 if flags & ONE_FILE else 10,
        open_sealer=open_sealer,
    )
    _hold(received, opened)
    assert line.given <= 3 * limit + 2 * piece
    return (
        sorted(received.texts.items(multi=True)),
        [(file.name, file.type, file.size) for file in received.attachments],
        [sealing.data for sealing in opened if sealing.finished],
        received.troubles,
    )


def _hold(received: ReceivedForm, opened: list[Sealing]) -> None:
    assert all(sealing.finished != sealing.aborted for sealing in opened), (
        "a file is finished or given up, never both or neither"
    )
    assert sum(sealing.finished for sealing in opened) == len(received.attachments)
    assert all(len(name) <= 64 for name in received.texts), "a name of any length is kept"
    assert len(received.troubles) == len(set(received.troubles))


_TYPE = b"multipart/form-data; boundary=B"


def _part(disposition: bytes, value: bytes, more: bytes = b"") -> bytes:
    return (
        b"--B\r\nContent-Disposition: form-data; "
        + disposition
        + b"\r\n"
        + more
        + b"\r\n"
        + value
        + b"\r\n"
    )


_TEXT = _part(b'name="text"', "一些文字".encode())
_FILE = _part(b'name="files"; filename="a.png"', b"\x89PNG" * 16, b"Content-Type: image/png\r\n")
_NONE = _part(b'name="files"; filename=""', b"", b"Content-Type: application/octet-stream\r\n")
_STAR = _part(b"name*=UTF-8''%E4%B8%80; filename*=UTF-8''C%3A%5Cb.txt", b"x")
_END = b"--B--\r\n"
_FORMS = [
    _TEXT + _FILE + _END,
    _NONE + _END,
    _STAR + _FILE + _FILE + _END,
    _FILE[:-20],
    _TEXT * 3,
    _END,
    b"x\r\n" + _TEXT + _END,
]

POSTED_FORM = Target(
    posted_form,
    (),
    [
        bytes([flags]) + _TYPE + b"\n" + form
        for form in _FORMS
        for flags in (0, SMALL_LIMIT, BREAKS | ONE_FILE, 60)
    ],
    4_096,
    words=[
        b"--B\r\n",
        _END,
        b"\r\n\r\n",
        b"Content-Disposition: form-data; ",
        b'; filename="',
        b"name=",
        b"filename*=",
        b"UTF-8''",
        b"%0D",
    ],
)

_PAGE, _NOW, _LIFETIME = "report", 1_790_000_000, 7_200
_KEYS = SharedKeys.private(lambda: _NOW)
_FILE_ENTRY = Attachment("一.png", "image/png", 5, "0" * 64, bytes(32), 1, 100)
_STATE = FormState(Codename((1, 2, 3, 4, 5, 6, 7)), bytes(16))
STATES = [_STATE, _STATE.after_asking(), _STATE.with_files((_FILE_ENTRY,) * 2)]


def _tokens(now: int) -> FormTokens:
    return FormTokens(_KEYS, lifetime_seconds=_LIFETIME, clock=lambda: now)


def form_token(data: bytes) -> FormState:
    """A returned token.

    ForgedToken, StaleToken, or a state; any state, even stale, is one that was sealed.
    """
    try:
        state = _tokens(_NOW).open(_PAGE, data.decode("utf-8", "replace"))
    except StaleToken as stale:
        assert stale.state in STATES, "a stale token holds a state that was never sealed"
        raise
    assert state in STATES, "a token holds a state that was never sealed"
    return state


FORM_TOKEN = Target(
    form_token,
    (ForgedToken, StaleToken),
    [
        *(_tokens(_NOW).seal(_PAGE, state).encode() for state in STATES),
        *(
            _tokens(_NOW + seconds).seal(_PAGE, _STATE).encode()
            for seconds in (-_LIFETIME - 1, 100)
        ),
        _tokens(_NOW).seal("case", _STATE).encode(),
    ],
    4_096,
)

WORDS = WordLists.read()
_CODENAMES = [
    Codename((1, 2, 3, 4, 5, 6, 7)),
    Codename((2047,) * 7),
    Codename((0, 100, 200, 300, 400, 500, 600)),
]
_SPELLED = [
    separator.join(spelling)
    for codename in _CODENAMES
    for words in (WORDS.spell(codename, language) for language in LANGUAGES)
    for spelling in (
        [word.typed for word in words],
        [word.hanzi for word in words if word.hanzi],
        [f"{word.typed} {word.hanzi}" for word in words],
    )
    for separator in (" ", "", "\n1. ")
]
_SIGNS = [
    "　".encode(),
    "ﷺ".encode(),
    "\u0304".encode(),
    "’".encode(),
    "㍿".encode(),
    "Ａ".encode(),
    "İ".encode(),
    "\U0002f800".encode(),
]
_SIGNS += [word.encode() for three in WORDS.chinese[:8] for word in three]


def typed_codename(data: bytes) -> Codename:
    """A typed codename. BadCodename, or a codename that reads back in each language."""
    with bounded_time():
        codename = WORDS.read_codename(data.decode("utf-8", "replace"))
    for language in LANGUAGES:
        words = WORDS.spell(codename, language)
        assert WORDS.read_codename(" ".join(word.typed for word in words)) == codename
        assert WORDS.read_codename("".join(word.hanzi or word.typed for word in words)) == codename
    return codename


def codename_in_text(data: bytes) -> bool:
    """A claimant's text. Yes or no, and always yes with a codename inserted in the middle."""
    text = data.decode("utf-8", "replace")
    middle, spelled = (
        len(text) // 2,
        " ".join(word.typed for word in WORDS.spell(_CODENAMES[0], "zh-Hans")),
    )
    with bounded_time():
        found = WORDS.contains_codename(text)
    assert WORDS.contains_codename(f"{text[:middle]} {spelled} {text[middle:]}"), (
        "a codename is overlooked"
    )
    return found


TYPED_CODENAME = Target(
    typed_codename, (BadCodename,), [text.encode() for text in _SPELLED], 2_048, words=_SIGNS
)
CODENAME_IN_TEXT = Target(
    codename_in_text,
    (),
    [f"我的 {text} 谢谢".encode() for text in _SPELLED[::3]],
    4_096,
    words=_SIGNS,
)


def personal_data(data: bytes) -> list[str]:
    """A claimant's text.

    The kinds in order, in limited time however repetitive it is; a number is noticed.
    """
    text = data.decode("utf-8", "replace")
    with bounded_time():
        find_personal_data((text * (ROOM // max(len(text), 1)))[:ROOM])
    found, order = find_personal_data(text), [PHONE, IDENTITY, EMAIL, ACCOUNT]
    assert found == [kind for kind in order if kind in found]
    assert PHONE in find_personal_data(text + "\n13800138000\n" + text), (
        "a telephone number is overlooked"
    )
    return found


IDENTIFIERS = Target(
    personal_data,
    (),
    [
        text.encode()
        for text in (
            "我的电话13800138000。",
            "+1 (415) 555-0123",
            "11010519491231002X",
            "A123456789",
            "a.b@c.d.org",
            "wxid_abcdef",
            "1 " * 20,
        )
    ],
    1_024,
    words=[
        b"+86 ",
        b"138",
        b"@",
        b".",
        b"wxid_",
        b"(",
        b")",
        "－".encode(),
        "\u200b".encode(),
        "ı".encode(),
        "①".encode(),
    ],
)

QUESTIONS = Campaign.read(Path(campaign.__file__).parent / "campaign.toml").questions


def answers(data: bytes) -> Any:
    """The number of a question and its form values, separated by zero bytes.

    BadAnswer, or an answer. An answer can be stored in a report and shown in every language; a
    short one reads back as itself.
    """
    question = QUESTIONS[(data[0] if data else 0) % len(QUESTIONS)]
    answer = question.read([value.decode("utf-8", "replace") for value in data[1:].split(b"\0")])
    json.dumps(answer, ensure_ascii=False).encode("utf-8")
    assert all(isinstance(question.shown(answer, language), str) for language in LANGUAGES)
    if isinstance(answer, str) and question.kind != "month":
        assert question.read([answer]) == answer
    return answer


ANSWERS = Target(
    answers,
    (BadAnswer,),
    [
        bytes([number]) + b"\0".join(value.encode() for value in values)
        for number, question in enumerate(QUESTIONS)
        for values in (
            [],
            sorted(question.codes)[:2],
            ["2019", "07"],
            ["１００ USD", "", "buy", "88.5", "x"] * 3,
        )
    ],
    512,
    words=[
        *sorted(code.encode() for question in QUESTIONS for code in question.codes)[:40],
        *("　".encode(), "ﷺ".encode(), b"2019", b"07"),
    ],
)
