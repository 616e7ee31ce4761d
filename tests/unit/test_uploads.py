"""Reading a form as it arrives: bounded, streaming, and never an exception for what was sent."""

import io
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from dropbox.errors import CannotSeal, CasedropError, TooLarge
from dropbox.front.uploads import (
    Busy,
    ReceivedForm,
    Sealer,
    Trouble,
    receive,
)
from dropbox.report import NAME_BYTES, Attachment

TYPE = "multipart/form-data; boundary=B"


def same(collector: "Collector") -> "Collector":
    return collector


class Collector:
    """A sealer that only collects, or fails after *fails_after* bytes."""

    def __init__(self, fails_after: int | None = None) -> None:
        self.data = b""
        self.aborted = False
        self.times = 0
        self.largest = 0
        self._fails_after = fails_after

    def write(self, data: bytes | memoryview) -> int:
        self.largest = max(self.largest, len(data))
        self.data += data
        if self._fails_after is not None and len(self.data) > self._fails_after:
            raise CannotSeal
        return len(data)

    def finish(self, *, name: str, type: str) -> Attachment:
        return Attachment(name, type, len(self.data), "0" * 64, bytes(32), 1, 100)

    def abort(self) -> None:
        self.aborted = True
        self.times += 1


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    file = (
        f'; filename="{filename}"\r\nContent-Type: Image/PNG; x=y' if filename is not None else ""
    )
    return (
        f'--B\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        + value
        + b"\r\n"
    )


def read(
    body: bytes, open_sealer: Callable[[], Sealer], left: int = 10, limit: int = 10**8
) -> ReceivedForm:
    return receive(
        io.BytesIO(body),
        TYPE,
        limit_bytes=limit,
        files_left=lambda texts: left,
        open_sealer=open_sealer,
    )


def test_texts_and_files_are_separated_in_order() -> None:
    made: list[Collector] = []

    def opened() -> Collector:
        made.append(Collector())
        return made[-1]

    body = (
        part("token", b"t")
        + part("harms", b"a")
        + part("harms", b"b")
        + part("files", b"x" * 300_000, "一.png")
        + part("act", b"send")
    )
    received = read(body + b"--B--\r\n", opened)

    assert (
        received.texts.getlist("harms") == ["a", "b"]
        and received.texts["act"] == "send"
        and received.troubles == []
    )
    assert [(file.name, file.type, file.size) for file in received.attachments] == [
        ("一.png", "image/png", 300_000)
    ]
    assert made[0].data == b"x" * 300_000 and made[0].largest <= 65_536 + 100


@pytest.mark.slow
def test_a_form_reads_the_same_wherever_it_is_cut() -> None:
    class Cut(io.BytesIO):
        def __init__(self, *pieces: bytes) -> None:
            super().__init__()
            self.pieces = list(pieces)

        def readinto(self, memory: Any, /) -> int:
            piece = self.pieces.pop(0) if self.pieces else b""
            memory[: len(piece)] = piece
            return len(piece)

    body = (
        part("text", b"kept")
        + part("files", b"\r\n--x\r", "a")
        + part("files", b"", "")
        + part("act", b"send")
        + b"--B--\r\n"
    )
    for at in range(1, len(body)):
        made = Collector()
        received = receive(
            Cut(body[:at], body[at:]),
            TYPE,
            limit_bytes=10**6,
            files_left=lambda texts: 10,
            open_sealer=partial(same, made),
        )
        assert (
            received.texts.to_dict() == {"text": "kept", "act": "send"} and received.troubles == []
        )
        assert made.data == b"\r\n--x\r" and len(received.attachments) == 1


@pytest.mark.slow
def test_a_file_arrives_whole_wherever_its_pieces_begin_and_end() -> None:
    """Line breaks and beginnings of a delimiter, at each place of a piece and across two."""

    class Pieces(io.BytesIO):
        size = 1

        def readinto(self, memory: Any, /) -> int:
            return super().readinto(memory[: self.size])

    ends = (b"", b"\r", b"\n", b"\r\n", b"\r\n-", b"\r\n--", b"\r\n--BB\r\n", b"\r\n--B-x")
    contents = [
        filler * length + end + behind
        for filler in (b"\0", b"\r", b"\n", b"-")
        for length in (0, 1, 5, 20)
        for end in ends
        for behind in (b"", b"\0" * 9)
    ]
    for content in contents:
        body = part("files", content, "a") + part("end", b"1") + b"--B--\r\n"
        for size in (1, 2, 5, 7, 8, 13):
            collector, stream = Collector(), Pieces(body)
            stream.size = size
            received = receive(
                stream,
                TYPE,
                limit_bytes=10**6,
                files_left=lambda texts: 1,
                open_sealer=partial(same, collector),
            )
            assert (collector.data, received.troubles) == (content, []), (content, size)
            assert received.texts["end"] == "1"


def test_a_field_without_a_chosen_file_is_no_file() -> None:
    received = read(part("files", b"", "") + b"--B--\r\n", Collector)

    assert received.attachments == [] and received.troubles == []


def test_a_file_that_breaks_off_is_given_up() -> None:
    made = Collector()
    received = read(part("text", b"kept") + part("files", b"x" * 100_000, "a")[:-2], lambda: made)

    assert received.troubles == [(Trouble.BROKEN_OFF, "")] and received.attachments == []
    assert made.aborted and received.texts["text"] == "kept"


def test_a_sealing_that_fails_gives_up_its_file_and_the_rest_is_read_on() -> None:
    made = [Collector(fails_after=10), Collector()]
    sealers = iter(made)
    received = read(
        part("files", b"x" * 1000, "a")
        + part("files", b"y", "b")
        + part("text", b"t")
        + b"--B--\r\n",
        lambda: next(sealers),
    )

    assert made[0].aborted and [file.name for file in received.attachments] == ["b"]
    assert received.troubles == [(Trouble.NOT_ACCEPTED, "")] and received.texts["text"] == "t"


def test_a_file_is_given_up_once_and_none_of_its_further_bytes_are_sealed() -> None:
    made = Collector(fails_after=10)
    received = read(part("files", b"x" * 500_000, "a") + b"--B--\r\n", lambda: made)

    assert received.troubles == [(Trouble.NOT_ACCEPTED, "")]
    assert made.times == 1 and len(made.data) < 100_000


@pytest.mark.parametrize("error", [CannotSeal, TooLarge])
def test_a_text_after_a_file_that_fails_at_its_last_byte_is_not_lost(
    error: type[CasedropError],
) -> None:
    class Failing(Collector):
        def write(self, data: bytes | memoryview) -> int:
            raise error

    made = Failing()
    received = read(
        part("files", b"x" * 1000, "a") + part("text", b"kept") + b"--B--\r\n", lambda: made
    )

    assert received.texts["text"] == "kept" and made.aborted and received.attachments == []


@pytest.mark.long
def test_the_names_of_fields_take_no_memory_beyond_the_limit_of_the_texts() -> None:
    received = read(
        b"".join(part(f"{number}" * 50_000, b"") for number in range(10, 60)) + b"--B--\r\n",
        Collector,
    )

    assert len(received.texts) == 50 and sum(map(len, received.texts)) < 10_000


def test_a_fields_name_is_cut_off_after_64_characters() -> None:
    received = read(part("a" * 64, b"") + part("b" * 65, b"") + b"--B--\r\n", Collector)

    assert list(received.texts) == ["a" * 64, "b" * 64]


@pytest.mark.parametrize("more", [0, 1])
def test_all_texts_together_may_be_as_long_as_was_said_and_come_back_cut_beyond(more: int) -> None:
    half = 524_288
    received = read(
        part("one", b"1" * half) + part("two", b"2" * (half + more)) + b"--B--\r\n", Collector
    )

    assert [len(received.texts[name]) for name in ("one", "two")] == [half, half]
    assert received.troubles == ([(Trouble.TEXTS_TOO_LONG, "")] if more else [])


@pytest.mark.parametrize("more", [0, 1])
def test_a_files_name_may_be_as_long_as_a_report_takes_it(more: int) -> None:
    name = "n" * (NAME_BYTES + more)
    received = read(part("files", b"x", name) + part("act", b"send") + b"--B--\r\n", Collector)

    assert [file.name for file in received.attachments] == [name] * (1 - more)
    assert received.troubles == ([(Trouble.NAME_TOO_LONG, "n" * 60)] if more else [])
    assert received.texts["act"] == "send"


@pytest.mark.parametrize("left", [0, 1, 2])
def test_no_more_files_are_taken_than_there_is_room_for(left: int) -> None:
    files = b"".join(part("files", b"x" * 10, name) for name in ("a", "b", "c"))
    received = read(files + part("act", b"send") + b"--B--\r\n", Collector, left=left)

    assert [file.name for file in received.attachments] == ["a", "b", "c"][:left]
    assert received.troubles == [(Trouble.TOO_MANY_FILES, "")] and received.texts["act"] == "send"


def test_a_file_of_no_bytes_takes_its_place_too() -> None:
    files = part("files", b"", "empty") + part("files", b"x", "b")
    received = read(files + b"--B--\r\n", Collector, left=1)

    assert [(file.name, file.size) for file in received.attachments] == [("empty", 0)]
    assert received.troubles == [(Trouble.TOO_MANY_FILES, "")]


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("C:\\Users\\Li Wei\\a.png", "a.png"),
        ("C:\\Users\\张三\\x.png", "x.png"),
        ("\\\\server\\张三/x.png", "x.png"),
        ("C:\\new\\report.tar.gz", "report.tar.gz"),
        ("a\\%22b%22.png", '"b".png'),
        ("/home/liwei/a.png", "a.png"),
        ("../../a.png", "a.png"),
        ("a%0Db%0Ac.png", "a\rb\nc.png"),
        ("50%.png", "50%.png"),
    ],
)
def test_a_name_is_the_last_part_of_what_was_sent_with_its_line_breaks(
    sent: str, name: str
) -> None:
    for escaped in (sent, sent.replace("\\", "\\\\")):
        body = part("files", b"x", escaped) + b"--B--\r\n"
        assert [file.name for file in read(body, Collector).attachments] == [name]


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ("Image/PNG; x=y", "image/png"),
        ("application/vnd.ms-excel", "application/vnd.ms-excel"),
        ("image/png<script>", "application/octet-stream"),
        ("image/png/x", "application/octet-stream"),
        ("image", "application/octet-stream"),
        ("a/" + "b" * 64, "a/" + "b" * 64),
        ("a/" + "b" * 65, "application/octet-stream"),
    ],
)
def test_a_declared_type_is_valid_or_unknown(sent: str, kind: str) -> None:
    body = part("files", b"x", "a").replace(b"Image/PNG; x=y", sent.encode()) + b"--B--\r\n"

    assert [file.type for file in read(body, Collector).attachments] == [kind]


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/mixed; boundary=B",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "x",
        "",
    ],
)
def test_a_body_that_is_no_form_is_not_read_as_one(kind: str) -> None:
    source = io.BytesIO(part("files", b"x", "a") + b"--B--\r\n")
    received = receive(
        source, kind, limit_bytes=10**6, files_left=lambda texts: 10, open_sealer=Collector
    )

    assert received.troubles == [(Trouble.BROKEN_OFF, "")] and received.attachments == []


@pytest.mark.parametrize("more", [0, 1])
def test_a_form_has_as_many_parts_as_ours_and_not_one_more(more: int) -> None:
    received = read(part("harms", b"x") * (192 + more) + b"--B--\r\n", Collector)

    assert received.troubles == ([(Trouble.BROKEN_OFF, "")] if more else [])


class Places:
    """Sealers, of which only the first *free* can be opened."""

    def __init__(self, free: int = 0, before: int = 0) -> None:
        self._refused, self._free = before, free

    def open(self) -> Sealer:
        self._refused -= 1
        if self._refused >= 0 or self._free < 1:
            raise Busy
        self._free -= 1
        return Collector()


REFUSED = (
    part("text", b"kept") + part("files", b"x" * 5_000_000, "a") + part("end", b"1") + b"--B--\r\n"
)


def refused(source: io.BytesIO, drains: threading.Semaphore | None, **how: Any) -> ReceivedForm:
    arguments = {"limit_bytes": 10**8, "open_sealer": Places().open, **how}
    return receive(source, TYPE, files_left=lambda texts: 10, drains=drains, **arguments)


@pytest.mark.parametrize("drains", [None, threading.Semaphore(0)])
def test_when_all_places_are_taken_and_nobody_else_is_waited_for_the_reading_ends_at_once(
    drains: threading.Semaphore | None,
) -> None:
    source = io.BytesIO(REFUSED)
    received = refused(source, drains)

    assert received.troubles == [(Trouble.BUSY, "")] and received.texts["text"] == "kept"
    assert source.tell() < 200_000 and set(received.lost) == {"a"}
    assert drains is None or not drains.acquire(blocking=False)


def test_when_all_places_are_taken_the_rest_is_read_so_that_the_browser_shows_the_page() -> None:
    drains = threading.BoundedSemaphore(1)
    source = io.BytesIO(REFUSED)
    received = refused(source, drains)

    assert received.troubles == [(Trouble.BUSY, "")] and set(received.lost) == {"a"}
    assert source.read() == b"" and received.complete and not received.cut_page
    assert drains.acquire(blocking=False), "the place is free again"


def test_a_form_of_several_refused_files_takes_one_place_and_a_free_sealer_is_used() -> None:
    drains = threading.BoundedSemaphore(1)
    body = b"".join(part("files", b"x", name) for name in "abc") + b"--B--\r\n"
    received = refused(io.BytesIO(body), drains, open_sealer=Places(free=1, before=2).open)

    assert received.lost == ["a", "b"] and [one.name for one in received.attachments] == ["c"]
    assert drains.acquire(blocking=False)


def test_what_is_refused_is_not_read_beyond_the_limit_and_a_place_is_given_back() -> None:
    drains = threading.BoundedSemaphore(1)
    source = io.BytesIO(REFUSED)
    received = refused(source, drains, limit_bytes=500_000)

    assert (Trouble.POST_TOO_LARGE, "") in received.troubles
    assert source.tell() < 3 * 500_000 + 200_000
    assert drains.acquire(blocking=False)


class SlowLine(io.BytesIO):
    """Brings 65,536 bytes at a time, each *seconds* after the one before."""

    def __init__(self, body: bytes, seconds: float) -> None:
        super().__init__(body)
        self._seconds = seconds
        self.now = 0.0

    def readinto(self, memory: Any, /) -> int:
        self.now += self._seconds
        return super().readinto(memory)


@pytest.mark.parametrize("open_sealer", [Collector, Places().open])
def test_whoever_sends_less_than_a_kilobyte_a_second_is_not_waited_for_after_ten_minutes(
    open_sealer: Callable[[], Sealer],
) -> None:
    """A refused sender is waited for as long as one whose file is taken."""
    for seconds, whole in ((60.0, True), (80.0, False)):
        line = SlowLine(REFUSED + part("late", b"x"), seconds)
        drains = threading.BoundedSemaphore(1)
        received = refused(line, drains, open_sealer=open_sealer, clock=lambda line=line: line.now)

        assert received.complete == whole
        assert ((Trouble.BROKEN_OFF, "") in received.troubles) != whole
        if not whole:
            assert 600 < line.now < 80 * 45
        assert drains.acquire(blocking=False)


def test_a_vault_that_is_busy_gives_up_the_file_and_keeps_the_texts_behind_it() -> None:
    class Refused(Collector):
        def write(self, data: bytes | memoryview) -> int:
            raise Busy

    made = Refused()
    body = part("files", b"x" * 100_000, "a") + part("text", b"kept") + b"--B--\r\n"
    received = read(body, lambda: made)

    assert received.troubles == [(Trouble.BUSY, "")] and received.attachments == []
    assert received.texts["text"] == "kept" and made.times == 1


def test_a_post_of_exactly_the_limit_is_taken() -> None:
    body = part("text", b"kept") + part("files", b"x" * 100_000, "a") + b"--B--\r\n"

    whole, over = (read(body, Collector, limit=len(body) - less) for less in (0, 1))

    assert whole.troubles == [] and len(whole.attachments) == 1
    assert over.troubles == [(Trouble.POST_TOO_LARGE, "")] and over.attachments == []


def test_what_is_too_large_is_drained_to_a_bound() -> None:
    source = io.BytesIO(part("text", b"kept") + part("files", b"x" * 5_000_000, "a"))
    received = receive(
        source, TYPE, limit_bytes=500_000, files_left=lambda texts: 10, open_sealer=Collector
    )

    assert received.troubles == [(Trouble.POST_TOO_LARGE, "")]
    assert 1_400_000 < source.tell() < 1_700_000


@given(st.binary(max_size=2000))
@examples(200)
@pytest.mark.slow
def test_no_bytes_raise_anything(noise: bytes) -> None:
    body = part("text", b"t") + noise
    for untrusted in (noise, body, b"--B\r\n" + noise, body + b"--B--\r\n"):
        assert isinstance(read(untrusted, Collector), ReceivedForm)


@pytest.mark.parametrize(
    ("name", "content", "lost"),
    [("photo.jpg", b"", ["photo.jpg"]), ("", b"x", [""]), ("", b"", [])],
    ids=["a name only", "content only", "no file was chosen"],
)
def test_a_form_cut_off_within_a_file_names_the_file_that_was_lost(
    name: str, content: bytes, lost: list[str]
) -> None:
    """What was chosen is named, even if no byte of it came; an empty box is no file."""
    body = part("files", content + b"y" * 20 if content else b"", name).removesuffix(b"\r\n")
    received = read(body, Collector)

    assert received.lost == lost and not received.complete
